//! A value of a shared list, and how CPython writes down which kind it is: a `struct` format, and a code.

/// A value in a list.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `int`, as far as 64 bits go.
    Int(i64),
    /// `float`.
    Float(f64),
    /// `bool`.
    Bool(bool),
    /// `str`.
    Str(String),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// `None`.
    None,
}

pub(crate) const WORD: usize = 8;
/// The format of each kind, and its code: how Python turns what it unpacked into a value.
pub(crate) const INT: (&[u8], u8) = (b"q", 0);
pub(crate) const FLOAT: (&[u8], u8) = (b"d", 0);
pub(crate) const BOOL: (&[u8], u8) = (b"xxxxxxx?", 0);
pub(crate) const NONE: (&[u8], u8) = (b"xxxxxx?x", 3);
pub(crate) const STR: u8 = 1;
pub(crate) const BYTES: u8 = 2;

impl Item {
    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Item::Str(text) => Some(text.as_bytes()),
            Item::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Bytes of a slot for this value.
    pub(crate) fn room(&self) -> usize {
        self.text().map_or(WORD, |text| (text.len() / WORD + 1) * WORD)
    }
}

/// 16 of `16s`.
pub(crate) fn text_length(format: &[u8]) -> Option<usize> {
    std::str::from_utf8(format).ok()?.strip_suffix('s')?.parse().ok()
}
