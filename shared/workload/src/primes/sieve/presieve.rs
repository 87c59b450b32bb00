//! The multiples of small primes repeat: those of 7, 23 and 37 every 7 x 23 x 37 bytes. So they are computed
//! once, and a segment begins as the patterns of all small primes put together.
//!
//! The small primes would need more than half of all strikes: 0.86 of them for each number on the wheel, all
//! others up to 31,607 (for a limit of 10^9) 0.71.

use std::{ops::Range, sync::LazyLock};

use super::wheel::{SPOKES, TURN};

/// Which primes share a pattern: small with large, so that each is six to ten thousand bytes long and all
/// together stay in a second-level cache.
const TOGETHER: [&[u64]; 16] = [
    &[7, 23, 37],
    &[11, 19, 31],
    &[13, 17, 29],
    &[41, 163],
    &[43, 157],
    &[47, 151],
    &[53, 149],
    &[59, 139],
    &[61, 137],
    &[67, 131],
    &[71, 127],
    &[73, 113],
    &[79, 109],
    &[83, 107],
    &[89, 103],
    &[97, 101],
];

/// The largest prime in a pattern.
pub(super) const LARGEST: u64 = 163;

/// The primes that the sieve itself does not find, as they are on the wheel or in a pattern.
pub(super) fn primes_within(numbers: &Range<u64>) -> impl Iterator<Item = u64> {
    let all = [2, 3, 5].into_iter().chain(TOGETHER.into_iter().flatten().copied());
    all.filter(|prime| numbers.contains(prime))
}

static PATTERNS: LazyLock<Vec<Vec<u8>>> =
    LazyLock::new(|| TOGETHER.iter().map(|primes| pattern(primes)).collect());

/// One period: byte b has the bits of those numbers from 30 b on that none of `primes` divides.
fn pattern(primes: &[u64]) -> Vec<u8> {
    let length: u64 = primes.iter().product();
    let byte = |index: u64| {
        let kept = |bit: &usize| {
            let number = index * TURN + u64::from(SPOKES[*bit]);
            primes.iter().all(|prime| !number.is_multiple_of(*prime))
        };
        (0..SPOKES.len()).filter(kept).fold(0, |byte, bit| byte | 1 << bit)
    };
    (0..length).map(byte).collect()
}

/// Fills `bytes`, the first of which is byte `first` of all: what is left are numbers without small divisors.
pub(super) fn fill(bytes: &mut [u8], first: u64) {
    /// So long that it stays in the first-level cache while all patterns pass.
    const STEP: usize = 8 * 1024;
    let mut start = first;
    for step in bytes.chunks_mut(STEP) {
        step.fill(u8::MAX);
        for pattern in PATTERNS.iter() {
            let mut from = (start % pattern.len() as u64) as usize;
            let mut rest = &mut *step;
            while !rest.is_empty() {
                let length = rest.len().min(pattern.len() - from);
                let (now, later) = rest.split_at_mut(length);
                keep_both(now, &pattern[from..from + length]);
                (rest, from) = (later, 0);
            }
        }
        start += step.len() as u64;
    }
}

#[multiversion::multiversion(targets("x86_64+avx2"))]
fn keep_both(bytes: &mut [u8], pattern: &[u8]) {
    for (byte, mask) in bytes.iter_mut().zip(pattern) {
        *byte &= mask;
    }
}
