//! A queue that is shut down refuses what comes, gives out or drops what it has, and ends everyone who waits.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use synchronization::{GetError, PutError, Shutdown, TaskDoneError, queue::BlockingQueue};
use testkit::watchdog;

use crate::{LIMIT, LONG, Numbers};

pub(crate) fn graceful_shutdown<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let queue = bounded(2);
    queue.put(1).unwrap();
    queue.shutdown(Shutdown::Graceful);
    let refusals = [queue.put(2), queue.try_put(2), queue.put_timeout(2, LONG)];
    for refused in refusals {
        assert_eq!(refused, Err(PutError::ShutDown(2)));
    }
    assert_eq!((queue.len(), queue.get()), (1, Ok(1)));
    for nothing in [queue.get(), queue.try_get(), queue.get_timeout(LONG)] {
        assert_eq!(nothing, Err(GetError::ShutDown));
    }
    queue.task_done().unwrap();
    queue.join();
}

pub(crate) fn immediate_shutdown<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    let queue = bounded(2);
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    queue.shutdown(Shutdown::Immediate);
    assert_eq!((queue.len(), queue.is_empty(), queue.is_full()), (0, true, false));
    assert_eq!(queue.put(3), Err(PutError::ShutDown(3)));
    assert_eq!(queue.get(), Err(GetError::ShutDown));
    queue.join();
    assert_eq!(queue.task_done(), Err(TaskDoneError), "what was dropped counts as done");
}

pub(crate) fn graceful_then_immediate<C: Numbers>(
    _: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    let queue = unbounded();
    queue.put(1).unwrap();
    queue.shutdown(Shutdown::Graceful);
    queue.shutdown(Shutdown::Immediate);
    assert_eq!(queue.get(), Err(GetError::ShutDown));
    queue.shutdown(Shutdown::Graceful);
    assert_eq!(queue.put(1), Err(PutError::ShutDown(1)), "no way back");
}

pub(crate) fn shutdown_of_an_empty_queue<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    for how in [Shutdown::Graceful, Shutdown::Immediate] {
        let queue = bounded(2);
        queue.shutdown(how);
        assert_eq!(queue.put(1), Err(PutError::ShutDown(1)));
        assert_eq!(queue.try_get(), Err(GetError::ShutDown));
        queue.join();
    }
}

pub(crate) fn shutdown_ends_waiting_puts<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    for how in [Shutdown::Graceful, Shutdown::Immediate] {
        let queue = bounded(1);
        queue.put(0).unwrap();
        thread::scope(|scope| {
            let putters: Vec<_> = (1..4)
                .map(|number| {
                    let queue = &queue;
                    scope.spawn(move || match number {
                        1 => queue.put_timeout(number, LONG),
                        _ => queue.put(number),
                    })
                })
                .collect();
            queue.shutdown(how);
            for (putter, number) in putters.into_iter().zip(1..) {
                assert_eq!(putter.join().unwrap(), Err(PutError::ShutDown(number)));
            }
        });
        assert_eq!(queue.len(), usize::from(how == Shutdown::Graceful));
    }
}

pub(crate) fn shutdown_ends_waiting_gets<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    for how in [Shutdown::Graceful, Shutdown::Immediate] {
        let queue = bounded(1);
        thread::scope(|scope| {
            let getters: Vec<_> = (0..3)
                .map(|index| {
                    let queue = &queue;
                    scope.spawn(move || if index == 0 { queue.get_timeout(LONG) } else { queue.get() })
                })
                .collect();
            queue.shutdown(how);
            for getter in getters {
                assert_eq!(getter.join().unwrap(), Err(GetError::ShutDown));
            }
        });
    }
}

pub(crate) fn shutdown_and_join<C: Numbers>(
    _: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    // Immediate: who joins goes on, though two of three were not worked on; the one in hand is waited for.
    let queue = unbounded();
    for number in 0..3 {
        queue.put(number).unwrap();
    }
    queue.get().unwrap();
    let reported = AtomicBool::new(false);
    thread::scope(|scope| {
        let joiner = scope.spawn(|| {
            queue.join();
            reported.load(SeqCst)
        });
        queue.shutdown(Shutdown::Immediate);
        reported.store(true, SeqCst);
        queue.task_done().unwrap();
        assert!(joiner.join().unwrap(), "it went on before the item in hand was reported done");
    });
    // Graceful: who joins waits until the rest is done.
    let queue = unbounded();
    queue.put(1).unwrap();
    let reported = AtomicBool::new(false);
    thread::scope(|scope| {
        let joiner = scope.spawn(|| {
            queue.join();
            reported.load(SeqCst)
        });
        queue.shutdown(Shutdown::Graceful);
        queue.get().unwrap();
        reported.store(true, SeqCst);
        queue.task_done().unwrap();
        assert!(joiner.join().unwrap(), "it went on before all was done");
    });
}

pub(crate) fn reported_done_before_it_was_got<C: Numbers>(
    _: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    let queue = unbounded();
    queue.put(1).unwrap();
    queue.put(2).unwrap();
    queue.task_done().unwrap();
    queue.shutdown(Shutdown::Immediate);
    queue.join();
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}
