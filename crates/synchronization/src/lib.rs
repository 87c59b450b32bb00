//! What threads need to share without error: each primitive as one uses it, and as it is made.

pub mod arc;
mod barrier;
mod bounded_semaphore;
pub mod classics;
mod condition;
mod drop_each;
mod event;
#[cfg(target_os = "linux")]
pub mod futex;
mod give_way;
mod latch;
pub mod lessons;
pub mod litmus;
mod ms_queue;
pub mod queue;
mod reclaim;
mod reentrant_lock;
pub mod ring;
mod semaphore;
mod seqlock;
mod snapshot;
pub mod spin;
mod stack;

pub use barrier::{Barrier, BrokenBarrier};
pub use bounded_semaphore::{BoundedSemaphore, OverRelease};
pub use condition::{Condition, ConditionGuard};
pub use event::Event;
pub use latch::Latch;
pub use ms_queue::MsQueue;
pub use queue::{GetError, LifoQueue, PriorityQueue, PutError, Queue, Shutdown, TaskDoneError};
pub use reentrant_lock::{ReentrantGuard, ReentrantLock};
pub use semaphore::{Permit, Semaphore};
pub use seqlock::SeqLock;
pub use snapshot::Snapshot;
pub use stack::Stack;
