//! CPU-bound and regular: primes by trial division, in pieces that all cost about the same. And [`sieve`],
//! the better algorithm.
//!
//! ```
//! use workload::{Primes, Size, Timeline, Workload, primes::{Tally, sieve}, sequential};
//!
//! let work = Primes { below: 100, pieces: 7 };
//! let tally = sequential(&work, &Timeline::off())?;
//! assert_eq!(tally, Tally { count: 25, checksum: 1060 });
//! assert_eq!(tally, sieve::count_and_checksum(100)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod sieve;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{PieceError, Size, Workload};

/// The primes below a number, by trial division: a prime is divided by all primes up to its root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primes {
    /// The first number that is not looked at.
    pub below: u32,
    /// In how many pieces.
    pub pieces: u32,
}

/// How many primes, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// Their sum, modulo 2^64.
    pub checksum: u64,
}

impl Tally {
    /// Both sums.
    pub fn add(&mut self, other: Tally) {
        self.count += other.count;
        self.checksum = self.checksum.wrapping_add(other.checksum);
    }
}

impl Default for Primes {
    /// Below 20 million, in 512 pieces.
    fn default() -> Self {
        Self { below: 20_000_000, pieces: 512 }
    }
}

impl Primes {
    /// More pieces are refused: handing them out would be all of the work.
    pub const MOST_PIECES: u32 = 1 << 20;

    /// Below 100 thousand, 4 million or 20 million.
    pub fn sized(size: Size) -> Self {
        match size {
            Size::Test => Self { below: 100_000, pieces: 16 },
            Size::Lesson => Self { below: 4_000_000, pieces: 256 },
            Size::Measure => Self::default(),
        }
    }
}

/// How the cost of all numbers below n grows, as a power of n. Counted in divisions it is 1.31 at 4 million
/// and 1.33 at 20 million: a prime takes as many as there are primes up to its root.
const GROWTH: f64 = 1.31;

impl Workload for Primes {
    const NAME: &'static str = "primes";
    type Piece = Range<u32>;
    type Part = Tally;

    /// Ranges of equal cost, not of equal length: larger numbers take more divisions. Two workers with
    /// half of the numbers each would be 1.7 times as fast as one; with half of the cost, 2 times.
    fn pieces(&self) -> Result<Vec<Range<u32>>, PieceError> {
        check_pieces(self.pieces)?;
        let border = |piece: u32| {
            let share = f64::from(piece) / f64::from(self.pieces);
            (f64::from(self.below) * share.powf(1.0 / GROWTH)) as u32
        };
        Ok((0..self.pieces).map(|piece| border(piece)..border(piece + 1)).collect())
    }

    fn run(&self, numbers: &Range<u32>) -> Result<Tally, PieceError> {
        let divisors = primes_up_to(numbers.end.isqrt());
        let mut tally = Tally::default();
        for number in numbers.clone().filter(|&number| is_prime(number, &divisors)) {
            tally.add(Tally { count: 1, checksum: u64::from(number) });
        }
        Ok(tally)
    }

    fn combine(&self, left: &mut Tally, right: Tally) {
        left.add(right);
    }

    fn answer(&self, whole: &Tally) -> serde_json::Value {
        serde_json::json!({ "below": self.below, "count": whole.count, "checksum": whole.checksum })
    }
}

/// `divisors`: all primes up to the root of `number`, in order; more of them do no harm.
fn is_prime(number: u32, divisors: &[u32]) -> bool {
    let up_to_the_root =
        divisors.iter().take_while(|&&divisor| u64::from(divisor).pow(2) <= u64::from(number));
    number >= 2 && up_to_the_root.into_iter().all(|divisor| !number.is_multiple_of(*divisor))
}

fn primes_up_to(most: u32) -> Vec<u32> {
    let mut primes = Vec::new();
    for number in 2..=most {
        if is_prime(number, &primes) {
            primes.push(number);
        }
    }
    primes
}

fn check_pieces(pieces: u32) -> Result<(), PieceError> {
    match pieces {
        0 => Err(PieceError::new("0 pieces")),
        1..=Primes::MOST_PIECES => Ok(()),
        _ => Err(PieceError::new(format_args!(
            "{pieces} pieces; at most {} are possible",
            Primes::MOST_PIECES
        ))),
    }
}
