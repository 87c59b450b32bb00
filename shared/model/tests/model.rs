//! Three small right protocols, each under every schedule, and each with a broken twin that must be found.
//!
//! `cargo test -p model` runs them once on std, which proves nothing but that they are sound;
//! `--features loom` and `--features shuttle` explore. Add `-- --show-output` to see the number of schedules.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Two threads that count.
fn count(increment: fn(&AtomicUsize)) {
    let counter = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&counter);
    let other = thread::spawn(move || increment(&theirs));
    increment(&counter);
    other.join().expect("it counts");
    assert_eq!(counter.load(Ordering::Relaxed), 2, "an increment is lost");
}

fn count_in_one_step(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn counter() {
    model::explore(&Explore::named("counter").exhaustive().small().floor(2), || count(count_in_one_step));
}

/// A value handed from one thread to another, which sleeps until it is there.
struct HandOver {
    value: Mutex<Option<u32>>,
    filled: Condvar,
}

impl HandOver {
    fn give(&self, value: u32) {
        *self.value.lock().expect("no panic") = Some(value);
        self.filled.notify_one();
    }

    /// Looks and falls asleep under one lock, so that no `give` can come between.
    fn take(&self) -> u32 {
        let value = self.value.lock().expect("no panic");
        let mut value = self.filled.wait_while(value, |value| value.is_none()).expect("no panic");
        value.take().expect("waited for")
    }
}

fn hand_over(take: fn(&HandOver) -> u32) {
    let shared = Arc::new(HandOver { value: Mutex::new(None), filled: Condvar::new() });
    let giver = Arc::clone(&shared);
    let other = thread::spawn(move || giver.give(7));
    assert_eq!(take(&shared), 7);
    other.join().expect("it gives");
}

#[test]
fn hand_over_through_a_condition_variable() {
    model::explore(&Explore::named("hand-over").exhaustive().small().floor(4), || hand_over(HandOver::take));
}

/// A message in plain memory, published by a flag.
struct Message {
    content: UnsafeCell<u32>,
    ready: AtomicBool,
}

// SAFETY: the content is written before `ready` is set and read only after it was seen set, so never both at once.
unsafe impl Sync for Message {}

impl Message {
    fn send(&self, publish: Ordering) {
        // SAFETY: `ready` is not set yet, so nobody reads.
        self.content.with_mut(|content| unsafe { *content = 7 });
        self.ready.store(true, publish);
    }

    fn try_receive(&self) -> Option<u32> {
        // Acquire: pairs with the Release that `send` should publish with.
        if !self.ready.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: it was set, so the write is done, and visible if the store was a Release.
        Some(self.content.with(|content| unsafe { *content }))
    }
}

fn pass_message(publish: Ordering) {
    let message = Arc::new(Message { content: UnsafeCell::new(0), ready: AtomicBool::new(false) });
    let sender = Arc::clone(&message);
    let other = thread::spawn(move || sender.send(publish));
    if let Some(content) = message.try_receive() {
        assert_eq!(content, 7);
    }
    other.join().expect("it sends");
    assert_eq!(message.try_receive(), Some(7), "join makes all of it visible");
}

#[test]
fn message_passing() {
    let plan = Explore::named("message passing").exhaustive().small().floor(2);
    let explored = model::explore(&plan, || pass_message(Ordering::Release));
    assert_eq!(explored.checker, model::CHECKER);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    #[test]
    fn counter_in_two_steps() {
        let found = must_find("counter: load, then store", "an increment is lost", || {
            model::explore(&Explore::named("counter in two steps"), || {
                count(|counter| {
                    let seen = counter.load(Ordering::Relaxed);
                    counter.store(seen + 1, Ordering::Relaxed);
                });
            });
        });
        assert_eq!((found.by.as_str(), found.after_executions.is_some()), (model::CHECKER, true));
    }

    /// The wake-up that comes between the look and the sleep is lost, and the sleeper sleeps for ever.
    fn take_with_a_gap(shared: &HandOver) -> u32 {
        let empty = shared.value.lock().expect("no panic").is_none();
        if empty {
            let value = shared.value.lock().expect("no panic");
            drop(shared.filled.wait(value).expect("no panic"));
        }
        shared.value.lock().expect("no panic").take().expect("woken, so it is there")
    }

    #[test]
    fn lost_wake_up() {
        must_find("hand-over: check outside the lock", "deadlock", || {
            model::explore(&Explore::named("lost wake-up"), || hand_over(take_with_a_gap));
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn relaxed_publish() {
        must_find("message: published Relaxed", "Causality violation", || {
            model::explore(&Explore::named("relaxed publish"), || pass_message(Ordering::Relaxed));
        });
    }

    #[cfg(not(feature = "loom"))]
    #[test]
    fn relaxed_publish_is_not_seen_by_shuttle() {
        model::explore(&Explore::named("relaxed publish, which shuttle passes").small(), || {
            pass_message(Ordering::Relaxed);
        });
    }

    /// The schedule that fails is found, and found again when it is replayed.
    #[cfg(not(feature = "loom"))]
    #[test]
    fn a_failing_schedule_can_be_replayed() {
        use std::panic;

        let found = must_find("hand-over: for the replay", "deadlock", || {
            model::explore(&Explore::named("for the replay"), || hand_over(take_with_a_gap));
        });
        let schedule = model::schedule_in(&found.output).expect("shuttle prints it").to_owned();
        let again = panic::catch_unwind(|| model::replay(&schedule, || hand_over(take_with_a_gap)));
        let payload = again.expect_err("the same schedule fails again");
        assert!(payload.downcast_ref::<String>().is_some_and(|message| message.contains("deadlock")));
    }
}

#[cfg(feature = "loom")]
mod floor {
    use super::*;

    #[test]
    #[should_panic(expected = "too few schedules, the floor is 2")]
    fn one_execution_is_never_enough() {
        model::explore(&Explore::named("alone").floor(0), || {
            *Mutex::new(0).lock().expect("no panic") += 1;
        });
    }

    #[test]
    #[should_panic(expected = "too few schedules, the floor is 1000")]
    fn fewer_than_the_floor_fail() {
        model::explore(&Explore::named("counter").exhaustive().floor(1_000), || count(count_in_one_step));
    }
}
