//! One source for a primitive and for its proof: the synchronization types of std, of loom, or of shuttle.
//!
//! A test that runs a lock a million times on one machine sees a handful of the schedules that are possible, and
//! on x86 it never sees a missing `Release`. A model checker runs the same source under *every* schedule (loom,
//! up to a bound on preemptions) or under very many chosen ones (shuttle). For that the source must take its
//! types from the checker, so a primitive here says `use model::sync::Mutex` and never `std::sync::Mutex`.
//!
//! ```
//! use model::{Explore, sync::{Arc, Mutex}, thread};
//!
//! let explored = model::explore(&Explore::named("two increments").floor(2), || {
//!     let total = Arc::new(Mutex::new(0));
//!     let theirs = Arc::clone(&total);
//!     let other = thread::spawn(move || *theirs.lock().unwrap() += 1);
//!     *total.lock().unwrap() += 1;
//!     other.join().unwrap();
//!     assert_eq!(*total.lock().unwrap(), 2);
//! });
//! assert!(explored.executions >= 1);
//! ```
//!
//! # Which world
//! Chosen by cargo features, so nothing is rebuilt with other flags: none is std, `shuttle`, `loom` (with both,
//! loom). A crate forwards them (`loom = ["model/loom"]`) and keeps its models in a test file of their own:
//! `cargo test -p threads --features loom --test model`. Only that file: a checker's types panic outside of
//! [`explore`], so the crate's plain tests need a build without these features.
//!
//! | | proves | is blind to |
//! |---|---|---|
//! | std | nothing: one run, to see that the model itself is sound | nearly all |
//! | loom | that no schedule within the bound fails, weak memory orderings included | more than 5 threads, more preemptions |
//! | shuttle | nothing, but it finds fast, in larger programs, and replays | data races, weak orderings (all are SeqCst) |
//!
//! # Believing a checker
//! loom 0.7.3 can stop after one execution and report success (tokio-rs/loom#392; `tests/loom_trap.rs` shows it and
//! its cure). Therefore every model states a [floor](Explore::floor) of executions and has a broken twin that must be
//! found (`testkit::must_find`).
//!
//! # What is left out, and why
//! The paths below exist in all three worlds; each method that one world lacks is either added here or is no
//! part of what a modelled primitive may use:
//! - `Condvar`: `wait_while` is added to loom's. `wait_timeout` exists and **never times out** in a checker: a
//!   program that needs the timeout to go on is reported as a deadlock, which is what it is without a clock.
//!   A time limit that a checker lets run out at any point of a schedule is a [`time::Deadline`].
//! - `cell::UnsafeCell` has loom's `with` and `with_mut` everywhere.
//! - `Mutex::new` and the atomics' `new` are not `const` in loom: no statics; and an atomic's `get_mut` is
//!   absent: `load(Relaxed)` does as well for an owner.
//! - Not here: `thread::scope`, `park_timeout`, `sleep`, `JoinHandle::is_finished`, `Barrier`, `Weak`, `Once`
//!   (loom has none), `mpsc` (loom's `recv` does not notice that all senders are gone).
//! - A lock is never poisoned in loom: a panic ends the whole exploration before anyone could look.
//! - A spin must go through [`hint::spin_loop`] or [`thread::yield_now`], else loom sees an endless schedule.

mod explore;
#[cfg(target_os = "linux")]
pub mod futex;
pub mod schedule;
pub mod time;
mod watch;

#[cfg(feature = "loom")]
#[path = "loom_world.rs"]
mod world;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[path = "shuttle_world.rs"]
mod world;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "std_world.rs"]
mod world;

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod checked_condvar;
#[cfg(not(feature = "loom"))]
mod plain_cell;

pub use explore::{Explore, Explored, explore};
pub use world::{CHECKER, cell, hint, sync, thread, thread_local};

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub use world::{replay, schedule_in};
