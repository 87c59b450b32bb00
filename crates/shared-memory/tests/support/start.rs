//! The first step of each actor in a model: a read-modify-write on one shared word, which loom needs.
//!
//! loom 0.7.3 forgets orders that it should try when a thread loads an atomic before it stores to it, and then passes
//! without them (tokio-rs/loom#392). After a read-modify-write it knows that the actors may be swapped. It is Relaxed, so
//! it orders nothing.

use model::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub(crate) struct Start(AtomicU64);

impl Start {
    pub(crate) fn go(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}
