//! What CPython's `test_queue.py` checks of its queues, checked of ours; and what only Rust can ask.

mod own;
mod shutdown;
mod waiting;

use std::time::Duration;

use synchronization::queue::Items;

/// Longer than any of these tests takes: who waits so long waits for ever.
pub(crate) const LONG: Duration = Duration::from_secs(3_600);
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const CENTURIES: Duration = Duration::MAX;
pub(crate) const SIZE: i32 = 3;

/// A queue of numbers, in whatever order.
pub(crate) trait Numbers: Items<Item = i32> + Send + 'static {}
impl<C: Items<Item = i32> + Send + 'static> Numbers for C {}

/// Runs a test for each kind of queue.
macro_rules! for_each_kind {
    ($($part:ident: $($test:ident),*;)*) => {
        mod fifo {
            $($(#[test] fn $test() { crate::$part::$test(synchronization::Queue::bounded, synchronization::Queue::unbounded); })*)*
        }
        mod lifo {
            $($(#[test] fn $test() { crate::$part::$test(synchronization::LifoQueue::bounded, synchronization::LifoQueue::unbounded); })*)*
        }
        mod priority {
            $($(#[test] fn $test() { crate::$part::$test(synchronization::PriorityQueue::bounded, synchronization::PriorityQueue::unbounded); })*)*
        }
    };
}

for_each_kind!(
    waiting:
    fills_and_empties,
    a_full_queue_lets_put_wait,
    an_empty_queue_lets_get_wait,
    every_item_arrives_once,
    task_done_too_often,
    join_waits_for_the_work,
    without_a_limit;
    shutdown:
    graceful_shutdown,
    immediate_shutdown,
    graceful_then_immediate,
    shutdown_of_an_empty_queue,
    shutdown_ends_waiting_puts,
    shutdown_ends_waiting_gets,
    shutdown_and_join,
    reported_done_before_it_was_got;
);
