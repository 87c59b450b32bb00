//! The sieve of Eratosthenes in segments: as fast as the best known to a thousand million, and memory grows
//! with the root of the limit only.
//!
//! Four ideas, a file each:
//! - `wheel`: multiples of 2, 3 and 5 are not even stored, so that 30 numbers fit into one byte;
//! - `presieve`: the multiples of the next 35 primes form patterns that repeat and are copied, not computed;
//! - `strike`: the multiples of all other primes are struck out, eight to a turn;
//! - `window`: all that happens segment by segment, so that it happens in the caches.
//!
//! Further: <https://github.com/kimwalisch/primesieve/blob/master/doc/ALGORITHMS.md>.

mod presieve;
mod strike;
mod tally;
mod wheel;
mod window;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Tally, check_pieces};
use crate::{PieceError, Size, Workload};

/// Higher limits are refused: the primes up to the root would fill hundreds of megabytes, and the answer take days.
pub const MOST: u64 = 1_000_000_000_000_000;

/// How many primes there are below `below`.
///
/// # Errors
/// When `below` is above [`MOST`].
pub fn count(below: u64) -> Result<u64, PieceError> {
    count_within(0..below)
}

/// How many primes there are below `below`, and their sum modulo 2^64; the sum takes about a quarter more time.
///
/// # Errors
/// When `below` is above [`MOST`].
pub fn count_and_checksum(below: u64) -> Result<Tally, PieceError> {
    tally_within(0..below)
}

/// How many primes there are among `numbers`, which may begin at any height.
///
/// # Errors
/// When `numbers` ends above [`MOST`].
pub fn count_within(numbers: Range<u64>) -> Result<u64, PieceError> {
    let mut count = presieve::primes_within(&numbers).count() as u64;
    window::sieve(numbers, |_, segment| count += tally::count(segment))?;
    Ok(count)
}

/// How many primes there are among `numbers`, and their sum.
///
/// # Errors
/// When `numbers` ends above [`MOST`].
pub fn tally_within(numbers: Range<u64>) -> Result<Tally, PieceError> {
    let mut whole = Tally::default();
    for prime in presieve::primes_within(&numbers) {
        whole.add(Tally { count: 1, checksum: prime });
    }
    window::sieve(numbers, |first_byte, segment| whole.add(tally::tally(first_byte, segment)))?;
    Ok(whole)
}

/// The primes below a number, by the sieve, as work in pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sieve {
    /// The first number that is not looked at.
    pub below: u64,
    /// In how many pieces, of equal length: each finds the primes up to the root anew.
    pub pieces: u32,
}

impl Default for Sieve {
    /// Below 10^9, in 128 pieces.
    fn default() -> Self {
        Self { below: 1_000_000_000, pieces: 128 }
    }
}

impl Sieve {
    /// Below a million, 200 million or 10 thousand million.
    pub fn sized(size: Size) -> Self {
        match size {
            Size::Test => Self { below: 1_000_000, pieces: 16 },
            Size::Lesson => Self { below: 200_000_000, pieces: 64 },
            Size::Measure => Self { below: 10_000_000_000, pieces: 512 },
        }
    }
}

impl Workload for Sieve {
    const NAME: &'static str = "sieve";
    type Piece = Range<u64>;
    type Part = Tally;

    fn pieces(&self) -> Result<Vec<Range<u64>>, PieceError> {
        check_pieces(self.pieces)?;
        window::check(self.below)?;
        // No overflow: 2^50 numbers at most, 2^20 pieces at most, and a product that fits 128 bits.
        let border =
            |piece: u32| (u128::from(self.below) * u128::from(piece) / u128::from(self.pieces)) as u64;
        Ok((0..self.pieces).map(|piece| border(piece)..border(piece + 1)).collect())
    }

    fn run(&self, numbers: &Range<u64>) -> Result<Tally, PieceError> {
        tally_within(numbers.clone())
    }

    fn combine(&self, left: &mut Tally, right: Tally) {
        left.add(right);
    }

    fn answer(&self, whole: &Tally) -> serde_json::Value {
        serde_json::json!({ "below": self.below, "count": whole.count, "checksum": whole.checksum })
    }
}
