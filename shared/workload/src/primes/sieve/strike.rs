//! Strikes out the multiples of a prime: eight to each turn of the wheel, always at the same distances.
//!
//! For a prime p, the multiples that are on the wheel are p (30 k + s) for all k and each spoke s. With p k
//! bytes to turn k, multiple s of a turn is `p s / 30` bytes into it, on the spoke of `p s`: the same bit in
//! each turn, and the same for all primes on the same spoke. So for each of the eight spokes that a prime can
//! be on there is a loop of its own, with constant bits.

use super::wheel::{SPOKES, TURN, spoke};

/// A prime that strikes, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Striker {
    pub(super) prime: u32,
    /// Where the next turn begins, in bytes from the begin of the buffer.
    pub(super) next: u32,
}

/// For primes on spoke `ON`: which bit multiple s of a turn leaves out.
const fn masks(on: usize) -> [u8; 8] {
    let mut masks = [0; 8];
    let mut index = 0;
    while index < 8 {
        // The product of two numbers without the divisors 2, 3 and 5 has none of them either.
        if let Some(bit) = spoke(SPOKES[on] as u64 * SPOKES[index] as u64) {
            masks[index] = !(1 << bit);
        }
        index += 1;
    }
    masks
}

/// Lets all `strikers`, whose primes are on spoke `on`, do the turns that begin before `end`. The last turn of
/// each is done in full, beyond `end`: not to cut it saves the branches that nothing could predict.
pub(super) fn strike(on: usize, strikers: &mut [Striker], buffer: &mut [u8], end: usize) {
    match on {
        0 => turns::<0>(strikers, buffer, end),
        1 => turns::<1>(strikers, buffer, end),
        2 => turns::<2>(strikers, buffer, end),
        3 => turns::<3>(strikers, buffer, end),
        4 => turns::<4>(strikers, buffer, end),
        5 => turns::<5>(strikers, buffer, end),
        6 => turns::<6>(strikers, buffer, end),
        _ => turns::<7>(strikers, buffer, end),
    }
}

fn turns<const ON: usize>(strikers: &mut [Striker], buffer: &mut [u8], end: usize) {
    let masks = const { masks(ON) };
    for striker in strikers {
        let prime = striker.prime as usize;
        // p s / 30 for p = 30 a + r, in numbers that the compiler knows but for a.
        let (a, r) = (prime / TURN as usize, SPOKES[ON] as usize);
        let into = SPOKES.map(|s| a * s as usize + r * s as usize / TURN as usize);
        // Always so; said here, it need not be checked at each strike.
        assert!(into.iter().all(|&into| into < prime));
        let mut next = striker.next as usize;
        while next < end {
            let turn = &mut buffer[next..next + prime];
            for (into, mask) in into.into_iter().zip(masks) {
                turn[into] &= mask;
            }
            next += prime;
        }
        striker.next = next as u32;
    }
}
