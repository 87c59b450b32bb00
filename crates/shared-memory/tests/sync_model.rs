//! Semaphore, event, condition and barrier between processes, under every schedule: no wake-up is lost, all is seen.

use std::time::Duration;

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
};
use shared_memory::{
    lock::{Holder, Life, RawLock},
    sync::{Barrier, Broken, Condition, Event, Semaphore},
};

#[path = "support/start.rs"]
mod start;
use start::Start;

/// Any limit: the checker decides when it runs out.
const LIMIT: Duration = Duration::from_secs(100);

/// A value that several threads use, with nothing but the primitive beside it.
#[derive(Default)]
struct Plain(UnsafeCell<u32>);

// SAFETY: used as the primitive allows; loom tells where that is not so.
unsafe impl Sync for Plain {}

impl Plain {
    fn set(&self, value: u32) {
        // SAFETY: see above.
        self.0.with_mut(|slot| unsafe { *slot = value });
    }
    fn get(&self) -> u32 {
        // SAFETY: see above.
        self.0.with(|slot| unsafe { *slot })
    }
}

#[test]
fn a_semaphore_of_one_excludes() {
    model::explore(&Explore::named("shared Semaphore: exclusion").floor(24), || {
        let shared = Arc::new((Semaphore::new(1), Plain::default()));
        let work = |(semaphore, value): &(Semaphore, Plain)| {
            semaphore.acquire();
            value.set(value.get() + 1);
            semaphore.release().unwrap();
        };
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || work(&theirs));
        work(&shared);
        other.join().unwrap();
        assert_eq!((shared.1.get(), shared.0.available()), (2, 1));
    });
}

#[test]
fn a_semaphore_wakes_as_many_as_it_lets_in() {
    model::explore(&Explore::named("shared Semaphore: two releases").preemptions(2).floor(700), || {
        let semaphore = Arc::new(Semaphore::new(0));
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&semaphore);
            thread::spawn(move || theirs.acquire())
        });
        semaphore.release().unwrap();
        semaphore.release().unwrap();
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(semaphore.available(), 0);
    });
}

#[test]
fn a_semaphore_that_releases_two_at_once() {
    model::explore(&Explore::named("shared Semaphore: release of two").preemptions(2).floor(400), || {
        let semaphore = Arc::new(Semaphore::new(0));
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&semaphore);
            thread::spawn(move || theirs.acquire())
        });
        semaphore.release_at(2, |_| ()).unwrap();
        for other in others {
            other.join().unwrap();
        }
    });
}

/// Who gives up takes neither a permit nor a wake-up along.
#[test]
fn a_semaphore_loses_nothing_to_a_limit() {
    model::explore(&Explore::named("shared Semaphore: limit").preemptions(2).floor(100), || {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = Arc::clone(&semaphore);
        let hasty = thread::spawn(move || theirs.acquire_within(LIMIT));
        let theirs = Arc::clone(&semaphore);
        let patient = thread::spawn(move || theirs.acquire());
        semaphore.release().unwrap();
        semaphore.release().unwrap();
        patient.join().unwrap();
        let hasty = hasty.join().unwrap();
        assert_eq!(semaphore.available(), u32::from(!hasty));
    });
}

#[test]
fn an_event_wakes_all_and_shows_all() {
    model::explore(&Explore::named("shared Event: set").preemptions(2).floor(300), || {
        let shared = Arc::new((Event::default(), Plain::default()));
        let others = [(); 2].map(|()| {
            let theirs = Arc::clone(&shared);
            thread::spawn(move || {
                theirs.0.wait();
                assert_eq!(theirs.1.get(), 7);
            })
        });
        shared.1.set(7);
        shared.0.set();
        for other in others {
            other.join().unwrap();
        }
    });
}

/// Also who does not wait and only asks.
#[test]
fn who_finds_an_event_set_sees_all() {
    model::explore(&Explore::named("shared Event: is it set").exhaustive().floor(5), || {
        let shared = Arc::new((Event::default(), Plain::default(), Start::default()));
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            theirs.2.go();
            theirs.1.set(7);
            theirs.0.set();
        });
        shared.2.go();
        if shared.0.is_set() {
            assert_eq!(shared.1.get(), 7);
        }
        other.join().unwrap();
    });
}

/// Who has waited since before goes on, though the event is cleared at once: it says that it waits by the mark.
#[test]
fn an_event_that_is_cleared_at_once_has_called_its_waiters() {
    model::explore(&Explore::named("shared Event: set, clear").floor(10), || {
        let event = Arc::new(Event::default());
        let theirs = Arc::clone(&event);
        let other = thread::spawn(move || theirs.wait());
        while event.state.load(Relaxed) & Event::SLEEPERS == 0 {
            thread::yield_now();
        }
        event.set();
        event.clear();
        other.join().unwrap();
        assert!(!event.is_set());
    });
}

