//! What the stack promises to those who use it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Barrier,
    thread,
};

use synchronization::Stack;

#[path = "support/drops.rs"]
mod drops;
use drops::Drops;

#[test]
fn last_in_first_out() {
    let stack = Stack::new();
    assert!(stack.is_empty());
    (1..=3).for_each(|value| stack.push(value));
    assert!(!stack.is_empty());
    assert_eq!([stack.pop(), stack.pop(), stack.pop(), stack.pop()], [Some(3), Some(2), Some(1), None]);
}

#[test]
fn values_without_a_size() {
    let stack = Stack::new();
    (0..3).for_each(|_| stack.push(()));
    assert_eq!(std::iter::from_fn(|| stack.pop()).count(), 3);
}

#[test]
fn each_value_is_dropped_once() {
    let drops = Drops::of(4);
    let stack = Stack::default();
    (0..4).for_each(|number| stack.push(drops.value(number)));
    drop(stack.pop());
    assert_eq!(drops.counts(), [0, 0, 0, 1]);
    drop(stack);
    assert_eq!(drops.counts(), [1; 4]);
}

#[test]
fn a_drop_that_panics_keeps_no_other_value_alive() {
    let drops = Drops::of(4);
    let stack = Stack::new();
    (0..2).for_each(|number| stack.push(drops.value(number)));
    stack.push(drops.panicking(2));
    stack.push(drops.value(3));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err());
    assert_eq!(drops.counts(), [1; 4]);
}

#[test]
fn many_threads_lose_nothing_and_get_nothing_twice() {
    const THREADS: usize = 4;
    const EACH: usize = 5_000;
    let drops = Drops::of(THREADS * EACH);
    let (stack, start) = (Stack::new(), Barrier::new(THREADS));
    let popped: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (stack, start, drops) = (&stack, &start, &drops);
                scope.spawn(move || {
                    start.wait();
                    let mut popped = 0;
                    for number in 0..EACH {
                        stack.push(drops.value(worker * EACH + number));
                        if number % 3 > 0 && stack.pop().is_some_and(|value| value.number < THREADS * EACH) {
                            popped += 1;
                        }
                    }
                    popped
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let left = std::iter::from_fn(|| stack.pop()).count();
    assert_eq!(popped + left, THREADS * EACH);
    assert_eq!(drops.counts(), vec![1; THREADS * EACH]);
}
