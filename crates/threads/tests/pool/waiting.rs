//! `wait` ends when it should, and `as_completed` gives each future once, in the order of their ends.

use std::{
    sync::mpsc::{self, Sender},
    time::Duration,
};

use threads::pool::{Future, PoolError, ThreadPool, Until, Waited, as_completed, wait};

use crate::{begun, gated, guard, panicked, quiet_panic};

#[test]
fn wait_until_the_first_ends() {
    let _guard = guard();
    let pool = ThreadPool::new(3).unwrap();
    let (gates, futures): (Vec<_>, Vec<_>) = (0..3).map(|_| gated(&pool)).unzip();
    let mut gates: Vec<Option<Sender<()>>> = gates.into_iter().map(Some).collect();
    gates[1] = None;
    assert_eq!(wait(&futures, None, Until::FirstCompleted), Waited { done: vec![1], not_done: vec![0, 2] });
    gates[2] = None;
    gates[0] = None;
    assert_eq!(wait(&futures, None, Until::AllCompleted), Waited { done: vec![0, 1, 2], not_done: vec![] });
    assert_eq!(wait::<()>(&[], None, Until::FirstCompleted), Waited::default());
}

#[test]
fn wait_until_the_first_fails_which_cancelled_is_not() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let (_gate, blocked) = begun(&pool);
    let (open, closed) = mpsc::channel::<()>();
    let failing = pool.submit(move || {
        let _ = closed.recv();
        quiet_panic("first failure")
    });
    let futures = [blocked, failing.unwrap(), pool.submit(|| ()).unwrap()];
    assert!(futures[2].cancel());
    let none = wait(&futures, Some(Duration::ZERO), Until::FirstException);
    assert_eq!(none, Waited { done: vec![2], not_done: vec![0, 1] });
    drop(open);
    let one = wait(&futures, None, Until::FirstException);
    assert_eq!(one, Waited { done: vec![1, 2], not_done: vec![0] });
}

#[test]
fn without_a_failure_first_exception_waits_for_all() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let futures: Vec<_> = (0..20).map(|n| pool.submit(move || n).unwrap()).collect();
    assert_eq!(wait(&futures, None, Until::FirstException).done.len(), 20);
}

#[test]
fn wait_ends_when_its_time_is_over_and_leaves_nothing_behind() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, running) = begun(&pool);
    let futures = [running];
    for _ in 0..3 {
        let late = wait(&futures, Some(Duration::from_millis(1)), Until::AllCompleted);
        assert_eq!(late, Waited { done: vec![], not_done: vec![0] });
    }
    drop(gate);
    assert_eq!(wait(&futures, Some(Duration::MAX), Until::AllCompleted).done, [0]);
    let [future] = futures;
    assert_eq!(future.result(), Ok(()), "waiting takes no value away");
}

#[test]
fn as_completed_yields_each_once_in_the_order_of_their_ends() {
    let _guard = guard();
    let pool = ThreadPool::new(3).unwrap();
    let (gates, futures): (Vec<_>, Vec<_>) = (0..3).map(|_| gated(&pool)).unzip();
    let mut gates: Vec<Option<Sender<()>>> = gates.into_iter().map(Some).collect();
    let mut completed = as_completed(futures);
    assert_eq!(completed.next_timeout(Duration::from_millis(1)), Err(PoolError::TimedOut));
    for next in [2, 0, 1] {
        gates[next] = None;
        assert_eq!(completed.next(), Some((next, Ok(()))));
    }
    assert_eq!(completed.next(), None);
    assert_eq!(completed.next_timeout(Duration::ZERO), Ok(None));
}

#[test]
fn as_completed_yields_cancelled_and_failed_ones_too() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, running) = begun(&pool);
    let futures =
        [pool.submit(|| 1).unwrap(), pool.submit(|| quiet_panic("two")).unwrap(), pool.submit(|| 3).unwrap()];
    assert!(futures[2].cancel());
    // Registered before the gate opens: else all might have ended, and would be reported as they stand.
    let completed = as_completed(futures);
    drop(gate);
    let all: Vec<_> = completed.collect();
    assert_eq!(all, [(2, Err(PoolError::Cancelled)), (0, Ok(1)), (1, Err(panicked("two")))]);
    assert_eq!(running.result(), Ok(()));
    assert_eq!(as_completed(Vec::<Future<u8>>::new()).next(), None);
}
