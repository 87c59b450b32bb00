//! loom 0.7.3 gives up on a ring after one execution and calls it right, broken or not: the floor tells, a gate cures.
//!
//! The trap (tokio-rs/loom#392, #166): for each atomic loom remembers one last access. A store looks there for the access
//! whose order it should be swapped with, and where the storing thread has loaded the same atomic just before, it finds
//! its own load; the other thread's earlier load is forgotten and its other order never tried. The producer of any ring
//! begins so. When this file fails with a newer loom, the trap is gone and the gate can go too.

#![cfg(feature = "loom")]

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{self, Acquire, Relaxed, Release},
        },
    },
    thread,
};

/// A ring of two slots for one producer and one consumer, in as few lines as show the trap.
#[derive(Default)]
struct Ring {
    slots: [UnsafeCell<u32>; 2],
    /// Taken so far; stored by the consumer only.
    head: AtomicUsize,
    /// Put so far; stored by the producer only.
    tail: AtomicUsize,
}

// SAFETY: slot i is written by the one producer while head <= tail - 2 < i and read by the one consumer while i < tail.
unsafe impl Sync for Ring {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Ring {}

impl Ring {
    fn push(&self, value: u32, publish: Ordering) {
        let tail = self.tail.load(Relaxed); // the load that loom stumbles on; no other thread stores here
        if tail - self.head.load(Acquire) < 2 {
            // SAFETY: the slot is free, and the Acquire pairs with the Release in `pop`: it is read no more.
            self.slots[tail % 2].with_mut(|slot| unsafe { *slot = value });
            self.tail.store(tail + 1, publish);
        }
    }

    fn pop(&self) -> Option<u32> {
        let head = self.head.load(Relaxed);
        if head == self.tail.load(Acquire) {
            return None;
        }
        // SAFETY: the slot is full, and the Acquire pairs with the Release that `push` should publish with.
        let value = self.slots[head % 2].with(|slot| unsafe { *slot });
        self.head.store(head + 1, Release);
        Some(value)
    }
}

const ROUNDS: u32 = 3;

/// Three values through the ring, if both come in time. `gated`: each thread begins with a read-modify-write on a
/// shared counter. It is Relaxed, so it orders nothing, but loom then knows that their order may be swapped.
fn model(gated: bool, publish: Ordering) {
    let ring = Arc::new(Ring::default());
    let gate = Arc::new(AtomicUsize::new(0));
    let (theirs, their_gate) = (Arc::clone(&ring), Arc::clone(&gate));
    let producer = thread::spawn(move || {
        if gated {
            their_gate.fetch_add(1, Relaxed);
        }
        (1..=ROUNDS).for_each(|value| theirs.push(value, publish));
    });
    if gated {
        gate.fetch_add(1, Relaxed);
    }
    let taken: Vec<u32> = (0..ROUNDS).filter_map(|_| ring.pop()).collect();
    assert!(taken.is_sorted(), "{taken:?}");
    producer.join().expect("it pushes");
}

#[test]
#[should_panic(expected = "too few schedules, the floor is 2: model: ungated ring, broken: 1 schedule ")]
fn without_a_gate_the_broken_ring_would_pass() {
    model::explore(&Explore::named("ungated ring, broken").exhaustive(), || model(false, Relaxed));
}

#[test]
#[should_panic(expected = "too few schedules, the floor is 2: model: ungated ring: 1 schedule ")]
fn and_the_right_ring_would_pass_without_a_look() {
    model::explore(&Explore::named("ungated ring").exhaustive(), || model(false, Release));
}

#[test]
fn with_a_gate_the_broken_ring_is_found() {
    testkit::must_find("ring: tail published Relaxed", "Causality violation", || {
        model::explore(&Explore::named("ring published Relaxed"), || model(true, Relaxed));
    });
}

#[test]
fn with_a_gate_the_right_ring_is_explored() {
    model::explore(&Explore::named("ring").exhaustive().floor(500), || model(true, Release));
}
