//! Who finds no room, or nothing there, waits; every item arrives once; `join` waits until all is done.

use std::{
    panic::catch_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use synchronization::{GetError, PutError, Shutdown, TaskDoneError, queue::BlockingQueue};
use testkit::watchdog;

use crate::{CENTURIES, LIMIT, LONG, Numbers, SIZE};

pub(crate) fn fills_and_empties<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    let queue = bounded(SIZE as usize);
    for _again in 0..2 {
        assert!(queue.is_empty() && !queue.is_full());
        for number in 0..SIZE {
            assert_eq!(queue.len(), number as usize);
            assert!(!queue.is_full());
            queue.put_timeout(number, CENTURIES).unwrap();
            assert!(!queue.is_empty());
        }
        assert!(queue.is_full());
        assert_eq!(queue.try_put(7), Err(PutError::Full(7)));
        assert_eq!(queue.put_timeout(8, Duration::ZERO), Err(PutError::Full(8)));
        assert_eq!(queue.put_timeout(9, Duration::from_millis(1)), Err(PutError::Full(9)));
        assert_eq!(queue.len(), SIZE as usize, "a refused item is not in it");
        for _ in 0..SIZE {
            queue.get_timeout(CENTURIES).unwrap();
        }
        assert_eq!(queue.try_get(), Err(GetError::Empty));
        assert_eq!(queue.get_timeout(Duration::ZERO), Err(GetError::Empty));
        assert_eq!(queue.get_timeout(Duration::from_millis(1)), Err(GetError::Empty));
        queue.try_put(1).unwrap();
        assert_eq!(queue.try_get(), Ok(1));
    }
}

pub(crate) fn a_full_queue_lets_put_wait<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    for timeout in [None, Some(LONG), Some(CENTURIES)] {
        let queue = Arc::new(bounded(1));
        queue.put(0).unwrap();
        let taken = Arc::new(AtomicBool::new(false));
        let (theirs, was_taken) = (Arc::clone(&queue), Arc::clone(&taken));
        let putter = thread::spawn(move || {
            match timeout {
                None => theirs.put(1).unwrap(),
                Some(timeout) => theirs.put_timeout(1, timeout).unwrap(),
            }
            was_taken.load(SeqCst)
        });
        taken.store(true, SeqCst);
        assert_eq!(queue.get(), Ok(0));
        assert!(putter.join().unwrap(), "it went on before there was room");
        assert_eq!(queue.get(), Ok(1));
    }
}

pub(crate) fn an_empty_queue_lets_get_wait<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    for timeout in [None, Some(LONG), Some(CENTURIES)] {
        let queue = Arc::new(bounded(1));
        let theirs = Arc::clone(&queue);
        let getter = thread::spawn(move || match timeout {
            None => theirs.get(),
            Some(timeout) => theirs.get_timeout(timeout),
        });
        queue.put(5).unwrap();
        assert_eq!(getter.join().unwrap(), Ok(5));
    }
}

pub(crate) fn every_item_arrives_once<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    _: fn() -> BlockingQueue<C>,
) {
    const EACH: i32 = 2_000;
    let _dog = watchdog(LIMIT);
    let queue = bounded(SIZE as usize);
    let mut got = thread::scope(|scope| {
        let putters: Vec<_> = (0..4)
            .map(|putter| {
                let queue = &queue;
                scope.spawn(move || {
                    // Each way to put has its turn; who is refused tries again with the item that came back.
                    for number in putter * EACH..(putter + 1) * EACH {
                        let refused = match number % 3 {
                            0 => queue.try_put(number),
                            1 => queue.put_timeout(number, Duration::from_micros(10)),
                            _ => queue.put(number),
                        };
                        if let Err(refused) = refused {
                            assert!(refused.is_full());
                            queue.put(refused.into_item()).unwrap();
                        }
                    }
                })
            })
            .collect();
        let getters: Vec<_> = (0..4)
            .map(|getter| {
                let queue = &queue;
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    loop {
                        let item = match (mine.len() + getter) % 3 {
                            0 => queue.try_get(),
                            1 => queue.get_timeout(Duration::from_micros(10)),
                            _ => queue.get(),
                        };
                        match item.or_else(|why| if why == GetError::Empty { queue.get() } else { Err(why) })
                        {
                            Ok(number) => mine.push(number),
                            Err(why) => {
                                assert_eq!(why, GetError::ShutDown);
                                return mine;
                            }
                        }
                        queue.task_done().unwrap();
                    }
                })
            })
            .collect();
        for putter in putters {
            putter.join().unwrap();
        }
        queue.join();
        queue.shutdown(Shutdown::Graceful);
        getters.into_iter().flat_map(|getter| getter.join().unwrap()).collect::<Vec<_>>()
    });
    got.sort_unstable();
    assert_eq!(got, (0..4 * EACH).collect::<Vec<_>>());
}

pub(crate) fn task_done_too_often<C: Numbers>(
    _: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    let queue = unbounded();
    assert_eq!(queue.task_done(), Err(TaskDoneError));
    queue.put(1).unwrap();
    queue.get().unwrap();
    assert_eq!(queue.task_done(), Ok(()));
    assert_eq!(queue.task_done(), Err(TaskDoneError));
    queue.join(); // the refused report has not counted
}

pub(crate) fn join_waits_for_the_work<C: Numbers>(
    _: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    let _dog = watchdog(LIMIT);
    let queue = Arc::new(unbounded());
    let done = Arc::new(AtomicUsize::new(0));
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (queue, done) = (Arc::clone(&queue), Arc::clone(&done));
            thread::spawn(move || {
                while queue.get().is_ok() {
                    thread::yield_now();
                    done.fetch_add(1, SeqCst);
                    queue.task_done().unwrap();
                }
            })
        })
        .collect();
    for round in 1..=2 {
        for number in 0..100 {
            queue.put(number).unwrap();
        }
        queue.join();
        assert_eq!(done.load(SeqCst), round * 100, "join returned before all was done");
    }
    queue.shutdown(Shutdown::Graceful);
    for worker in workers {
        worker.join().unwrap();
    }
}

pub(crate) fn without_a_limit<C: Numbers>(
    bounded: fn(usize) -> BlockingQueue<C>,
    unbounded: fn() -> BlockingQueue<C>,
) {
    for queue in [unbounded(), bounded(usize::MAX)] {
        for number in 0..1_000 {
            queue.try_put(number).unwrap();
        }
        assert!(!queue.is_full());
    }
    let refused = catch_unwind(|| drop(bounded(0))).unwrap_err();
    assert!(refused.downcast_ref::<&str>().unwrap().contains("capacity 0"));
}
