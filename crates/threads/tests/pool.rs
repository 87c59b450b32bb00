//! The thread pool does what CPython's test_concurrent_futures asks of its own. Every order of events is forced
//! by gates and barriers; a test that hangs is ended by the watchdog.

use std::{
    collections::HashSet,
    panic::resume_unwind,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use testkit::{Watchdog, watchdog};
use threads::pool::{Ending, Future, PoolError, ThreadPool, Until, Waited, as_completed, wait};

fn guard() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// A task that waits at a closed gate; dropping the sender opens it.
fn gated(pool: &ThreadPool) -> (Sender<()>, Future<()>) {
    let (gate, closed) = mpsc::channel();
    let future = pool.submit(move || closed.recv().unwrap_or_default()).expect("open pool");
    (gate, future)
}

/// The same, after the task has begun.
fn begun(pool: &ThreadPool) -> (Sender<()>, Future<()>) {
    let (gate, closed) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let task = move || {
        begin.send(()).expect("the test waits");
        closed.recv().unwrap_or_default();
    };
    let future = pool.submit(task).expect("open pool");
    begun.recv().expect("the task begins");
    (gate, future)
}

/// A panic without the hook's report, which would clutter the tests' output.
fn quiet_panic(message: &str) -> ! {
    resume_unwind(Box::new(message.to_owned()))
}

fn panicked(message: &str) -> PoolError {
    PoolError::Panicked { message: message.to_owned() }
}

// --- results ---

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

// --- cancel ---

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

// --- callbacks ---

/// A callback that writes down its name and how the task ended.
fn note(log: &Arc<Mutex<Vec<(u8, Ending)>>>, name: u8) -> impl FnOnce(Ending) + Send + 'static {
    let log = Arc::clone(log);
    move |ending| log.lock().unwrap().push((name, ending))
}

#[test]
fn callbacks_are_called_once_in_order_though_one_panics_and_at_once_when_late() {
    let _guard = guard();
    let log = Arc::default();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, future) = begun(&pool);
    future.on_done(note(&log, 1));
    future.on_done(|_| quiet_panic("a callback"));
    future.on_done(note(&log, 2));
    drop(gate);
    // Callbacks run on the worker before its next task.
    assert_eq!(pool.submit(|| 5).unwrap().result(), Ok(5));
    let returned = Ending::Returned;
    assert_eq!(*log.lock().unwrap(), [(1, returned), (2, returned)]);
    future.on_done(note(&log, 3));
    future.on_done(|_| quiet_panic("a late callback"));
    assert_eq!(*log.lock().unwrap(), [(1, returned), (2, returned), (3, returned)]);
    drop((future, pool));
    assert_eq!(log.lock().unwrap().len(), 3);
}

#[test]
fn callbacks_learn_of_failure_and_cancelling() {
    let _guard = guard();
    let log = Arc::default();
    let pool = ThreadPool::new(1).unwrap();
    let (gate, _running) = begun(&pool);
    let failing = pool.submit(|| quiet_panic("on purpose")).unwrap();
    let cancelled = pool.submit(|| ()).unwrap();
    failing.on_done(note(&log, 1));
    cancelled.on_done(note(&log, 2));
    assert!(cancelled.cancel());
    assert_eq!(*log.lock().unwrap(), [(2, Ending::Cancelled)], "called by the one who cancels");
    drop(gate);
    drop(pool);
    assert_eq!(*log.lock().unwrap(), [(2, Ending::Cancelled), (1, Ending::Failed)]);
}

#[test]
fn a_callback_may_ask_the_future_and_submit_more() {
    let _guard = guard();
    let pool = Arc::new(ThreadPool::new(1).unwrap());
    let (gate, future) = begun(&pool);
    let future = Arc::new(future);
    let (send, received) = mpsc::channel();
    let (same, again) = (Arc::downgrade(&future), Arc::downgrade(&pool));
    future.on_done(move |_| {
        let next = again.upgrade().map(|pool| pool.submit(|| 9));
        send.send((same.upgrade().map(|future| future.is_done()), next)).expect("the test waits");
    });
    drop(gate);
    let (done, next) = received.recv().unwrap();
    assert_eq!((done, next.unwrap().unwrap().result()), (Some(true), Ok(9)));
}

// --- wait, as_completed ---

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

// --- map ---

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

// --- shutdown ---

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

// --- threads ---

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

// --- initializer ---

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
