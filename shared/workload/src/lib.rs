//! The work that every mechanism runs.
//!
//! A [`Workload`] is work that can be cut into pieces, done by anyone in any order, and put together again.
//! A [`Mechanism`] is a way to get the pieces done: on one thread, on many, in other processes. Whatever the
//! mechanism, the answer is equal to the one of [`sequential`].
//!
//! ```
//! use workload::{PieceError, Timeline, Workload, sequential};
//!
//! /// The sum of the squares below `n`, cut into hundreds.
//! #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
//! struct Squares { n: u64 }
//!
//! impl Workload for Squares {
//!     const NAME: &'static str = "squares";
//!     type Piece = (u64, u64);
//!     type Part = u64;
//!
//!     fn pieces(&self) -> Result<Vec<(u64, u64)>, PieceError> {
//!         Ok((0..self.n).step_by(100).map(|from| (from, self.n.min(from + 100))).collect())
//!     }
//!
//!     fn run(&self, &(from, to): &(u64, u64)) -> Result<u64, PieceError> {
//!         Ok((from..to).map(|x| x * x).sum())
//!     }
//!
//!     fn combine(&self, left: &mut u64, right: u64) {
//!         *left += right;
//!     }
//! }
//!
//! let sum = sequential(&Squares { n: 1_000 }, &Timeline::off())?;
//! assert_eq!(sum, 332_833_500);
//! # Ok::<(), workload::RunError>(())
//! ```

mod assembly;
mod empty;
mod error;
pub mod fetch;
mod gather;
#[cfg(feature = "images")]
pub mod images;
mod job;
pub mod mandelbrot;
mod mechanism;
pub mod primes;
mod size;
mod timeline;
pub mod words;
mod work;
mod workers;

pub use assembly::{Assembly, Stretch};
pub use empty::Empty;
pub use error::{PieceError, RunError};
pub use fetch::{Fetch, Fetched};
pub use gather::Gather;
#[cfg(feature = "images")]
pub use images::Images;
pub use job::{Failure, Job, attempt, panic_message};
pub use mandelbrot::Mandelbrot;
pub use mechanism::{Mechanism, Run, sequential};
pub use primes::Primes;
pub use size::Size;
pub use timeline::{Exchange, Span, Timeline, now};
pub use words::Words;
pub use work::Workload;
pub use workers::Workers;
