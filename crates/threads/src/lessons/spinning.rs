//! A barrier and a lock that spin. Both are right; they are here to show when they are slow.

use std::{
    hint::spin_loop,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// A barrier whose waiters spin until the last one comes.
pub(super) struct SpinBarrier {
    parties: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
}

impl SpinBarrier {
    pub(super) fn new(parties: usize) -> Self {
        Self { parties, arrived: AtomicUsize::new(0), round: AtomicUsize::new(0) }
    }

    pub(super) fn wait(&self) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.parties {
            // Before the round is opened: whoever passes may arrive again at once.
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round + 1, Ordering::Release);
        } else {
            // Acquire: pairs with the Release of the last to arrive.
            while self.round.load(Ordering::Acquire) == round {
                spin_loop();
            }
        }
    }
}

/// First come, first served, and everybody spins until it is their turn.
#[derive(Default)]
pub(super) struct TicketLock {
    next: AtomicU64,
    serving: AtomicU64,
}

impl TicketLock {
    pub(super) fn with<T>(&self, work: impl FnOnce() -> T) -> T {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        // Acquire: pairs with the Release of the one before in line.
        while self.serving.load(Ordering::Acquire) != ticket {
            spin_loop();
        }
        let result = work();
        self.serving.store(ticket + 1, Ordering::Release);
        result
    }
}
