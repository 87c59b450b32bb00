//! Counts and sums what is left in a segment.

use super::{
    super::Tally,
    wheel::{SPOKES, TURN},
};

/// How many bits are set.
#[multiversion::multiversion(targets("x86_64+avx2+popcnt", "x86_64+popcnt"))]
pub(super) fn count(segment: &[u8]) -> u64 {
    let (words, rest) = segment.as_chunks::<8>();
    let in_words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    in_words + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

/// The sum of the spokes whose bits are set, for each byte: at most 120.
const SPOKE_SUMS: [u8; 256] = {
    let mut sums = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                sums[byte] += SPOKES[bit];
            }
            bit += 1;
        }
        byte += 1;
    }
    sums
};

/// Count and sum of the numbers whose bits are set, in a segment whose first byte is byte `first_byte` of all.
#[multiversion::multiversion(targets("x86_64+popcnt"))]
pub(super) fn tally(first_byte: u64, segment: &[u8]) -> Tally {
    // The sum over all numbers 30 (first + i) + s is 30 first count + 30 (sum of all i) + (sum of all s).
    let (mut count, mut indices, mut spokes) = (0, 0_u64, 0);
    for (index, &byte) in segment.iter().enumerate() {
        let here = u64::from(byte.count_ones());
        count += here;
        indices += index as u64 * here;
        spokes += u64::from(SPOKE_SUMS[usize::from(byte)]);
    }
    let turns = first_byte.wrapping_mul(count).wrapping_add(indices);
    Tally { count, checksum: turns.wrapping_mul(TURN).wrapping_add(spokes) }
}
