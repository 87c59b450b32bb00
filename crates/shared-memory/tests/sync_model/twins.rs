//! Each primitive once more with one thing wrong: the checker must find it.

use super::*;
use model::{
    futex::{wait_shared, wake_shared},
    sync::atomic::{
        AtomicU32,
        Ordering::{self, AcqRel, Acquire, Release},
    },
};
use testkit::must_find;

const SLEEPERS: u32 = 1 << 31;

fn find(name: &'static str, expected: &str, body: impl Fn() + Send + Sync + 'static) {
    must_find(name, expected, || drop(model::explore(&Explore::named(name).preemptions(2), body)));
}

/// Two acquire, one releases twice. `marks`: who has slept takes with the mark; `passes`: and wakes the next if permits are left.
fn semaphore(marks: bool, passes: bool, [acquire, release]: [Ordering; 2]) {
    let shared = Arc::new((AtomicU32::new(0), Plain::default()));
    let take = move |(state, value): &(AtomicU32, Plain)| {
        let mut mark = 0;
        loop {
            let now = state.load(Relaxed);
            let permits = now & !SLEEPERS;
            if permits > 0 {
                if state.compare_exchange(now, (now - 1) | mark, acquire, Relaxed).is_ok() {
                    if mark != 0 && permits > 1 && passes {
                        wake_shared(state, 1);
                    }
                    assert_eq!(value.get(), 7, "not seen");
                    return;
                }
                continue;
            }
            if now == 0 && state.compare_exchange(0, SLEEPERS, Relaxed, Relaxed).is_err() {
                continue;
            }
            mark = if marks { SLEEPERS } else { 0 };
            wait_shared(state, SLEEPERS, None);
        }
    };
    let others = [(); 2].map(|()| {
        let theirs = Arc::clone(&shared);
        thread::spawn(move || take(&theirs))
    });
    let (state, value) = &*shared;
    value.set(7);
    for _ in 0..2 {
        let mut now = state.load(Relaxed);
        while let Err(newer) = state.compare_exchange(now, (now & !SLEEPERS) + 1, release, Relaxed) {
            now = newer;
        }
        if now & SLEEPERS != 0 {
            wake_shared(state, 1);
        }
    }
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn a_semaphore_that_forgets() {
    model::explore(&Explore::named("shared Semaphore: twin").preemptions(2).floor(700), || {
        semaphore(true, true, [Acquire, Release]);
    });
    find("shared Semaphore: the woken forgets the others", "deadlock", || {
        semaphore(false, true, [Acquire, Release]);
    });
    find("shared Semaphore: the woken keeps the second permit to itself", "deadlock", || {
        semaphore(true, false, [Acquire, Release]);
    });
}

/// One sets, one waits, both with a broken half.
fn event(wakes: bool, compares: bool, [acquire, release]: [Ordering; 2]) {
    let shared = Arc::new((AtomicU32::new(0), Plain::default()));
    let theirs = Arc::clone(&shared);
    let waits = thread::spawn(move || {
        let (state, value) = &*theirs;
        while state.load(acquire) != 1 {
            let _ = state.compare_exchange(0, 2, Relaxed, Relaxed);
            let expected = if compares { 2 } else { state.load(Relaxed) };
            wait_shared(state, expected, None);
        }
        assert_eq!(value.get(), 7, "not seen");
    });
    let (state, value) = &*shared;
    value.set(7);
    if state.swap(1, release) == 2 && wakes {
        wake_shared(state, u32::MAX);
    }
    waits.join().unwrap();
}

#[test]
fn an_event_that_does_not_wake() {
    model::explore(&Explore::named("shared Event: twin").floor(5), || event(true, true, [Acquire, Release]));
    find("shared Event: no wake", "deadlock", || event(false, true, [Acquire, Release]));
    find("shared Event: sleeps whatever the word is", "deadlock", || event(true, false, [Acquire, Release]));
}

/// A waiter that reads the number after it has given the mutex back, or is not counted in time.
fn condition(reads_late: bool, counts_late: bool) {
    let shared = Arc::new((Slot::default(), AtomicU32::new(0)));
    let theirs = Arc::clone(&shared);
    let waits = thread::spawn(move || {
        let (slot, me) = (&theirs.0, Holder::new(2, 7));
        slot.lock.lock(me, &Immortal).unwrap();
        while slot.value.get() == 0 {
            let Condition { sequence, waiters } = &slot.filled;
            if !counts_late {
                waiters.fetch_add(1, Relaxed);
            }
            let mut seen = sequence.load(Relaxed);
            slot.lock.unlock(&Immortal);
            if reads_late {
                seen = sequence.load(Relaxed);
            }
            if counts_late {
                waiters.fetch_add(1, Relaxed);
            }
            wait_shared(sequence, seen, None);
            waiters.fetch_sub(1, Relaxed);
            slot.lock.lock(me, &Immortal).unwrap();
        }
        slot.lock.unlock(&Immortal);
    });
    shared.0.put(1, 1);
    shared.0.filled.notify_one();
    waits.join().unwrap();
}

#[test]
fn a_condition_that_looks_too_late() {
    model::explore(&Explore::named("shared Condition: twin").floor(8), || {
        condition(false, false);
    });
    find("shared Condition: reads the number after the unlock", "deadlock", || condition(true, false));
    find("shared Condition: is counted after the unlock", "deadlock", || condition(false, true));
}

/// Two meet. `come` is the ordering of the exchange that counts, `look` that of those who wait.
fn barrier(wakes: bool, come: Ordering, look: Ordering) {
    let shared = Arc::new((AtomicU32::new(0), [Plain::default(), Plain::default()]));
    let meet = move |(state, values): &(AtomicU32, [Plain; 2]), me: usize| {
        values[me].set(1);
        if state.fetch_add(1, come) == 1 {
            if wakes {
                wake_shared(state, u32::MAX);
            }
        } else {
            while state.load(look) < 2 {
                wait_shared(state, 1, None);
            }
        }
        assert_eq!(values[1 - me].get(), 1, "not seen");
    };
    let theirs = Arc::clone(&shared);
    let other = thread::spawn(move || meet(&theirs, 0));
    meet(&shared, 1);
    other.join().unwrap();
}

#[test]
fn a_barrier_that_does_not_wake() {
    model::explore(&Explore::named("shared Barrier: twin").floor(18), || barrier(true, AcqRel, Acquire));
    find("shared Barrier: no wake", "deadlock", || barrier(false, AcqRel, Acquire));
}

#[cfg(feature = "loom")]
#[test]
fn each_ordering_is_needed() {
    let race = "Causality violation";
    find("shared Semaphore: acquire Relaxed", race, || semaphore(true, true, [Relaxed, Release]));
    find("shared Semaphore: release Relaxed", race, || semaphore(true, true, [Acquire, Relaxed]));
    find("shared Event: wait Relaxed", race, || event(true, true, [Relaxed, Release]));
    find("shared Event: set Relaxed", race, || event(true, true, [Acquire, Relaxed]));
    find("shared Barrier: come Release", race, || barrier(true, Release, Acquire));
    find("shared Barrier: come Acquire", race, || barrier(true, Acquire, Acquire));
    find("shared Barrier: look Relaxed", race, || barrier(true, AcqRel, Relaxed));
}
