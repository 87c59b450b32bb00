//! A failing schedule, found, made small and drawn: a deterministic scheduler in a few files, for lessons.
//!
//! [`explore`] runs a small program again and again, each time under another schedule, until it has seen all of
//! them up to a stated bound. Each modelled thread is a real thread that stops before every operation on one of
//! the types below and goes on only when it is handed the baton, so exactly one runs at a time and the schedule
//! decides which. What is found is drawn lane by lane:
//!
//! ```
//! use model::schedule::{Atomic, Bounds, Outcome, explore};
//!
//! let outcome = explore(&Bounds::all(), 7, |program| {
//!     let count = Atomic::new("count", 0);
//!     for name in ["A", "B"] {
//!         let count = count.clone();
//!         program.thread(name, move || {
//!             let seen = count.load();
//!             count.store(seen + 1);
//!         });
//!     }
//!     program.expect("count", 2, move || count.load());
//! });
//! let Outcome::Found { schedule, searched, .. } = outcome else { panic!("it loses updates") };
//! assert_eq!(searched.schedules, 6); // four steps, two of them A's: 4! / (2! 2!)
//! assert_eq!(schedule.preemptions, 1);
//! println!("{}", schedule.draw(90));
//! ```
//!
//! # The search
//! Schedules are tried in the order of their *preemptions*: how often a thread is taken off that could go on.
//! First those with none, then one, two ... So the first that fails has as few as possible, and of several such
//! the one with the fewest context switches is kept. Most bugs need one or two (Musuvathi and Qadeer, "Iterative
//! context bounding for systematic testing of multithreaded programs", PLDI 2007). Nothing is stored of the
//! program: to try another schedule it runs again from the start, so it must do the same thing under the same
//! schedule (no clock, no randomness, no state that outlives a run). The order among equals comes from the seed.
//!
//! # Limits
//! - All is sequentially consistent: what weaker memory orderings allow is not seen. For that there is loom, with
//!   the types of [`model::sync`](crate::sync).
//! - Only what goes through these types is a step; what a thread does between two steps nobody else can see.
//! - A few threads with a few steps each: two with eight steps have 12,870 schedules, three with eight 9 billion.
//!
//! It is there in every world, with and without a checker's feature.

mod atomic;
mod choices;
mod condvar;
mod drawing;
mod execution;
mod explain;
mod intent;
mod mutex;
mod program;
mod search;
mod state;
mod svg;

pub use atomic::Atomic;
pub use condvar::Condvar;
pub use drawing::{Failure, Schedule, Step};
pub use execution::{pause, yield_now};
pub use mutex::{Mutex, MutexGuard};
pub use program::Program;
pub use search::{Bounds, Outcome, Reach, Searched, explore};
