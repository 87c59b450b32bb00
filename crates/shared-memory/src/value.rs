//! A number and an array of numbers that several processes change: each number is an atomic.
//!
//! `multiprocessing.Value` holds a plain number with a lock beside it, and `v.value += 1` without that lock loses
//! updates. An atomic needs no lock for one number: `fetch_add` is one step in all processes, since the processor
//! knows of addresses of memory and not of processes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{layout::Shared, safe};

/// One number: `Value<AtomicI64>` for `multiprocessing.Value("q")`.
pub type Value<T> = Shared<T>;

/// As many numbers as there is room for, in [`tail`](Shared::tail): `Array<AtomicI64>` for `multiprocessing.Array("q")`.
pub type Array<U> = Shared<(), U>;

/// A double in one atomic word: std has atomic integers only.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct AtomicF64(AtomicU64);

// SAFETY: an atomic number; every pattern of bits is a double or a NaN. Python's "d" is the same eight bytes.
unsafe impl safe::SharedSafe for AtomicF64 {
    const LAYOUT: u64 = safe::name("AtomicF64");
}

impl AtomicF64 {
    /// An atomic that holds `value`.
    pub const fn new(value: f64) -> Self {
        Self(AtomicU64::new(value.to_bits()))
    }

    /// Reads.
    pub fn load(&self, ordering: Ordering) -> f64 {
        f64::from_bits(self.0.load(ordering))
    }

    /// Writes.
    pub fn store(&self, value: f64, ordering: Ordering) {
        self.0.store(value.to_bits(), ordering);
    }

    // ANCHOR: fetch_add
    /// Adds, and returns what was there. No processor adds doubles in one step, so it looks, adds, and stores the sum if
    /// nobody was quicker; else once more.
    pub fn fetch_add(&self, amount: f64, ordering: Ordering) -> f64 {
        // Relaxed: what is seen is only a guess; the exchange that succeeds has the caller's ordering.
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let sum = f64::from_bits(seen) + amount;
            match self.0.compare_exchange_weak(seen, sum.to_bits(), ordering, Ordering::Relaxed) {
                Ok(_) => return f64::from_bits(seen),
                Err(newer) => seen = newer,
            }
        }
    }
    // ANCHOR_END: fetch_add
}
