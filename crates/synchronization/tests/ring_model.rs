//! Every value passes once, in order, and nobody reads a slot that is being written; with a broken publish they do.

use model::{Explore, thread};
use synchronization::ring;

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

/// Three values through a ring of `capacity`, as far as both come in time.
fn pass_on(capacity: usize) {
    let gate = Gate::new();
    let (mut producer, mut consumer) = ring::channel(capacity);
    let their_gate = gate.clone();
    let other = thread::spawn(move || {
        their_gate.enter();
        (0..3_u32).filter(|value| producer.push(Box::new(*value)).is_ok()).collect::<Vec<_>>()
    });
    gate.enter();
    let mut popped: Vec<u32> = (0..3).filter_map(|_| consumer.pop()).map(|value| *value).collect();
    let pushed = other.join().unwrap();
    while let Some(value) = consumer.pop() {
        popped.push(*value);
    }
    assert_eq!(popped, pushed, "what came out is what went in");
}

#[test]
fn capacity_1() {
    model::explore(&Explore::named("ring of 1").exhaustive().floor(1_000), || pass_on(1));
}

#[test]
fn capacity_2() {
    model::explore(&Explore::named("ring of 2").exhaustive().floor(1_200), || pass_on(2));
}

/// A ring that is large enough for places to come back two at a time.
const LARGE: u32 = 64;

#[test]
fn places_come_back_in_batches() {
    // Filled before the other thread starts, so that few steps are left to be ordered.
    model::explore(&Explore::named("ring of 64: two places come back").exhaustive().floor(15), || {
        let gate = Gate::new();
        let (mut producer, mut consumer) = ring::channel(LARGE as usize);
        (0..LARGE).for_each(|value| producer.push(Box::new(value)).unwrap());
        let their_gate = gate.clone();
        let other = thread::spawn(move || {
            their_gate.enter();
            (LARGE..LARGE + 2).take_while(|value| producer.push(Box::new(*value)).is_ok()).count()
        });
        gate.enter();
        let popped: Vec<u32> = (0..2).filter_map(|_| consumer.pop()).map(|value| *value).collect();
        assert_eq!(popped, [0, 1]);
        let pushed = other.join().unwrap();
        assert!(pushed != 1, "it has no place, or both");
        let rest: Vec<u32> = std::iter::from_fn(|| consumer.pop()).map(|value| *value).collect();
        assert_eq!(rest, (2..LARGE + pushed as u32).collect::<Vec<_>>());
    });
}

#[test]
fn a_consumer_that_goes_gives_its_places_back() {
    model::explore(&Explore::named("ring of 64: the consumer goes").exhaustive().floor(150), || {
        let gate = Gate::new();
        let (mut producer, mut consumer) = ring::channel(LARGE as usize);
        (0..LARGE).for_each(|value| producer.push(Box::new(value)).unwrap());
        let their_gate = gate.clone();
        let other = thread::spawn(move || {
            their_gate.enter();
            // Into the place of what the consumer has just taken, or into none.
            drop(producer.push(Box::new(LARGE)));
        });
        gate.enter();
        assert_eq!(consumer.pop().as_deref(), Some(&0));
        drop(consumer);
        other.join().unwrap();
    });
}

#[test]
fn who_sees_it_abandoned_sees_all_that_was_pushed() {
    model::explore(&Explore::named("ring: abandoned").exhaustive().floor(4), || {
        let gate = Gate::new();
        let (mut producer, mut consumer) = ring::channel(1);
        let their_gate = gate.clone();
        let other = thread::spawn(move || {
            their_gate.enter();
            producer.push(7).unwrap();
        });
        gate.enter();
        if consumer.is_abandoned() {
            assert_eq!(consumer.pop(), Some(7), "it was pushed before the producer went");
        }
        other.join().unwrap();
        assert!(consumer.is_abandoned());
    });
}

#[test]
fn what_nobody_popped_is_dropped_once() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };

    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    model::explore(&Explore::named("ring: both ends go").exhaustive().floor(4), || {
        let drops = Arc::new(AtomicUsize::new(0));
        let gate = Gate::new();
        let (mut producer, mut consumer) = ring::channel(2);
        let (their_gate, theirs) = (gate.clone(), Arc::clone(&drops));
        let other = thread::spawn(move || {
            their_gate.enter();
            for _ in 0..2 {
                assert!(producer.push(Counted(Arc::clone(&theirs))).is_ok());
            }
        });
        gate.enter();
        drop(consumer.pop());
        drop(consumer);
        other.join().unwrap();
        assert_eq!(drops.load(SeqCst), 2);
    });
}

#[cfg(feature = "loom")]
mod broken {
    use model::{
        cell::UnsafeCell,
        sync::{
            Arc,
            atomic::{
                AtomicBool, AtomicUsize,
                Ordering::{self, Acquire, Relaxed, Release},
            },
        },
    };
    use testkit::must_find;

    use super::*;

    /// A ring of one slot, with the ordering of each hand-over to choose.
    #[derive(Default)]
    struct Slot {
        value: UnsafeCell<u32>,
        stamp: AtomicBool,
        head: AtomicUsize,
    }

    // SAFETY: that the slot is never used by both at once is what is on trial here.
    unsafe impl Sync for Slot {}
    // SAFETY: nothing in it belongs to a thread.
    unsafe impl Send for Slot {}

    fn two_through_one_slot(publish: Ordering, free: Ordering) {
        let gate = Gate::new();
        let slot = Arc::new(Slot::default());
        let (theirs, their_gate) = (Arc::clone(&slot), gate.clone());
        let producer = thread::spawn(move || {
            their_gate.enter();
            for put in 0..2 {
                if theirs.head.load(Acquire) == put {
                    // SAFETY: on trial.
                    theirs.value.with_mut(|value| unsafe { *value = 7 });
                    theirs.stamp.store(put == 0, publish);
                }
            }
        });
        gate.enter();
        let mut taken = 0;
        for _ in 0..2 {
            if slot.stamp.load(Acquire) == (taken == 0) {
                // SAFETY: on trial.
                assert_eq!(slot.value.with(|value| unsafe { *value }), 7);
                taken += 1;
                slot.head.store(taken, free);
            }
        }
        producer.join().unwrap();
    }

    #[test]
    fn with_both_it_holds() {
        model::explore(&Explore::named("ring: one slot").exhaustive().floor(10), || {
            two_through_one_slot(Release, Release);
        });
    }

    #[test]
    fn published_without_release() {
        must_find("ring: published without Release", "Causality violation", || {
            model::explore(&Explore::named("ring published Relaxed"), || {
                two_through_one_slot(Relaxed, Release)
            });
        });
    }

    #[test]
    fn freed_without_release() {
        must_find("ring: slot freed without Release", "Causality violation", || {
            model::explore(&Explore::named("ring freed Relaxed"), || two_through_one_slot(Release, Relaxed));
        });
    }
}
