//! Why there is no value, and at which byte that was seen.

/// What is wrong with a pickle, or with a value that was to become one. Offsets count from the pickle's first byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// It does not begin with a protocol from 2 to 5.
    #[error("at byte 0: not a pickle of protocol 2 to 5")]
    Protocol,
    /// It ends in the middle.
    #[error("at byte {offset}: ends in the middle: {need} more bytes are needed, {have} are there")]
    Cut {
        /// Where it was read.
        offset: usize,
        /// Bytes needed from there on.
        need: u64,
        /// Bytes there.
        have: usize,
    },
    /// An opcode that could run code, or reach an object outside of the pickle.
    #[error("at byte {offset}: {opcode} is refused: it could call something")]
    Call {
        /// Where the opcode stands.
        offset: usize,
        /// Its name in `pickletools`.
        opcode: &'static str,
    },
    /// Data of a kind that this reader does not take.
    #[error("at byte {offset}: {opcode} is outside of the subset")]
    Outside {
        /// Where the opcode stands.
        offset: usize,
        /// Its name in `pickletools`.
        opcode: &'static str,
    },
    /// A byte that is no opcode.
    #[error("at byte {offset}: there is no opcode {byte:#04x}")]
    Unknown {
        /// Where it stands.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// The opcode needs something on the stack, or in the memo, that is not there.
    #[error("at byte {offset}: {what}")]
    Machine {
        /// Where the opcode stands.
        offset: usize,
        /// What is missing.
        what: &'static str,
    },
    /// Text that is not UTF-8.
    #[error("at byte {offset}: text that is not UTF-8")]
    Text {
        /// Where the text's opcode stands.
        offset: usize,
    },
    /// An integer of more than 128 bits.
    #[error("at byte {offset}: an int of {bytes} bytes, where 16 are the most")]
    IntTooLarge {
        /// Where the opcode stands.
        offset: usize,
        /// Its length.
        bytes: usize,
    },
    /// A key that Python could not hash.
    #[error("at byte {offset}: a dict's key that holds a list or a dict")]
    Key {
        /// Where the dict begins; when writing, how many bytes had been written.
        offset: usize,
    },
    /// More than [`Limits`](super::Limits) allow.
    #[error("at byte {offset}: more {what} than the limit of {limit}")]
    Limit {
        /// Where that was seen.
        offset: usize,
        /// Of what.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// Nested too deep, or a list that holds itself.
    #[error("at byte {offset}: nested deeper than {limit} levels, or a thing that holds itself")]
    TooDeep {
        /// Where the innermost value begins.
        offset: usize,
        /// Levels allowed.
        limit: usize,
    },
    /// Bytes behind the end.
    #[error("at byte {offset}: the pickle ends, and {bytes} bytes follow")]
    Trailing {
        /// Where the pickle ends.
        offset: usize,
        /// How many follow.
        bytes: usize,
    },
}
