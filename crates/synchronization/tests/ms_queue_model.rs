//! First in, first out, nothing lost, nothing twice, under every schedule; each broken twin is found.
//!
//! As for the stack, nodes are kept until the queue goes; under shuttle a thread fails that still uses a node which epochs
//! could have freed.

use model::{Explore, sync::Arc, thread};
use synchronization::MsQueue;

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

fn rest(queue: &MsQueue<Box<u32>>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop()).map(|value| *value).collect()
}

#[test]
fn a_push_against_a_pop() {
    model::explore(&Explore::named("ms_queue: push against pop").floor(50), || {
        let gate = Gate::new();
        let queue = Arc::new(MsQueue::new());
        let (theirs, their_gate) = (Arc::clone(&queue), gate.clone());
        let pusher = thread::spawn(move || {
            their_gate.enter();
            (1..=2).for_each(|value| theirs.push(Box::new(value)));
        });
        gate.enter();
        let mut popped: Vec<u32> = (0..2).filter_map(|_| queue.pop()).map(|value| *value).collect();
        pusher.join().unwrap();
        assert_eq!(queue.is_empty(), popped.len() == 2);
        popped.extend(rest(&queue));
        assert_eq!(popped, [1, 2]);
    });
}

#[test]
fn two_pushers() {
    model::explore(&Explore::named("ms_queue: two pushers").floor(50), || {
        let gate = Gate::new();
        let queue = Arc::new(MsQueue::new());
        let (theirs, their_gate) = (Arc::clone(&queue), gate.clone());
        let pusher = thread::spawn(move || {
            their_gate.enter();
            (1..=2).for_each(|value| theirs.push(Box::new(value)));
        });
        gate.enter();
        queue.push(Box::new(10));
        pusher.join().unwrap();
        let mut popped = rest(&queue);
        assert!(popped.iter().filter(|value| **value < 10).is_sorted(), "{popped:?}");
        popped.sort_unstable();
        assert_eq!(popped, [1, 2, 10]);
    });
}

#[test]
fn two_poppers_and_a_pusher() {
    model::explore(&Explore::named("ms_queue: two poppers, a pusher").preemptions(2).floor(500), || {
        let gate = Gate::new();
        let queue = Arc::new(MsQueue::new());
        let (theirs, their_gate) = (Arc::clone(&queue), gate.clone());
        let pusher = thread::spawn(move || {
            their_gate.enter();
            (1..=2).for_each(|value| theirs.push(Box::new(value)));
        });
        let (theirs, their_gate) = (Arc::clone(&queue), gate.clone());
        let popper = thread::spawn(move || {
            their_gate.enter();
            theirs.pop().map(|value| *value)
        });
        gate.enter();
        queue.is_empty();
        let mut popped: Vec<u32> = queue.pop().map(|value| *value).into_iter().collect();
        popped.extend(popper.join().unwrap());
        pusher.join().unwrap();
        popped.extend(rest(&queue));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

/// A pop may overtake a push that has linked its node and not yet moved `tail`: it must not leave `tail` at a node that
/// is about to be freed, for the next push would come there.
#[test]
fn a_pop_that_overtakes_a_push() {
    model::explore(&Explore::named("ms_queue: pop overtakes push").floor(50), || {
        let gate = Gate::new();
        let queue = Arc::new(MsQueue::new());
        let (theirs, their_gate) = (Arc::clone(&queue), gate.clone());
        let pusher = thread::spawn(move || {
            their_gate.enter();
            theirs.push(Box::new(1));
        });
        gate.enter();
        let mut popped: Vec<u32> = queue.pop().map(|value| *value).into_iter().collect();
        queue.push(Box::new(2));
        pusher.join().unwrap();
        popped.extend(rest(&queue));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

#[test]
fn three_pushers() {
    model::explore(&Explore::named("ms_queue: three pushers").preemptions(2).floor(3_000), || {
        let gate = Gate::new();
        let queue = Arc::new(MsQueue::new());
        let pushers = [1, 2].map(|value| {
            let (queue, gate) = (Arc::clone(&queue), gate.clone());
            thread::spawn(move || {
                gate.enter();
                queue.push(Box::new(value));
            })
        });
        gate.enter();
        queue.push(Box::new(3));
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        let mut popped = rest(&queue);
        popped.sort_unstable();
        assert_eq!(popped, [1, 2, 3]);
    });
}

#[cfg(feature = "loom")]
mod broken {
    use std::ptr;

    use model::{
        cell::UnsafeCell,
        sync::atomic::{
            AtomicPtr,
            Ordering::{self, Acquire, Relaxed, Release},
        },
    };
    use testkit::must_find;

    use super::*;

    /// The one link of a list of two nodes.
    struct Link {
        next: AtomicPtr<UnsafeCell<u32>>,
    }

    fn link_a_node(publish: Ordering) {
        let link = Arc::new(Link { next: AtomicPtr::new(ptr::null_mut()) });
        let theirs = Arc::clone(&link);
        let pusher = thread::spawn(move || {
            let node = Box::into_raw(Box::new(UnsafeCell::new(7)));
            theirs.next.compare_exchange(ptr::null_mut(), node, publish, Relaxed).unwrap();
        });
        let node = link.next.load(Acquire);
        if !node.is_null() {
            // SAFETY: freed only below; whether its content is visible is on trial.
            assert_eq!(unsafe { (*node).with(|value| *value) }, 7);
        }
        pusher.join().unwrap();
        // SAFETY: it came from a Box, and the pusher is gone.
        drop(unsafe { Box::from_raw(link.next.load(Relaxed)) });
    }

    #[test]
    fn linked_with_release_it_holds() {
        model::explore(&Explore::named("ms_queue: the link alone").exhaustive().floor(2), || {
            link_a_node(Release)
        });
    }

    #[test]
    fn linked_without_release() {
        must_find("ms_queue: linked without Release", "Causality violation", || {
            model::explore(&Explore::named("linked without Release"), || link_a_node(Relaxed));
        });
    }
}
