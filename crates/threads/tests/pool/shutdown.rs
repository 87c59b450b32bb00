//! A pool that is shut down runs or cancels what is queued, refuses more, and ends its threads.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
};

use threads::pool::{Future, PoolError, ThreadPool};

use crate::{begun, guard};

#[test]
fn shutdown_runs_what_is_queued_and_refuses_more() {
    let _guard = guard();
    let pool = ThreadPool::new(2).unwrap();
    let futures: Vec<_> = (0..50).map(|n| pool.submit(move || n).unwrap()).collect();
    pool.shutdown(true, false);
    assert!(futures.iter().all(Future::is_done));
    assert_eq!(pool.submit(|| ()).err(), Some(PoolError::ShutDown));
    pool.shutdown(true, true);
}

#[test]
fn shutdown_may_cancel_what_has_not_started() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, running) = begun(&pool);
    let queued: Vec<_> = (0..10).map(|n| pool.submit(move || n).unwrap()).collect();
    pool.shutdown(false, true); // returns, although the gate is closed
    assert!(queued.iter().all(Future::is_cancelled));
    assert!(running.is_running());
    drop(gate);
    pool.shutdown(true, false);
    assert_eq!(running.result(), Ok(()));
}

#[test]
fn dropping_a_pool_waits_for_its_tasks_and_ends_its_threads() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    struct LastWords;
    impl Drop for LastWords {
        fn drop(&mut self) {
            ENDED.fetch_add(1, SeqCst);
        }
    }
    thread_local!(static LAST_WORDS: LastWords = const { LastWords });
    let _guard = guard();
    let pool = ThreadPool::new(4).unwrap();
    let all_here = Arc::new(Barrier::new(5));
    let futures: Vec<_> = (0..4)
        .map(|_| {
            let all_here = Arc::clone(&all_here);
            let task = move || {
                LAST_WORDS.with(|_| ());
                all_here.wait().is_leader()
            };
            pool.submit(task).unwrap()
        })
        .collect();
    all_here.wait();
    assert_eq!(ENDED.load(SeqCst), 0);
    drop(pool);
    assert!(futures.iter().all(Future::is_done));
    // Not read from /proc: the kernel may list a thread for a moment after it was joined.
    assert_eq!(ENDED.load(SeqCst), 4, "joined, not only asked to end");
}

#[test]
fn a_pool_without_tasks_has_no_thread_and_ends() {
    let pool = ThreadPool::new(8).unwrap();
    assert_eq!((pool.workers(), pool.max_workers()), (0, 8));
    pool.shutdown(true, true);
    drop(pool);
}

#[test]
fn a_task_may_shut_down_and_even_drop_its_own_pool() {
    let _guard = guard();
    let pool = Arc::new(ThreadPool::new(2).unwrap());
    let (hand_over, handed) = mpsc::channel::<Arc<ThreadPool>>();
    let ends = pool.submit(move || {
        let pool = handed.recv().expect("the test sends it");
        pool.shutdown(true, false);
        let refused = pool.submit(|| ()).err();
        drop(pool); // the last one
        refused
    });
    hand_over.send(pool).unwrap();
    assert_eq!(ends.unwrap().result(), Ok(Some(PoolError::ShutDown)));
}

#[test]
fn two_who_wait_for_the_same_shutdown_both_return_after_the_tasks() {
    let _guard = guard();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, future) = begun(&pool);
    thread::scope(|scope| {
        let two = [(); 2].map(|()| {
            scope.spawn(|| {
                pool.shutdown(true, false);
                future.is_done()
            })
        });
        drop(gate);
        assert_eq!(two.map(|waiter| waiter.join().unwrap()), [true, true]);
    });
}
