//! The queue under all schedules: no item is lost or doubled, no wake-up is lost; and the bugs that would do it are found.

mod tasks;
#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twin;

use std::time::Duration;

use model::{Explore, sync::Arc, thread, time};
use synchronization::{Queue, Shutdown};

use tasks::Tasks;

/// A model's clock stands still, unless the model lets time pass.
const LONG: Duration = Duration::from_secs(3_600);

/// Two put one item each, two get one each, through a queue with room for one.
fn two_and_two(queue: impl Tasks) {
    let queue = Arc::new(queue);
    let putters = [1, 2].map(|item| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || assert!(queue.put(item)))
    });
    let theirs = Arc::clone(&queue);
    let getter = thread::spawn(move || theirs.get());
    // A time limit that is not reached makes no difference.
    let mut got = [queue.get_timeout(LONG), getter.join().unwrap()];
    for putter in putters {
        putter.join().unwrap();
    }
    got.sort_unstable();
    assert_eq!(got, [Some(1), Some(2)]);
}

#[test]
fn two_put_and_two_get() {
    let plan = Explore::named("queue: two put, two get").preemptions(2).floor(2_000);
    model::explore(&plan, || two_and_two(Queue::bounded(1)));
}

/// One puts three items through a queue with room for one: each time it may have to wait.
fn in_a_row(queue: impl Tasks) {
    let queue = Arc::new(queue);
    let theirs = Arc::clone(&queue);
    let putter = thread::spawn(move || (1..=3).all(|item| theirs.put(item)));
    let got = [1, 2, 3].map(|_| queue.get());
    assert_eq!(got, [Some(1), Some(2), Some(3)], "in the order in which they were put");
    assert!(putter.join().unwrap());
}

#[test]
fn three_in_a_row() {
    model::explore(&Explore::named("queue: three in a row").floor(150), || in_a_row(Queue::bounded(1)));
}

/// One waits for two items to be reported done by another.
fn done(queue: impl Tasks) {
    let queue = Arc::new(queue);
    assert!(queue.put(1) && queue.put(2));
    let theirs = Arc::clone(&queue);
    let worker = thread::spawn(move || {
        while theirs.get().is_some() {
            theirs.task_done();
        }
    });
    let theirs = Arc::clone(&queue);
    let joiner = thread::spawn(move || theirs.join());
    queue.join();
    joiner.join().unwrap();
    queue.shutdown(Shutdown::Graceful);
    worker.join().unwrap();
}

#[test]
fn join_waits_until_all_is_done() {
    let plan = Explore::named("queue: join").floor(500);
    model::explore(&plan, || done(Queue::bounded(2)));
}

/// Two wait to get what never comes.
fn shutdown_of_empty(queue: impl Tasks, how: Shutdown) {
    let queue = Arc::new(queue);
    let getters = [(); 2].map(|()| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.get())
    });
    queue.shutdown(how);
    for getter in getters {
        assert_eq!(getter.join().unwrap(), None);
    }
}

#[test]
fn shutdown_wakes_all_who_get() {
    let plan = Explore::named("queue: shutdown, two get").floor(50);
    model::explore(&plan, || shutdown_of_empty(Queue::bounded(1), Shutdown::Graceful));
}

/// Two wait to put into a full queue, one waits for the work to be done; then it is shut down at once.
fn shutdown_of_full(queue: impl Tasks) {
    let queue = Arc::new(queue);
    assert!(queue.put(0));
    let putters = [1, 2].map(|item| {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.put(item))
    });
    let theirs = Arc::clone(&queue);
    let joiner = thread::spawn(move || theirs.join());
    queue.shutdown(Shutdown::Immediate);
    for putter in putters {
        assert!(!putter.join().unwrap(), "it was full until it was shut down");
    }
    joiner.join().unwrap();
    assert_eq!(queue.get(), None);
}

#[test]
fn shutdown_wakes_all_who_put_and_join() {
    let plan = Explore::named("queue: shutdown, two put, one joins").preemptions(2).floor(500);
    model::explore(&plan, || shutdown_of_full(Queue::bounded(1)));
}

/// One puts two items while another shuts down: each item is got, or comes back.
fn shutdown_between_puts(queue: impl Tasks) {
    let queue = Arc::new(queue);
    let theirs = Arc::clone(&queue);
    let putter = thread::spawn(move || [1, 2].into_iter().filter(|item| theirs.put(*item)).count());
    let theirs = Arc::clone(&queue);
    let closer = thread::spawn(move || theirs.shutdown(Shutdown::Graceful));
    let got = std::iter::from_fn(|| queue.get().inspect(|_| queue.task_done())).count();
    assert_eq!(got, putter.join().unwrap(), "what was accepted was got, and nothing else");
    closer.join().unwrap();
    queue.join();
}

#[test]
fn a_graceful_shutdown_loses_nothing() {
    let plan = Explore::named("queue: shutdown between two puts").preemptions(2).floor(300);
    model::explore(&plan, || shutdown_between_puts(Queue::bounded(1)));
}

