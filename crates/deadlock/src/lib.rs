//! Deadlock: made on demand, seen while it stands, prevented in each way there is, and lived with.

pub mod bank;
pub mod banker;
pub mod detector;
pub mod fifo;
pub mod lessons;
mod levels;
mod ordered;
pub mod philosophers;
mod ranked;
pub mod scheduler;
pub mod states;
mod timed_lock;

pub use levels::{Before, Key, LevelError, Leveled, Nothing, OfThread};
pub use ordered::{LockAllError, lock_all, lock_all_backing_off};
pub use ranked::{RankError, Ranked, RankedGuard};
pub use timed_lock::{TimedGuard, TimedLock, TimedOut};
