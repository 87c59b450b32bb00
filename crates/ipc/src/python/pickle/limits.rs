//! How much one pickle may make of itself.

/// What a pickle may hold. A few bytes can name the same list a thousand times, and that list another one: without a
/// limit 100 bytes become a billion values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Values in all, each time that it occurs; also how much of its stack, marks and memo a pickle may use. Each
    /// value costs up to 400 bytes while a pickle is read and 32 after.
    pub values: usize,
    /// Bytes of text and of `bytes` in all, each time that they occur.
    pub bytes: usize,
    /// How deep lists, tuples and dicts may be nested.
    pub depth: usize,
}

impl Default for Limits {
    /// A million values (2^20), 256 MiB of text and bytes, 200 levels.
    fn default() -> Self {
        Self { values: 1 << 20, bytes: 256 << 20, depth: 200 }
    }
}
