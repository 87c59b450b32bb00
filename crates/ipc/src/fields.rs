//! The fields of one message, read in order: no copy, no allocation, and every error says at which byte.

/// Why the bytes are not the message that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FieldError {
    /// The message ends inside a field.
    #[error("at byte {offset}: a field of {needed} bytes, of which {have} are there")]
    Cut {
        /// Where the field begins, in bytes from the beginning of the message.
        offset: usize,
        /// How long it is.
        needed: usize,
        /// What is left of the message.
        have: usize,
    },
    /// A number that stands for nothing here: a kind of message, a code.
    #[error("at byte {offset}: {found} stands for nothing here")]
    Unknown {
        /// Where it stands.
        offset: usize,
        /// What was found.
        found: u8,
    },
    /// Text that is not UTF-8.
    #[error("at byte {offset}: text that is not UTF-8")]
    Text {
        /// Where the text begins.
        offset: usize,
    },
    /// The message should be at its end.
    #[error("at byte {offset}: {count} bytes too many")]
    Trailing {
        /// Where the end should be.
        offset: usize,
        /// How much follows.
        count: usize,
    },
}

impl FieldError {
    /// At which byte of the message it was found.
    pub fn offset(&self) -> usize {
        match self {
            Self::Cut { offset, .. }
            | Self::Unknown { offset, .. }
            | Self::Text { offset }
            | Self::Trailing { offset, .. } => *offset,
        }
    }
}

/// What is left of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    left: &'a [u8],
    offset: usize,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { left: message, offset: 0 }
    }

    /// The next `needed` bytes.
    pub(crate) fn bytes(&mut self, needed: usize) -> Result<&'a [u8], FieldError> {
        let cut = FieldError::Cut { offset: self.offset, needed, have: self.left.len() };
        let (field, left) = self.left.split_at_checked(needed).ok_or(cut)?;
        (self.left, self.offset) = (left, self.offset + needed);
        Ok(field)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, FieldError> {
        Ok(self.bytes(1)?[0])
    }

    /// Eight bytes, the highest first.
    pub(crate) fn number(&mut self) -> Result<u64, FieldError> {
        Ok(self.bytes(8)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A length: four bytes, the highest first.
    pub(crate) fn length(&mut self) -> Result<usize, FieldError> {
        Ok(self.bytes(4)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    /// Text with its length in one byte.
    pub(crate) fn short_text(&mut self) -> Result<&'a str, FieldError> {
        let length = self.byte()?;
        let offset = self.offset;
        text(self.bytes(length.into())?, offset)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.left
    }

    /// All that is left, as text.
    pub(crate) fn rest_as_text(self) -> Result<&'a str, FieldError> {
        text(self.left, self.offset)
    }

    /// Nothing must be left.
    pub(crate) fn end(self) -> Result<(), FieldError> {
        match self.left.len() {
            0 => Ok(()),
            count => Err(FieldError::Trailing { offset: self.offset, count }),
        }
    }

    /// The byte just read stands for nothing.
    pub(crate) fn unknown(&self, found: u8) -> FieldError {
        FieldError::Unknown { offset: self.offset - 1, found }
    }
}

fn text(bytes: &[u8], offset: usize) -> Result<&str, FieldError> {
    std::str::from_utf8(bytes).map_err(|_| FieldError::Text { offset })
}

/// Writes text with its length in one byte. `None` if it is longer than 255 bytes.
pub(crate) fn push_short_text(to: &mut Vec<u8>, text: &str) -> Option<()> {
    to.push(u8::try_from(text.len()).ok()?);
    to.extend_from_slice(text.as_bytes());
    Some(())
}
