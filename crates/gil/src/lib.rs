//! The lock that lets one thread at a time run Python: how it works, what it costs, and what follows when it goes.
//!
//! ```
//! use std::{thread, time::Duration};
//! use gil::Gil;
//!
//! let gil = Gil::new(Duration::from_micros(50));
//! thread::scope(|scope| {
//!     for _ in 0..2 {
//!         scope.spawn(|| {
//!             let mut held = gil.attach();
//!             while gil.switch_number() < 3 {
//!                 held.checkpoint(); // gives way if the other has asked
//!             }
//!             held.blocking(|| thread::sleep(Duration::from_millis(1))); // gives way unasked
//!         });
//!     }
//! });
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`gil`] | the lock: [`Gil`], [`Held`] |
//! | [`timeline`] | who held it, waited and asked, and when |
//! | [`interpreter`] | bytecodes with checkpoints where CPython has them |
//! | [`regime`] | the same program under one lock, a lock each, no lock, in processes |
//! | [`lessons`] | what follows from it |
//!
//! All of it was written from a description of the protocol. It shares no code with CPython, and it models what
//! decides about *time* and *interleaving*, not objects or memory management.

pub mod count;
pub mod cpython;
pub mod gil;
pub mod interpreter;
pub mod lessons;
pub mod regime;
pub mod timeline;

mod observer;

pub use gil::{Gil, Held, INTERVAL, SHORTEST_INTERVAL};
pub use observer::{Event, Observer};
pub use timeline::Timeline;
