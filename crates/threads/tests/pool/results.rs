//! A result can be had once, a panic is that future's error, and cancelling works before the start only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use threads::pool::{PoolError, ThreadPool, Until, wait};

use crate::{begun, guard, panicked, quiet_panic};

#[test]
fn a_result_comes_back_and_a_panic_is_that_futures_error_while_the_worker_lives_on() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let before = pool.submit(|| thread::current().id()).unwrap().result();
    assert_eq!(
        pool.submit(|| -> u8 { quiet_panic("lost my way") }).unwrap().result(),
        Err(panicked("lost my way"))
    );
    assert_eq!(pool.submit(|| thread::current().id()).unwrap().result(), before);
}

#[test]
fn a_value_can_be_had_once() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let mut future = pool.submit(|| "the value").unwrap();
    assert_eq!(future.result_timeout(Duration::MAX), Ok("the value"));
    assert_eq!(future.try_result(), Some(Err(PoolError::Taken)));
    assert_eq!(future.result_timeout(Duration::ZERO), Err(PoolError::Taken));
    assert!(future.is_done(), "taken is still done");
    assert_eq!(future.result(), Err(PoolError::Taken));
}

#[test]
fn a_timeout_leaves_the_task_running() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, mut future) = begun(&pool);
    assert_eq!(future.try_result(), None);
    assert_eq!(future.result_timeout(Duration::ZERO), Err(PoolError::TimedOut));
    assert_eq!(future.result_timeout(Duration::from_millis(1)), Err(PoolError::TimedOut));
    assert!(future.is_running() && !future.is_done());
    drop(gate);
    assert_eq!(future.result(), Ok(()));
}

#[test]
fn a_dropped_future_detaches_its_task() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    drop(pool.submit(move || counter.fetch_add(1, SeqCst)).unwrap());
    drop(pool);
    assert_eq!(ran.load(SeqCst), 1);
}

#[test]
fn a_result_whose_destructor_panics_costs_no_worker() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            quiet_panic("dropped");
        }
    }
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, first) = begun(&pool);
    drop(pool.submit(|| Bomb).unwrap()); // nobody waits: the worker drops the value
    drop(gate);
    assert_eq!(first.result(), Ok(()));
    assert_eq!(pool.submit(|| 1).unwrap().result(), Ok(1));
    assert_eq!(pool.workers(), 1);
}

#[test]
fn cancel_works_before_the_start_only() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, running) = begun(&pool);
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let waiting = pool.submit(move || counter.fetch_add(1, SeqCst)).unwrap();
    assert!(!running.cancel() && running.is_running() && !running.is_cancelled());
    assert!(!waiting.is_running() && !waiting.is_done());
    assert!(waiting.cancel() && waiting.cancel(), "a second time changes nothing");
    assert!(waiting.is_cancelled() && waiting.is_done());
    drop(gate);
    assert!(wait(std::slice::from_ref(&running), None, Until::AllCompleted).not_done.is_empty());
    assert!(!running.cancel(), "too late");
    assert_eq!(running.result(), Ok(()));
    assert_eq!(waiting.result(), Err(PoolError::Cancelled));
    drop(pool);
    assert_eq!(ran.load(SeqCst), 0, "what was cancelled never runs");
}
