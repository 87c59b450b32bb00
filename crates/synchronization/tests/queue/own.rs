//! Orders, time limits, and what only Rust can ask: comparisons that panic, items that use their queue when dropped.

use std::{
    cmp::Ordering,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use synchronization::{GetError, LifoQueue, PriorityQueue, PutError, Queue, Shutdown, TaskDoneError};
use testkit::watchdog;

use crate::LIMIT;

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
