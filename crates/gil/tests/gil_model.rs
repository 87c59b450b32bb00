//! The lock's protocol under every schedule: one holder, numbers that only grow, no lost wake-up, nobody passed over.
//!
//! A checker's clock stands still until a thread of the model lets all intervals run out, at any point of the
//! schedule (`model::time`).

use std::{
    sync::atomic::{AtomicBool as StdAtomicBool, AtomicU64 as StdAtomicU64, Ordering::SeqCst},
    time::Duration,
};

use gil::Gil;
use model::{Explore, cell::UnsafeCell, sync::Arc, thread, time::pass};

#[path = "support/twin.rs"]
mod twin;

fn plan(name: &str, floor: u64) -> Explore {
    Explore::named(format!("gil: {name}")).preemptions(3).floor(floor)
}

/// A lock, and what only its holder may touch.
struct Shared {
    gil: Gil,
    total: UnsafeCell<u32>,
    /// Where the checker does not look, and which orders nothing: who is inside, and the highest number seen.
    inside: StdAtomicBool,
    highest: StdAtomicU64,
}

// SAFETY: `total` is touched by the lock's holder only; that this is one thread is what is checked.
unsafe impl Sync for Shared {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Shared {}

impl Shared {
    fn new(gil: Gil) -> Arc<Self> {
        Arc::new(Self {
            gil,
            total: UnsafeCell::new(0),
            inside: StdAtomicBool::new(false),
            highest: StdAtomicU64::new(0),
        })
    }

    /// Called by the holder.
    fn add(&self) {
        assert!(!self.inside.swap(true, SeqCst), "two hold it");
        // SAFETY: only the holder is here.
        self.total.with_mut(|total| unsafe { *total += 1 });
        self.inside.store(false, SeqCst);
    }

    /// Called by the holder.
    fn look_at_number(&self) {
        let number = self.gil.switch_number();
        assert!(number >= self.highest.fetch_max(number, SeqCst), "the switch number went back");
    }

    fn total(&self) -> u32 {
        let _held = self.gil.attach();
        // SAFETY: as above.
        self.total.with(|total| unsafe { *total })
    }
}

#[test]
fn one_thread_holds_it() {
    model::explore(&plan("one holder, asked at any time", 500), || {
        let shared = Shared::new(Gil::new(Duration::from_millis(5)));
        let theirs = Arc::clone(&shared);
        let work = |shared: &Shared| {
            let mut held = shared.gil.attach();
            shared.add();
            held.checkpoint();
            shared.add();
        };
        let other = thread::spawn(move || work(&theirs));
        let clock = thread::spawn(pass);
        work(&shared);
        other.join().unwrap();
        clock.join().unwrap();
        assert_eq!(shared.total(), 4);
    });
}

#[test]
fn a_blocking_call_lets_others_in_and_comes_back() {
    model::explore(&plan("a blocking call", 80), || {
        let shared = Shared::new(Gil::new(Duration::from_millis(5)));
        let work = |shared: &Shared| {
            let mut held = shared.gil.attach();
            shared.add();
            held.blocking(|| ());
            shared.add();
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let theirs = Arc::clone(&shared);
                thread::spawn(move || work(&theirs))
            })
            .collect();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.total(), 4);
    });
}

#[test]
fn the_switch_number_never_goes_back() {
    model::explore(&plan("the switch number", 600), || {
        let shared = Shared::new(Gil::new(Duration::from_millis(5)));
        let work = |shared: &Shared| {
            let mut held = shared.gil.attach();
            shared.look_at_number();
            held.give_way();
            shared.look_at_number();
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let theirs = Arc::clone(&shared);
                thread::spawn(move || work(&theirs))
            })
            .collect();
        // Not a holder: it may look at any time, and sees them grow too.
        let (before, after) = (shared.gil.switch_number(), shared.gil.switch_number());
        assert!(before <= after, "the switch number went back");
        for other in others {
            other.join().unwrap();
        }
        assert!((2..=4).contains(&shared.gil.switch_number()));
    });
}

/// A lost wake-up is a deadlock, which the checker reports.
#[test]
fn no_wake_up_is_lost_when_the_lock_is_handed_over() {
    model::explore(&plan("three hand it to each other", 2_800), || {
        let shared = Shared::new(Gil::new(Duration::from_millis(5)));
        let work = |shared: &Shared| {
            let mut held = shared.gil.attach();
            held.give_way();
            shared.add();
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let theirs = Arc::clone(&shared);
                thread::spawn(move || work(&theirs))
            })
            .collect();
        work(&shared);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(shared.total(), 3);
    });
}

/// One thread computes, the other wants the lock once. Fails if the first gives way and then holds the lock again
/// before the other has had it.
fn nobody_is_passed_over(forced: bool) {
    model::explore(&plan("who asked is next", 250), move || {
        let shared = Shared::new(Gil::new(Duration::from_millis(5)).forced_switching(forced));
        let theirs = Arc::clone(&shared);
        let mut held = shared.gil.attach();
        let other = thread::spawn(move || {
            let _held = theirs.gil.attach();
            theirs.add();
        });
        let clock = thread::spawn(pass);
        if held.checkpoint() {
            // SAFETY: this thread holds the lock.
            let theirs = shared.total.with(|total| unsafe { *total });
            assert_eq!(theirs, 1, "passed over");
        }
        drop(held);
        other.join().unwrap();
        clock.join().unwrap();
    });
}

#[test]
fn with_forced_switching_nobody_who_asked_is_passed_over() {
    nobody_is_passed_over(true);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use testkit::must_find;

    use super::{
        nobody_is_passed_over, plan,
        twin::{Flaw, three_hand_it_over},
    };

    #[test]
    fn without_forced_switching_the_holder_is_faster_than_the_waiter() {
        must_find("gil: no forced switching", "passed over", || nobody_is_passed_over(false));
    }

    fn twin(name: &str, expected: &str, flaw: Flaw) {
        must_find(name, expected, || {
            model::explore(&plan("a broken twin", 2).preemptions(2), move || three_hand_it_over(flaw));
        });
    }

    #[test]
    fn who_looks_once_holds_it_with_another() {
        twin("gil: a waiter does not look again", "two hold it", Flaw::LooksOnce);
    }

    #[test]
    fn a_number_that_is_read_before_the_wait_is_old_after_it() {
        twin("gil: switch number read too early", "the switch number went back", Flaw::NumberReadEarly);
    }

    #[test]
    fn who_sleeps_without_a_look_misses_the_wake_up() {
        twin("gil: sleeps until notified, whoever took it", "deadlock", Flaw::SleepsUnlooked);
    }

    #[test]
    fn a_waiter_counted_too_late_is_not_woken() {
        twin("gil: the waiter is counted before the lock is looked at", "deadlock", Flaw::WaitersSeenEarly);
    }
}

/// The twin without a flaw passes: what the others are found by is their flaw.
#[test]
fn the_twin_is_sound_where_it_is_not_broken() {
    model::explore(&plan("the twin, whole", 40_000).preemptions(2), || {
        twin::three_hand_it_over(twin::Flaw::None)
    });
}
