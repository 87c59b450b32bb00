//! `map` keeps the order of its input, and reads only so far ahead.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
    mpsc,
};

use threads::pool::{PoolError, ThreadPool};

use crate::{begun, guard, panicked, quiet_panic};

#[test]
fn map_keeps_the_order_though_the_later_end_first() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let (open, closed) = mpsc::channel::<()>();
    let closed = Mutex::new(closed);
    let open = Mutex::new(Some(open));
    // Item 0 waits until item 1 has opened the gate.
    let map = pool.map(2, 0..2, move |item| {
        match item {
            0 => drop(closed.lock().unwrap().recv()),
            _ => drop(open.lock().unwrap().take()),
        }
        item
    });
    assert_eq!(map.collect::<Result<Vec<_>, _>>(), Ok(vec![0, 1]));
}

#[test]
fn map_reads_its_input_only_so_far_ahead() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let read = AtomicUsize::new(0);
    let endless = (0_usize..).inspect(|_| {
        read.fetch_add(1, SeqCst);
    });
    let mut map = pool.map(5, endless, |n| n * 10);
    assert_eq!(read.load(SeqCst), 5);
    for taken in 0..100 {
        assert_eq!(map.next(), Some(Ok(taken * 10)));
        assert_eq!(read.load(SeqCst), taken + 1 + 5);
    }
    assert_eq!(pool.map(0, 0..3, |n| n).flatten().collect::<Vec<_>>(), [0, 1, 2], "0 counts as 1");
}

#[test]
fn map_goes_on_behind_a_panic() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let results: Vec<_> = pool.map(2, 0..3, |n| if n == 1 { quiet_panic("one") } else { n }).collect();
    assert_eq!(results, [Ok(0), Err(panicked("one")), Ok(2)]);
}

#[test]
fn a_dropped_map_cancels_what_has_not_started() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, _running) = begun(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    drop(pool.map(10, 0..10, move |_| counter.fetch_add(1, SeqCst)));
    drop(gate);
    drop(pool);
    assert_eq!(ran.load(SeqCst), 0);
}

#[test]
fn a_map_ends_with_the_refusal_of_a_pool_that_is_shut_down() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let mut map = pool.map(2, 0.., |n| n);
    pool.shutdown(true, false);
    let rest: Vec<_> = map.by_ref().collect();
    assert_eq!(rest, [Ok(0), Ok(1), Err(PoolError::ShutDown)]);
    assert_eq!(map.next(), None);
}
