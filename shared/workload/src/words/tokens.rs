//! Finds the words in bytes, 64 bytes at a time.
//!
//! The usual loop asks each byte "letter or not?" and branches on the answer; words end unpredictably, so the
//! processor guesses wrong about once a word and loses some 15 cycles each time. Here the 64 answers become the bits of
//! one integer without a branch, and counting its trailing zeros jumps from one border of a word to the next.
//! (The idea is simdjson's: Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019.)

/// How many bytes are looked at together.
pub(super) const BLOCK: usize = 64;

/// Calls `found` with the borders of each word that ends in `text[..len]`, and returns where the unfinished word at
/// the end begins (`len` when the last byte is no letter).
///
/// `text` goes on for at least [`BLOCK`] bytes after `len`, whatever they are: so there is no short block.
pub(super) fn each_word(text: &[u8], len: usize, mut found: impl FnMut(usize, usize)) -> usize {
    let mut start = len;
    // Whether the last byte of the block before is a letter: 1 or 0.
    let mut inside = 0;
    for (index, block) in text[..len.next_multiple_of(BLOCK)].as_chunks::<BLOCK>().0.iter().enumerate() {
        let base = index * BLOCK;
        let valid = u64::MAX >> (BLOCK - (len - base).min(BLOCK));
        let letters = letters(block) & valid;
        let after_a_letter = (letters << 1) | inside;
        let mut starts = letters & !after_a_letter;
        // The end of the text is not the end of a word: it may go on.
        let mut ends = !letters & after_a_letter & valid;
        let mut next_start = || {
            let first = base + starts.trailing_zeros() as usize;
            starts &= starts.wrapping_sub(1);
            first
        };
        if inside == 0 {
            start = next_start();
        }
        while ends != 0 {
            found(start, base + ends.trailing_zeros() as usize);
            ends &= ends - 1;
            // After the last word of the block there is none, and `start` means nothing.
            start = next_start();
        }
        inside = letters >> (BLOCK - 1 - valid.leading_zeros() as usize);
    }
    if inside == 1 { start } else { len }
}

/// One bit for each byte: is it an ASCII letter?
fn letters(block: &[u8; BLOCK]) -> u64 {
    // The compiler turns this loop into vector instructions (16 bytes or more at a time): no branch, no table.
    let flags = block.map(|byte| u8::from((byte | 0x20).wrapping_sub(b'a') < 26));
    let mut bits = 0;
    for (index, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        // The product moves the lowest bit of byte k to bit 56 + k, with no carry between them.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= gathered << (index * 8);
    }
    bits
}