/// Threads of the model; nobody dies.
struct Immortal;

impl Life for Immortal {
    fn is_alive(&self, _: Holder) -> bool {
        true
    }
    fn nap(&self) -> Option<Duration> {
        None
    }
}

#[derive(Default)]
struct Slot {
    lock: RawLock,
    filled: Condition,
    value: Plain,
}

impl Slot {
    fn take(&self, me: u32) {
        let me = Holder::new(me, 7);
        self.lock.lock(me, &Immortal).unwrap();
        while self.value.get() == 0 {
            self.filled.sleep_at(|| self.lock.unlock(&Immortal), None, |_| ());
            self.lock.lock(me, &Immortal).unwrap();
        }
        self.value.set(self.value.get() - 1);
        self.lock.unlock(&Immortal);
    }

    fn put(&self, me: u32, count: u32) {
        self.lock.lock(Holder::new(me, 7), &Immortal).unwrap();
        self.value.set(self.value.get() + count);
        self.lock.unlock(&Immortal);
    }
}

#[test]
fn a_condition_loses_no_notification() {
    model::explore(&Explore::named("shared Condition: one").floor(8), || {
        let slot = Arc::new(Slot::default());
        let theirs = Arc::clone(&slot);
        let other = thread::spawn(move || theirs.take(2));
        slot.put(1, 1);
        slot.filled.notify_one();
        other.join().unwrap();
        assert_eq!(slot.filled.waiters.load(Relaxed), 0);
    });
}

#[test]
fn a_condition_wakes_all() {
    model::explore(&Explore::named("shared Condition: all").preemptions(2).floor(20), || {
        let slot = Arc::new(Slot::default());
        let others = [2, 3].map(|me| {
            let theirs = Arc::clone(&slot);
            thread::spawn(move || theirs.take(me))
        });
        slot.put(1, 2);
        slot.filled.notify_all();
        for other in others {
            other.join().unwrap();
        }
    });
}

#[test]
fn a_barrier_lets_all_through_twice_and_shows_all() {
    model::explore(&Explore::named("shared Barrier: two, twice").preemptions(2).floor(70), || {
        let shared = Arc::new((Barrier::new(2), [Plain::default(), Plain::default()]));
        let meet = |(barrier, values): &(Barrier, [Plain; 2]), me: usize| {
            values[me].set(1);
            let first = barrier.wait_at(None, |_| ()).unwrap();
            assert_eq!(values[1 - me].get(), 1);
            let second = barrier.wait_at(None, |_| ()).unwrap();
            values[1 - me].set(2);
            [first, second].map(u32::from)
        };
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || meet(&theirs, 0));
        let mine = meet(&shared, 1);
        let other = other.join().unwrap();
        assert_eq!([mine[0] + other[0], mine[1] + other[1]], [1, 1], "one of each round is the last");
    });
}

/// Either all get through or nobody, whenever the limit of one runs out.
#[test]
fn a_barrier_breaks_for_all_or_for_none() {
    model::explore(&Explore::named("shared Barrier: limit").preemptions(2).floor(15), || {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        let other = thread::spawn(move || theirs.wait(LIMIT));
        let mine = barrier.wait_at(None, |_| ());
        let other = other.join().unwrap();
        assert_eq!(mine.is_ok(), other.is_ok(), "{mine:?} {other:?}");
        assert_eq!(barrier.is_broken(), mine.is_err());
    });
}

/// Two of three wait; when one of them gives up, the other is told, though it would have waited for ever.
#[test]
fn a_barrier_that_breaks_wakes_who_waits() {
    model::explore(&Explore::named("shared Barrier: breaks").preemptions(2).floor(35), || {
        let barrier = Arc::new(Barrier::new(3));
        let theirs = Arc::clone(&barrier);
        let patient = thread::spawn(move || theirs.wait_at(None, |_| ()));
        // Nobody else will come. (A checker lets any limit run out, at any moment.)
        assert_eq!(barrier.wait(Duration::from_millis(1)), Err(Broken));
        assert_eq!(patient.join().unwrap(), Err(Broken));
    });
}

#[test]
fn a_reset_sends_home_who_waits() {
    model::explore(&Explore::named("shared Barrier: reset").floor(10), || {
        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        let other = thread::spawn(move || theirs.wait_at(None, |_| ()));
        while barrier.state.load(Relaxed) == 0 {
            thread::yield_now();
        }
        barrier.reset();
        assert_eq!(other.join().unwrap(), Err(Broken));
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "sync_model/twins.rs"]
mod twins;
