//! Values that tell how often each was dropped, and may panic when they are.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

/// One counter for each value.
#[derive(Clone)]
pub(crate) struct Drops(Arc<[AtomicUsize]>);

/// Counts its own drop; `panics` when it is dropped, after it is counted.
pub(crate) struct Dropped {
    pub(crate) number: usize,
    panics: bool,
    drops: Drops,
}

impl Drops {
    pub(crate) fn of(values: usize) -> Self {
        Self((0..values).map(|_| AtomicUsize::new(0)).collect())
    }

    pub(crate) fn value(&self, number: usize) -> Dropped {
        Dropped { number, panics: false, drops: self.clone() }
    }

    #[allow(dead_code, reason = "not every test file that uses this has values that panic")]
    pub(crate) fn panicking(&self, number: usize) -> Dropped {
        Dropped { number, panics: true, drops: self.clone() }
    }

    pub(crate) fn counts(&self) -> Vec<usize> {
        self.0.iter().map(|count| count.load(SeqCst)).collect()
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.drops.0[self.number].fetch_add(1, SeqCst);
        assert!(!self.panics, "dropped, as arranged");
    }
}
