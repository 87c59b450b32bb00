//! A word of up to 16 letters is one integer: lower-casing, comparing and hashing it take no loop.

/// The longest word that fits.
pub(super) const LONGEST: usize = size_of::<Key>();

/// Lower-case letters, the first in the lowest byte, then zeros. No word is 0.
pub(super) type Key = u128;

/// The word that begins at `start` and has `len` letters, between 1 and [`LONGEST`]. `text` goes on for at least
/// [`LONGEST`] bytes after `start`, as that many are loaded whatever the length.
#[inline]
pub(super) fn key(text: &[u8], start: usize, len: usize) -> Key {
    const LOWER_CASE: Key = Key::from_le_bytes([0x20; LONGEST]);
    match text[start..].first_chunk() {
        Some(bytes) => (Key::from_le_bytes(*bytes) | LOWER_CASE) & MASKS[len],
        None => key_of(&text[start..start + len]),
    }
}

/// The same for a word that stands alone.
pub(super) fn key_of(word: &[u8]) -> Key {
    let mut padded = [0; LONGEST];
    padded[..word.len()].copy_from_slice(word);
    padded.make_ascii_lowercase();
    Key::from_le_bytes(padded)
}

/// How many letters a word has.
pub(super) fn len(key: Key) -> usize {
    LONGEST - key.leading_zeros() as usize / 8
}

/// `MASKS[n]` keeps the first n bytes: a table, as a shift by a variable takes several steps for 128 bits.
const MASKS: [Key; LONGEST + 1] = {
    let mut masks = [Key::MAX; LONGEST + 1];
    let mut len = 0;
    while len < LONGEST {
        masks[len] = (1 << (len * 8)) - 1;
        len += 1;
    }
    masks
};

/// Spreads words over all 64 bits: one wide multiplication, its halves folded together (as foldhash and wyhash do).
///
/// `key` is up to 16 letters, the first in the lowest byte, then zeros.
#[inline]
pub fn hash(key: Key) -> u64 {
    // Digits of pi: all they need is to be without a pattern.
    let low = key as u64 ^ 0x243f_6a88_85a3_08d3;
    let high = (key >> 64) as u64 ^ 0x1319_8a2e_0370_7345;
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}
