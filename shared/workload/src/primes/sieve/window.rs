//! Sieves the numbers of a window, segment by segment.

use std::ops::Range;

use super::{
    MOST, presieve,
    strike::{Striker, strike},
    wheel::{TURN, keep_from, spoke},
};
use crate::PieceError;

/// Bytes that all strikers pass over together: a first-level cache (32 KiB or more).
const BLOCK: usize = 32 * 1024;

/// The shortest segment: fits any second-level cache.
const SEGMENT: usize = 16 * BLOCK;

pub(super) fn check(end: u64) -> Result<(), PieceError> {
    if end > MOST {
        return Err(PieceError::new(format_args!("primes below {end}; at most {MOST} is possible")));
    }
    Ok(())
}

/// Calls `found` with each segment of the window, in order: the index of its first byte (see `wheel`), and
/// its bytes, in which the bits of primes are set. The primes of `presieve` are not among them.
///
/// # Errors
/// When `numbers` ends above [`MOST`].
pub(super) fn sieve(numbers: Range<u64>, mut found: impl FnMut(u64, &[u8])) -> Result<(), PieceError> {
    check(numbers.end)?;
    if numbers.is_empty() {
        return Ok(());
    }
    let largest = numbers.end.isqrt();
    // A turn of the largest prime takes as many bytes as the prime says. Longer segments make sure that
    // several turns fit; margins on both sides take what the first and the last one have outside.
    let margin = largest as usize + 1;
    let all = numbers.start / TURN..numbers.end.div_ceil(TURN);
    let segment = SEGMENT.max(2 * margin).min((all.end - all.start) as usize);
    let mut buffer = vec![0; margin + segment + margin];
    let mut strikers: [Vec<Striker>; 8] = Default::default();
    let mut primes = primes_between(presieve::LARGEST, largest).into_iter().peekable();

    for first in all.clone().step_by(segment) {
        let length = segment.min((all.end - first) as usize);
        let end_number = (first + length as u64) * TURN;
        // Primes join in when their square does: smaller multiples have smaller divisors.
        while let Some(prime) = primes.next_if(|&prime| prime * prime < end_number) {
            // Turn k begins at byte p k. The first one needed: with this segment's first byte in it, or with
            // the square.
            let turn = (first / prime).max(prime / TURN);
            let next = (turn * prime + margin as u64 - first) as u32;
            if let Some(on) = spoke(prime) {
                strikers[on].push(Striker { prime: prime as u32, next });
            }
        }
        let bytes = margin..margin + length;
        presieve::fill(&mut buffer[bytes.clone()], first);
        strike_all(&mut strikers, &mut buffer, bytes.clone());
        for striker in strikers.iter_mut().flatten() {
            // The turn that reaches across the border is done again, for its part beyond.
            striker.next -= striker.prime + length as u32;
        }
        cut(&mut buffer[bytes.clone()], first, &numbers);
        found(first, &buffer[bytes]);
    }
    Ok(())
}

/// Strikes block by block, so that a block stays in the first-level cache while all primes pass over it.
/// Larger primes, with less than two turns to a block, would mostly find that they have nothing to do there:
/// they take the whole segment at once.
fn strike_all(strikers: &mut [Vec<Striker>; 8], buffer: &mut [u8], bytes: Range<usize>) {
    let mut by_spoke = strikers.each_mut().map(|strikers| {
        let small = strikers.partition_point(|striker| striker.prime as usize <= BLOCK / 2);
        strikers.split_at_mut(small)
    });
    for start in bytes.clone().step_by(BLOCK) {
        let end = bytes.end.min(start + BLOCK);
        for (on, (small, _)) in by_spoke.iter_mut().enumerate() {
            strike(on, small, buffer, end);
        }
    }
    for (on, (_, large)) in by_spoke.iter_mut().enumerate() {
        strike(on, large, buffer, bytes.end);
    }
}

/// Clears the numbers outside the window, and 1, which is no prime.
fn cut(bytes: &mut [u8], first: u64, numbers: &Range<u64>) {
    let from = numbers.start.max(2);
    if let Some(byte) = bytes.first_mut() {
        *byte &= keep_from(from.saturating_sub(first * TURN));
    }
    let last = first + bytes.len() as u64 - 1;
    if let Some(byte) = bytes.last_mut() {
        *byte &= !keep_from(numbers.end.saturating_sub(last * TURN));
    }
}

/// The primes above `above` and up to `most`, by the plain sieve of Eratosthenes over odd numbers.
fn primes_between(above: u64, most: u64) -> Vec<u64> {
    // Index i stands for 2 i + 1.
    let mut composite = vec![false; (most as usize).div_ceil(2)];
    for prime in (3..=most.isqrt() as usize).step_by(2) {
        if !composite[prime / 2] {
            composite[prime * prime / 2..].iter_mut().step_by(prime).for_each(|flag| *flag = true);
        }
    }
    let odd = (1..composite.len()).filter(|&index| !composite[index]).map(|index| 2 * index as u64 + 1);
    odd.filter(|&prime| prime > above).collect()
}
