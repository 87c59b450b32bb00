//! Nothing is lost or given twice, under every schedule; without epochs, ABA gives one value twice, and is found.
//!
//! The epochs themselves are crossbeam's and do not run under a checker: nodes are kept until the stack goes, so what
//! is proven here is Treiber's algorithm. What happens when an address comes back too early, the broken twin shows.

use model::{Explore, sync::Arc, thread};
use synchronization::Stack;

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

fn rest(stack: &Stack<Box<u32>>) -> Vec<u32> {
    std::iter::from_fn(|| stack.pop()).map(|value| *value).collect()
}

#[test]
fn a_value_passes_to_another_thread() {
    model::explore(&Explore::named("stack: push against pop").exhaustive().floor(4), || {
        let gate = Gate::new();
        let stack = Arc::new(Stack::new());
        let (theirs, their_gate) = (Arc::clone(&stack), gate.clone());
        let pusher = thread::spawn(move || {
            their_gate.enter();
            theirs.push(Box::new(1));
            theirs.push(Box::new(2));
        });
        gate.enter();
        let mut popped: Vec<u32> = stack.pop().map(|value| *value).into_iter().collect();
        pusher.join().unwrap();
        assert_eq!(stack.is_empty(), popped.len() == 2);
        popped.extend(rest(&stack));
        assert!(matches!(popped[..], [1, 2] | [2, 1]), "{popped:?}");
        assert!(stack.is_empty());
    });
}

#[test]
fn two_pushers_and_a_popper() {
    model::explore(&Explore::named("stack: two pushers, a popper").floor(150), || {
        let gate = Gate::new();
        let stack = Arc::new(Stack::new());
        let pushers = [1, 2].map(|value| {
            let (stack, gate) = (Arc::clone(&stack), gate.clone());
            thread::spawn(move || {
                gate.enter();
                stack.push(Box::new(value));
            })
        });
        gate.enter();
        let mut popped: Vec<u32> = (0..2).filter_map(|_| stack.pop()).map(|value| *value).collect();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        popped.extend(rest(&stack));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

#[test]
fn two_poppers_never_get_the_same() {
    model::explore(&Explore::named("stack: two poppers and a push").exhaustive().floor(10), || {
        let gate = Gate::new();
        let stack = Arc::new(Stack::new());
        (1..=2).for_each(|value| stack.push(Box::new(value)));
        let (theirs, their_gate) = (Arc::clone(&stack), gate.clone());
        let other = thread::spawn(move || {
            their_gate.enter();
            let first = theirs.pop();
            theirs.pop().into_iter().for_each(|value| theirs.push(value));
            first.map(|value| *value)
        });
        gate.enter();
        let mut popped: Vec<u32> = stack.pop().map(|value| *value).into_iter().collect();
        popped.extend(other.join().unwrap());
        popped.extend(rest(&stack));
        popped.sort_unstable();
        assert_eq!(popped, [1, 2]);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    };
    use testkit::must_find;

    use super::*;

    const END: usize = usize::MAX;

    /// Treiber's stack over numbered nodes that are used again at once. All is as it should be but the epochs.
    struct Reusing {
        head: AtomicUsize,
        next: [AtomicUsize; 2],
    }

    impl Reusing {
        /// Node 0 on node 1.
        fn full() -> Self {
            Self { head: AtomicUsize::new(0), next: [AtomicUsize::new(1), AtomicUsize::new(END)] }
        }

        fn push(&self, node: usize) {
            loop {
                let head = self.head.load(Relaxed);
                self.next[node].store(head, Relaxed);
                if self.head.compare_exchange(head, node, Release, Relaxed).is_ok() {
                    return;
                }
            }
        }

        fn pop(&self) -> Option<usize> {
            loop {
                let head = self.head.load(Acquire);
                if head == END {
                    return None;
                }
                let next = self.next[head].load(Relaxed);
                if self.head.compare_exchange(head, next, Relaxed, Relaxed).is_ok() {
                    return Some(head);
                }
            }
        }
    }

    #[test]
    fn aba() {
        must_find("stack: ABA", "a node has two owners", || {
            model::explore(&Explore::named("stack without epochs"), || {
                let gate = Gate::new();
                let stack = Arc::new(Reusing::full());
                let (theirs, their_gate) = (Arc::clone(&stack), gate.clone());
                let other = thread::spawn(move || {
                    their_gate.enter();
                    let first = theirs.pop();
                    let second = theirs.pop();
                    first.into_iter().for_each(|node| theirs.push(node));
                    second
                });
                gate.enter();
                let mut owned: Vec<usize> = stack.pop().into_iter().collect();
                owned.extend(other.join().unwrap());
                owned.extend(std::iter::from_fn(|| stack.pop()));
                owned.sort_unstable();
                assert!(owned.is_sorted_by(|one, next| one < next), "a node has two owners: {owned:?}");
            });
        });
    }
}
