//! Threads start on demand, are initialized once, and are as many, and as large, as was asked for.

use std::{
    collections::HashSet,
    sync::{
        Arc, Barrier, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, ThreadId},
};

use threads::pool::{Future, PoolError, ThreadPool, Until, wait};

use crate::{begun, guard, quiet_panic};

#[test]
fn threads_start_on_demand_and_idle_ones_are_used_again() {
    let _guard = guard();
    let pool = ThreadPool::new(4).unwrap();
    for _ in 0..20 {
        assert_eq!(pool.submit(|| ()).unwrap().result(), Ok(()));
        while pool.idle_workers() == 0 {
            thread::yield_now(); // the worker is on its way from its result to its sleep
        }
    }
    assert_eq!(pool.workers(), 1, "one after the other needs one thread");
    let (gates, futures): (Vec<_>, Vec<_>) = (0..3).map(|_| begun(&pool)).unzip();
    assert_eq!(pool.workers(), 3, "three at once need three");
    drop(gates);
    assert_eq!(wait(&futures, None, Until::AllCompleted).done.len(), 3);
}

#[test]
fn tasks_that_need_each_other_at_once_get_all_threads_and_no_more() {
    let _guard = guard();
    let pool = ThreadPool::new(4).unwrap();
    let all_here = Arc::new(Barrier::new(4));
    let meet = || {
        let all_here = Arc::clone(&all_here);
        pool.submit(move || {
            all_here.wait();
            thread::current().id()
        })
        .unwrap()
    };
    let futures: Vec<_> = (0..4).map(|_| meet()).collect();
    let four: HashSet<ThreadId> = futures.into_iter().map(|future| future.result().unwrap()).collect();
    assert_eq!(four.len(), 4);
    let later: HashSet<_> = pool.map(50, 0..200, |_| thread::current().id()).flatten().collect();
    assert!(later.is_subset(&four));
    assert_eq!(pool.workers(), 4);
}

#[test]
fn threads_have_names_and_the_stack_asked_for() {
    let _guard = guard();
    let pool = ThreadPool::builder(2).name_prefix("io").stack_size(64 << 20).build().unwrap();
    let (_gate, _running) = begun(&pool);
    let name = pool.submit(|| thread::current().name().map(str::to_owned)).unwrap();
    assert_eq!(name.result(), Ok(Some("io_1".to_owned())));
    // 16 MiB on the stack: eight times what a thread gets unasked.
    fn deep(left: usize) -> usize {
        let frame = std::hint::black_box([left; 1 << 17]);
        if left == 0 { frame[0] } else { deep(left - 1) + usize::from(frame[1] == left) }
    }
    assert_eq!(pool.submit(|| deep(16)).unwrap().result(), Ok(16));
}

#[test]
fn what_makes_no_sense_is_refused() {
    for asked in [0, 4097, usize::MAX] {
        assert_eq!(ThreadPool::new(asked).err(), Some(PoolError::Size { asked, most: 4096 }));
    }
    let named = ThreadPool::builder(1).name_prefix("a\0b").build();
    assert_eq!(named.err(), Some(PoolError::Name { prefix: "a\0b".to_owned() }));
    let (pool, absurd) = (ThreadPool::new(1).unwrap(), 1 << 60);
    assert_eq!(pool.submit(|| 1).unwrap().result(), Ok(1));
    let pool = ThreadPool::builder(1).stack_size(absurd).build().unwrap();
    assert!(matches!(pool.submit(|| ()), Err(PoolError::Start { .. })));
}

#[test]
fn the_initializer_runs_on_each_thread_before_its_first_task() {
    thread_local!(static READY: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    let _guard = guard();
    let pool = ThreadPool::builder(2)
        .initializer(|| {
            READY.set(READY.get() + 1);
            Ok(())
        })
        .build()
        .unwrap();
    let (gate, running) = begun(&pool);
    assert_eq!(pool.submit(|| READY.get()).unwrap().result(), Ok(1));
    drop(gate);
    assert_eq!(running.result(), Ok(()));
    assert!(pool.map(8, 0..50, |_| READY.get()).all(|ready| ready == Ok(1)), "once, not once a task");
}

/// A pool whose first thread is kept in its initializer, which then fails in the given way.
fn breaks(fail: fn() -> Result<(), Box<dyn std::error::Error + Send + Sync>>, why: &str) {
    let _guard = guard();
    let (gate, closed): (Sender<()>, Receiver<()>) = mpsc::channel();
    let closed = Mutex::new(closed);
    let pool = ThreadPool::builder(1)
        .initializer(move || {
            let _ = closed.lock().unwrap().recv();
            fail()
        })
        .build()
        .unwrap();
    let broken = PoolError::Broken { why: why.to_owned() };
    let mut futures: Vec<Future<u8>> = (0..3).map(|_| pool.submit(|| 1).unwrap()).collect();
    assert!(futures[2].cancel());
    drop(gate);
    assert_eq!(futures.pop().unwrap().result(), Err(PoolError::Cancelled), "it had ended before");
    for future in futures {
        assert_eq!(future.result(), Err(broken.clone()));
    }
    assert_eq!(pool.submit(|| 1).err(), Some(broken));
    pool.shutdown(true, false);
}

#[test]
fn a_failing_initializer_breaks_the_pool() {
    breaks(|| Err("no such database".into()), "no such database");
}

#[test]
fn a_panicking_initializer_breaks_the_pool() {
    breaks(|| quiet_panic("no such luck"), "no such luck");
}
