//! Callbacks are called once, in order, with how the task ended.

use std::sync::{Arc, Mutex, mpsc};

use threads::pool::{Ending, ThreadPool};

use crate::{begun, guard, quiet_panic};

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
