//! The first step of each actor in a model: a read-modify-write on one shared word, which loom needs.
//!
//! loom 0.7.3 forgets orders that it should try when a thread loads an atomic before it stores to it, and then passes
//! after one execution (tokio-rs/loom#392). After a read-modify-write it knows that the actors may be swapped. It is
//! Relaxed, so it orders nothing.

use model::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[derive(Clone)]
pub(crate) struct Gate(Arc<AtomicUsize>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }

    pub(crate) fn enter(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
