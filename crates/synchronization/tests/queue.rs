//! What CPython's `test_queue.py` checks of its queues, checked of ours; and what only Rust can ask.

use std::{
    cmp::Ordering,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use synchronization::{
    GetError, LifoQueue, PriorityQueue, PutError, Queue, Shutdown, TaskDoneError,
    queue::{BlockingQueue, Items},
};
use testkit::watchdog;

/// Longer than any of these tests takes: who waits so long waits for ever.
const LONG: Duration = Duration::from_secs(3_600);
const LIMIT: Duration = Duration::from_secs(60);
const CENTURIES: Duration = Duration::MAX;
const SIZE: i32 = 3;

/// A queue of numbers, in whatever order.
trait Numbers: Items<Item = i32> + Send + 'static {}
impl<C: Items<Item = i32> + Send + 'static> Numbers for C {}

/// Runs a test for each kind of queue.
macro_rules! for_each_kind {
    ($($test:ident),* $(,)?) => {
        mod fifo {
            $(#[test] fn $test() { super::$test(super::Queue::bounded, super::Queue::unbounded); })*
        }
        mod lifo {
            $(#[test] fn $test() { super::$test(super::LifoQueue::bounded, super::LifoQueue::unbounded); })*
        }
        mod priority {
            $(#[test] fn $test() { super::$test(super::PriorityQueue::bounded, super::PriorityQueue::unbounded); })*
        }
    };
}

for_each_kind!(
    fills_and_empties,
    a_full_queue_lets_put_wait,
    an_empty_queue_lets_get_wait,
    every_item_arrives_once,
    task_done_too_often,
    join_waits_for_the_work,
    without_a_limit,
    graceful_shutdown,
    immediate_shutdown,
    graceful_then_immediate,
    shutdown_of_an_empty_queue,
    shutdown_ends_waiting_puts,
    shutdown_ends_waiting_gets,
    shutdown_and_join,
    reported_done_before_it_was_got,
);

fn fills_and_empties<C: Numbers>(bounded: fn(usize) -> BlockingQueue<C>, _: fn() -> BlockingQueue<C>) {
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

fn a_full_queue_lets_put_wait<C: Numbers>(
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

fn an_empty_queue_lets_get_wait<C: Numbers>(
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

fn every_item_arrives_once<C: Numbers>(bounded: fn(usize) -> BlockingQueue<C>, _: fn() -> BlockingQueue<C>) {
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

fn task_done_too_often<C: Numbers>(_: fn(usize) -> BlockingQueue<C>, unbounded: fn() -> BlockingQueue<C>) {
    let _dog = watchdog(LIMIT);
    let queue = unbounded();
    assert_eq!(queue.task_done(), Err(TaskDoneError));
    queue.put(1).unwrap();
    queue.get().unwrap();
    assert_eq!(queue.task_done(), Ok(()));
    assert_eq!(queue.task_done(), Err(TaskDoneError));
    queue.join(); // the refused report has not counted
}

fn join_waits_for_the_work<C: Numbers>(
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

fn without_a_limit<C: Numbers>(bounded: fn(usize) -> BlockingQueue<C>, unbounded: fn() -> BlockingQueue<C>) {
    for queue in [unbounded(), bounded(usize::MAX)] {
        for number in 0..1_000 {
            queue.try_put(number).unwrap();
        }
        assert!(!queue.is_full());
    }
    let refused = catch_unwind(|| drop(bounded(0))).unwrap_err();
    assert!(refused.downcast_ref::<&str>().unwrap().contains("capacity 0"));
}

fn graceful_shutdown<C: Numbers>(bounded: fn(usize) -> BlockingQueue<C>, _: fn() -> BlockingQueue<C>) {
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

fn immediate_shutdown<C: Numbers>(bounded: fn(usize) -> BlockingQueue<C>, _: fn() -> BlockingQueue<C>) {
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

fn graceful_then_immediate<C: Numbers>(
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

fn shutdown_of_an_empty_queue<C: Numbers>(
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

fn shutdown_ends_waiting_puts<C: Numbers>(
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

fn shutdown_ends_waiting_gets<C: Numbers>(
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

fn shutdown_and_join<C: Numbers>(_: fn(usize) -> BlockingQueue<C>, unbounded: fn() -> BlockingQueue<C>) {
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

fn reported_done_before_it_was_got<C: Numbers>(
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

#[test]
fn the_order_is_that_of_the_kind() {
    let numbers = [3, 1, 4, 1, 5];
    let drain = |get: &dyn Fn() -> Result<i32, GetError>| (0..5).map(|_| get().unwrap()).collect::<Vec<_>>();
    let (fifo, lifo, priority) = (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
    for number in numbers {
        fifo.put(number).unwrap();
        lifo.put(number).unwrap();
        priority.put(number).unwrap();
    }
    assert_eq!(drain(&|| fifo.get()), [3, 1, 4, 1, 5]);
    assert_eq!(drain(&|| lifo.get()), [5, 1, 4, 1, 3]);
    assert_eq!(drain(&|| priority.get()), [1, 1, 3, 4, 5]);
}

/// Woken over and over for items that others have taken: if each wake-up began a new time, it would not end.
#[test]
fn the_timeout_begins_once_however_often_one_is_woken() {
    let _dog = watchdog(LIMIT);
    let queue = Queue::<i32>::unbounded();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            // Others snatch what is put, or this one gets it: it ends in either case.
            let got = queue.get_timeout(Duration::from_millis(20));
            over.store(true, SeqCst);
            got
        });
        while !over.load(SeqCst) {
            queue.put(1).unwrap();
            let _ = queue.try_get();
        }
        assert!(matches!(waiter.join().unwrap(), Ok(1) | Err(GetError::Empty)));
    });
}

/// Panics when it is compared with a trap.
#[derive(Debug, PartialEq, Eq)]
enum Comparable {
    Number(i32),
    Trap,
}

impl PartialOrd for Comparable {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Comparable {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(ours), Self::Number(theirs)) => ours.cmp(theirs),
            _ => panic!("not comparable"),
        }
    }
}

#[test]
fn a_comparison_that_panics_leaves_the_queue_in_order() {
    let _dog = watchdog(LIMIT);
    let queue = PriorityQueue::bounded(2);
    queue.put(Comparable::Number(1)).unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(|| queue.put(Comparable::Trap)));
    assert!(panicked.is_err());
    assert_eq!((queue.len(), queue.is_full()), (2, true), "it was put before it was compared");
    for _ in 0..2 {
        queue.try_get().unwrap();
        queue.task_done().unwrap();
    }
    queue.join();
    assert_eq!(queue.task_done(), Err(TaskDoneError));
}

/// Says when it is dropped, from within the queue it was in.
struct Last {
    queue: Arc<Queue<Last>>,
    dropped: mpsc::Sender<usize>,
}

impl Drop for Last {
    fn drop(&mut self) {
        let _ = self.dropped.send(self.queue.len());
    }
}

#[test]
fn an_item_that_is_dropped_may_use_the_queue() {
    let _dog = watchdog(LIMIT);
    let queue = Arc::new(Queue::unbounded());
    let (dropped, drops) = mpsc::channel();
    for _ in 0..2 {
        queue.put(Last { queue: Arc::clone(&queue), dropped: dropped.clone() }).unwrap();
    }
    queue.shutdown(Shutdown::Immediate);
    drop(dropped);
    assert_eq!(drops.iter().collect::<Vec<_>>(), [0, 0]);
}

#[test]
fn refused_items_come_back_and_errors_are_errors() {
    struct NotDebug(#[allow(dead_code)] Box<i32>);
    let queue = Queue::bounded(1);
    queue.put(NotDebug(Box::new(1))).unwrap();
    let full = queue.try_put(NotDebug(Box::new(2))).unwrap_err();
    assert!(full.is_full() && !full.is_shut_down());
    assert_eq!(format!("{full:?}: {full}"), "Full(..): the queue is full");
    assert_eq!(*full.into_item().0, 2);
    queue.shutdown(Shutdown::Graceful);
    let shut = queue.put(NotDebug(Box::new(3))).unwrap_err();
    assert!(shut.is_shut_down() && !shut.is_full());
    assert_eq!(format!("{shut:?}: {shut}"), "ShutDown(..): the queue is shut down");

    fn is_error<E: std::error::Error + Send + Sync + 'static>(error: E) -> String {
        error.to_string()
    }
    assert_eq!(is_error(PutError::Full(1)), "the queue is full");
    assert_eq!(is_error(GetError::Empty), "the queue is empty");
    assert_eq!(is_error(GetError::ShutDown), "the queue is shut down and empty");
    assert!(is_error(TaskDoneError).starts_with("task_done was called more often"));
    let shown = format!("{queue:?}");
    assert!(shown.contains("len: 1") && shown.contains("capacity: 1"), "{shown}");
}

#[test]
fn what_is_queued_is_dropped_with_the_queue() {
    let item = Arc::new(());
    let queue = LifoQueue::unbounded();
    queue.put(Arc::clone(&item)).unwrap();
    assert_eq!(Arc::strong_count(&item), 2);
    drop(queue);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn a_thousand_wait_and_all_are_served() {
    const MANY: i32 = 1_000;
    let _dog = watchdog(LIMIT);
    let queue = Arc::new(Queue::unbounded());
    let waiters: Vec<_> = (0..MANY)
        .map(|_| {
            let queue = Arc::clone(&queue);
            thread::Builder::new().stack_size(64 << 10).spawn(move || queue.get().unwrap()).unwrap()
        })
        .collect();
    for number in 0..MANY {
        queue.put(number).unwrap();
    }
    let mut got: Vec<_> = waiters.into_iter().map(|waiter| waiter.join().unwrap()).collect();
    got.sort_unstable();
    assert_eq!(got, (0..MANY).collect::<Vec<_>>());
}
