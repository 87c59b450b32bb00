//! What the Michael-Scott queue promises to those who use it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Barrier,
    thread,
};

use synchronization::MsQueue;

#[path = "support/drops.rs"]
mod drops;
use drops::Drops;

#[test]
fn first_in_first_out() {
    let queue = MsQueue::new();
    assert!(queue.is_empty());
    (1..=3).for_each(|value| queue.push(value));
    assert!(!queue.is_empty());
    assert_eq!([queue.pop(), queue.pop(), queue.pop(), queue.pop()], [Some(1), Some(2), Some(3), None]);
}

#[test]
fn values_without_a_size() {
    let queue = MsQueue::new();
    (0..3).for_each(|_| queue.push(()));
    assert_eq!(std::iter::from_fn(|| queue.pop()).count(), 3);
}

#[test]
fn each_value_is_dropped_once() {
    let drops = Drops::of(4);
    let queue = MsQueue::default();
    (0..4).for_each(|number| queue.push(drops.value(number)));
    drop(queue.pop());
    assert_eq!(drops.counts(), [1, 0, 0, 0]);
    drop(queue);
    assert_eq!(drops.counts(), [1; 4]);
}

#[test]
fn a_drop_that_panics_keeps_no_other_value_alive() {
    let drops = Drops::of(4);
    let queue = MsQueue::new();
    (0..2).for_each(|number| queue.push(drops.value(number)));
    queue.push(drops.panicking(2));
    queue.push(drops.value(3));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(queue))).is_err());
    assert_eq!(drops.counts(), [1; 4]);
}

#[test]
fn many_threads_lose_nothing_and_get_nothing_twice() {
    const THREADS: usize = 4;
    const EACH: usize = 5_000;
    let drops = Drops::of(THREADS * EACH);
    let (queue, start) = (MsQueue::new(), Barrier::new(THREADS));
    let popped: usize = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                let (queue, start, drops) = (&queue, &start, &drops);
                scope.spawn(move || {
                    start.wait();
                    let mut popped = 0;
                    for number in 0..EACH {
                        queue.push(drops.value(worker * EACH + number));
                        if number % 3 > 0 && queue.pop().is_some_and(|value| value.number < THREADS * EACH) {
                            popped += 1;
                        }
                    }
                    popped
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let left = std::iter::from_fn(|| queue.pop()).count();
    assert_eq!(popped + left, THREADS * EACH);
    assert_eq!(drops.counts(), vec![1; THREADS * EACH]);
}
