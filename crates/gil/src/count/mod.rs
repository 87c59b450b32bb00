//! Who counts the references, and what it costs: three pointers that differ in nothing but their count.
//!
//! CPython counts the references to each object, and a loop of pure Python counts up and down in nearly each step. With
//! the GIL a plain count will do. Without it there are two ways:
//!
//! | pointer | its count | one thread | many threads on one object |
//! |---|---|---|---|
//! | [`Plain`] | an integer | an addition | not possible: not `Send` |
//! | [`Atomic`] | an atomic integer | a locked instruction, some 20 times the price | each count moves the cache line |
//! | [`Biased`] | one for its owner, one for all others | an addition and a comparison | the owner pays little, the others as above |
//!
//! As `Rc` and `Arc` of the standard library, of which only clone, drop and use are here.

mod atomic;
mod biased;
mod plain;

pub use atomic::Atomic;
pub use biased::{Biased, Counts, Dropped, collect};
pub use plain::Plain;