/// One waits for at most `haste`, one for ever; one item is put, and once somebody has got it, another one.
fn hasty_and_patient(queue: impl Tasks, haste: Duration) {
    let queue = Arc::new(queue);
    let reports = Arc::new(Queue::unbounded());
    let (theirs, report) = (Arc::clone(&queue), Arc::clone(&reports));
    let hasty = thread::spawn(move || report.put(theirs.get_timeout(haste)).unwrap());
    let (theirs, report) = (Arc::clone(&queue), Arc::clone(&reports));
    let patient = thread::spawn(move || report.put(theirs.get()).unwrap());
    let clock = thread::spawn(time::pass);
    assert!(queue.put(1));
    // Whoever it is that was woken: the item must arrive.
    let mut got = vec![reports.get().unwrap()];
    if got == [None] {
        got.push(reports.get().unwrap());
    }
    assert_eq!(got.last(), Some(&Some(1)), "the first item has arrived");
    assert!(queue.put(2));
    hasty.join().unwrap();
    if got.len() == 1 {
        got.push(reports.get().unwrap());
    }
    patient.join().unwrap();
    clock.join().unwrap();
    assert!(got.contains(&None) || got == [Some(1), Some(2)]);
}

#[test]
fn who_does_not_wait_takes_no_wake_up() {
    let plan = Explore::named("queue: a get without waiting beside one with").preemptions(2).floor(500);
    model::explore(&plan, || hasty_and_patient(Queue::bounded(1), Duration::ZERO));
}

#[test]
fn who_is_woken_as_its_time_is_over_takes_the_item() {
    let plan = Explore::named("queue: woken as the time is over").preemptions(2).floor(200);
    model::explore(&plan, || hasty_and_patient(Queue::bounded(1), Duration::from_millis(1)));
}

/// Room is made while one who waits for it runs out of time: the other one must hear of it.
#[test]
fn who_gives_up_putting_leaves_the_room_to_others() {
    let plan = Explore::named("queue: a put with a time limit beside one without").preemptions(2).floor(200);
    model::explore(&plan, || {
        let queue = Arc::new(Queue::bounded(1));
        queue.put(0).unwrap();
        let theirs = Arc::clone(&queue);
        let hasty = thread::spawn(move || theirs.put_timeout(1, Duration::from_millis(1)).is_ok());
        let theirs = Arc::clone(&queue);
        let patient = thread::spawn(move || theirs.put(2).unwrap());
        let clock = thread::spawn(time::pass);
        assert_eq!(queue.get(), Ok(0));
        let mut got = vec![queue.get().unwrap()];
        if hasty.join().unwrap() {
            got.push(queue.get().unwrap());
            got.sort_unstable();
            assert_eq!(got, [1, 2]);
        } else {
            assert_eq!(got, [2]);
        }
        patient.join().unwrap();
        clock.join().unwrap();
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;
    use twin::{Bug, Twin};

    fn plan(name: &str) -> Explore {
        Explore::named(name).preemptions(2).branches(5_000)
    }

    /// A scenario on a twin with room for one: it must come to a deadlock.
    fn must_deadlock(name: &'static str, scenario: impl Fn() + Send + Sync + 'static) {
        must_find(name, "deadlock", || {
            model::explore(&plan(name), scenario);
        });
    }

    #[test]
    fn one_condition_for_both() {
        must_deadlock("queue: one condition for both, notify_one", || {
            two_and_two(Twin::new(Bug::OneConditionForBoth, 1));
        });
    }

    #[test]
    fn if_instead_of_while() {
        must_find("queue: if instead of while", "woken, and nothing is there", || {
            model::explore(&plan("if instead of while"), || two_and_two(Twin::new(Bug::IfInsteadOfWhile, 1)));
        });
    }

    #[test]
    fn shutdown_wakes_one() {
        must_deadlock("queue: shutdown wakes one", || {
            shutdown_of_empty(Twin::new(Bug::ShutdownWakesOne, 1), Shutdown::Graceful);
        });
    }

    #[test]
    fn shutdown_forgets_putters() {
        must_deadlock("queue: shutdown forgets who puts", || {
            shutdown_of_full(Twin::new(Bug::ShutdownForgetsPutters, 1));
        });
    }

    #[test]
    fn shutdown_forgets_joiners() {
        must_deadlock("queue: shutdown forgets who joins", || {
            shutdown_of_full(Twin::new(Bug::ShutdownForgetsJoiners, 1));
        });
    }

    #[test]
    fn task_done_tells_nobody() {
        must_deadlock("queue: the last task_done tells nobody", || {
            done(Twin::new(Bug::TaskDoneTellsNobody, 2));
        });
    }

    #[test]
    fn clock_before_items() {
        must_deadlock("queue: woken, looks at the clock first", || {
            hasty_and_patient(Twin::new(Bug::ClockBeforeItems, 1), Duration::from_millis(1));
        });
    }
}
