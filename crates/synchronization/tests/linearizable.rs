//! Each call on queue, stack and ring takes effect at one moment: recorded on real threads, judged by a search.

use std::{sync::Barrier, thread};

#[path = "support/containers.rs"]
mod containers;
#[path = "support/linearizability.rs"]
mod linearizability;
use containers::{Container, LooksThenTakes, Ring, TwoLanes};
use linearizability::{
    Call, Recorder, Sequential,
    What::{self, Put, Refused, Took},
    assert_linearizable, is_linearizable,
};
use synchronization::{MsQueue, Stack};

const ROUNDS: usize = 300;
const CALLS: u32 = 6;

/// Rounds with fresh containers, on which each of `threads` threads makes `CALLS` calls, started together.
fn record<C: Container>(threads: u32, make: fn() -> C, call: fn(&C, u32, u32) -> What) {
    for _ in 0..ROUNDS {
        let (container, recorder, start) = (make(), Recorder::default(), Barrier::new(threads as usize));
        thread::scope(|scope| {
            for actor in 0..threads {
                let (container, recorder, start) = (&container, &recorder, &start);
                scope.spawn(move || {
                    start.wait();
                    (0..CALLS).for_each(|turn| recorder.call(|| call(container, actor, turn)));
                });
            }
        });
        assert_eq!(recorder.history().len(), (threads * CALLS) as usize);
        assert_linearizable(&recorder, container.object());
    }
}

/// Puts and takes in turn; each value is put once.
fn either<C: Container>(container: &C, actor: u32, turn: u32) -> What {
    if (actor + turn).is_multiple_of(2) { container.put(actor * CALLS + turn) } else { container.take() }
}

#[test]
fn stack() {
    record(4, Stack::new, either);
}

#[test]
fn ms_queue() {
    record(4, MsQueue::new, either);
}

#[test]
fn ring() {
    record(2, Ring::new, |ring, actor, turn| if actor == 0 { ring.put(turn) } else { ring.take() });
}

fn history(calls: &[(usize, usize, What)]) -> Vec<Call> {
    calls.iter().map(|&(begin, end, what)| Call { begin, end, what }).collect()
}

#[test]
fn the_judge_knows_right_from_wrong() {
    let queue = || Sequential::queue(2);
    let one_after_the_other = |whats: &[What]| {
        whats.iter().enumerate().map(|(at, what)| (2 * at, 2 * at + 1, *what)).collect::<Vec<_>>()
    };
    let judge = |whats: &[What], object| is_linearizable(&history(&one_after_the_other(whats)), object);
    assert!(judge(&[Put(1), Put(2), Refused(3), Took(Some(1)), Took(Some(2)), Took(None)], queue()));
    assert!(!judge(&[Put(1), Put(2), Took(Some(2))], queue()), "that is a stack");
    assert!(judge(&[Put(1), Put(2), Took(Some(2))], Sequential::stack()));
    assert!(!judge(&[Put(1), Refused(2)], queue()), "there was room");
    assert!(!judge(&[Put(1), Put(2), Put(3)], queue()), "there was none");
    assert!(!judge(&[Put(1), Took(None)], queue()), "it was there");
    assert!(!judge(&[Put(1), Took(Some(1)), Took(Some(1))], queue()), "given twice");
    assert!(!judge(&[Took(Some(1)), Put(1)], queue()), "before it was put");
}

#[test]
fn calls_that_overlap_may_be_explained_in_any_order() {
    let queue = || Sequential::queue(usize::MAX);
    assert!(is_linearizable(&history(&[(0, 3, Put(1)), (1, 2, Took(Some(1)))]), queue()));
    assert!(is_linearizable(&history(&[(0, 3, Put(1)), (1, 2, Took(None))]), queue()));
    assert!(is_linearizable(&history(&[(0, 3, Put(1)), (1, 2, Put(2)), (4, 5, Took(Some(2)))]), queue()));
    // The first put ended before the second began: no order of the two explains this.
    assert!(!is_linearizable(&history(&[(0, 1, Put(1)), (2, 3, Put(2)), (4, 5, Took(Some(2)))]), queue()));
}

/// Whether the calls, one after the other, can be explained.
fn alone<C: Container>(container: &C, calls: &[fn(&C) -> What]) -> bool {
    let recorder = Recorder::default();
    calls.iter().for_each(|call| recorder.call(|| call(container)));
    is_linearizable(&recorder.history(), container.object())
}

#[test]
fn two_lanes_are_no_queue() {
    assert!(alone(&MsQueue::new(), &[|queue| queue.put(1), |queue| queue.put(2), |queue| queue.take()]));
    assert!(!alone(
        &TwoLanes::default(),
        &[|lanes| lanes.put(1), |lanes| lanes.put(2), |lanes| lanes.take()]
    ));
}

#[test]
fn what_looks_and_then_takes_is_right_only_alone() {
    let stack = LooksThenTakes::default();
    assert!(alone(&stack, &[|stack| stack.put(1), |stack| stack.take(), |stack| stack.take()]));
    // Two threads is what `linearizable_model` shows, where the checker finds the schedule.
}
