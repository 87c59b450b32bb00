//! Processes that map the same pages: the fastest way between them, and what has to be right since nobody checks.
//!
//! # In three steps
//! 1. **Memory**: [`Memfd`] has no name, cannot be made shorter and goes with its last user: take this one. [`Owner`] and
//!    [`Attached`] have a name in /dev/shm, for processes that know nothing of each other but that name.
//! 2. **A mapping** of it: [`Mapping`], bytes at an address of this process.
//! 3. **A type** in it: [`Shared<T>`](Shared), behind a header that is checked. What may be there is [`SharedSafe`];
//!    [`shared!`] makes structs of it.
//!
//! ```
//! use shared_memory::{Memfd, Shared, futex, shared};
//! use model::sync::atomic::{AtomicU32, Ordering::{Acquire, Release}};
//!
//! shared! {
//!     struct Greeting { ready: AtomicU32, count: AtomicU32 }
//! }
//!
//! let memory = Memfd::create("greeting", Shared::<Greeting>::size(0))?;
//! let ours = Shared::<Greeting>::create(&memory, |_, _| ())?;
//! // In the other process, which was given the descriptor:
//! let theirs = Shared::<Greeting>::attach(&memory)?;
//! theirs.count.store(3, Release);
//! theirs.ready.store(1, Release);
//! futex::wake_shared(&theirs.ready, u32::MAX);
//! // And here:
//! while ours.ready.load(Acquire) == 0 {
//!     futex::wait_shared(&ours.ready, 0, None);
//! }
//! assert_eq!(ours.count.load(Acquire), 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Two processes on one segment, in a lesson or a test
//! [`peer`] starts this program again for one scene of the lesson, with the memory as its standard input:
//!
//! ```no_run
//! use shared_memory::{Memfd, Shared, peer::{self, Cast}};
//! use std::{sync::atomic::{AtomicU32, Ordering::Relaxed}, time::Duration};
//!
//! type Count = Shared<AtomicU32>;
//!
//! // In the lesson, with `scenes: &[("adder", adder)]`:
//! fn run() -> Result<(), Box<dyn std::error::Error>> {
//!     let memory = Memfd::create("count", Count::size(0))?;
//!     let count = Count::create(&memory, |_, _| ())?;
//!     let mut adder = Cast::scene("value", "adder").with_memory(&memory)?.killed_at("added", 3).start()?;
//!     assert_eq!(adder.line(Duration::from_secs(10))?, "begun");
//!     adder.end(Duration::from_secs(10))?; // SIGKILL, at the third passage
//!     assert_eq!(count.load(Relaxed), 3);
//!     Ok(())
//! }
//!
//! // In the other process:
//! fn adder() {
//!     let count = Count::attach(peer::memory().expect("given by the lesson")).expect("built by the lesson");
//!     peer::say("begun");
//!     for _ in 0..100 {
//!         count.fetch_add(1, Relaxed);
//!         peer::at("added");
//!     }
//! }
//! ```
//!
//! A test does the same with a scene of this crate's program:
//! `Cast::program(Command::new(env!("CARGO_BIN_EXE_shared-memory")), &["--scene", "value/adder"])`; or with a test program
//! whose `main` is its own (`harness = false`), which begins with a look at its arguments. There
//! `testkit::Faults::at` can be the hook as well. Library code never calls [`peer::at`] itself: it takes a hook
//! `impl Fn(&'static str)`.
//!
//! Names of segments in lessons and tests begin with `rust-`, their lesson and the process id, so that whoever looks for
//! what is left finds it. A word for [`futex`] is a `model::sync::atomic::AtomicU32`: std's, except in a checker's world.
//!
//! # Limits
//! - Whoever may write to a segment may write anything at any time. No bytes can make this crate read out of bounds, and
//!   a value read from there is to be checked where it is used, each time.
//! - A process that dies leaves what it was writing half written. Locks must be robust, messages published last.
//! - In a checker's world (`loom`, `shuttle`) the types of `model::sync` are no words in memory: [`Mapping`] refuses them.
//! - Linux. Names and mappings are POSIX; memfd, seals and futex are not.

#![cfg(target_os = "linux")]

pub mod arena;
pub mod board;
pub mod canvas;
pub mod gate;
pub mod guardian;
mod item;
pub mod layout;
pub mod lessons;
pub mod list;
pub mod lock;
pub mod manager;
pub mod mapping;
pub mod mechanisms;
pub mod memfd;
pub mod mpmc;
mod name;
pub mod pass;
pub mod peer;
pub mod ring;
pub mod safe;
pub mod segment;
pub mod seqlock;
pub mod sync;
pub mod table;
pub mod value;
pub mod who;

/// Sleeping on a word that several processes map, and waking who sleeps there: see futex(2).
pub mod futex {
    pub use model::futex::{wait_shared, wake_shared};
}

pub use arena::{Arena, Place};
pub use item::Item;
pub use layout::{LayoutError, Shared};
pub use list::ShareableList;
pub use mapping::{MapError, Mapping};
pub use memfd::{Memfd, MemfdError};
pub use safe::{Plain, PlainCell, SharedSafe};
pub use segment::{Attached, Owner, SegmentError};
