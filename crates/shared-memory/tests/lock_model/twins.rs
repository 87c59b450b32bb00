//! The robust lock once more with one thing wrong: the checker must find it.

use super::*;
use model::{
    futex::{wait_shared, wake_shared},
    sync::atomic::{AtomicU64, Ordering},
};
use testkit::must_find;

const WAITERS: u64 = 1 << 63;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    /// The unlock wakes nobody.
    NoWake,
    /// A sleeper takes the lock as if nobody else slept.
    Forgets,
    /// The number of wake-ups is read after the look at the holder.
    LooksTooLate,
    /// Whoever sees a dead holder takes its lock, whoever holds it by then.
    TakesAnyway,
    /// The orderings of lock, unlock, and of the look at and the count of the wake-ups.
    Ordered([Ordering; 4]),
}

struct Twin {
    state: AtomicU64,
    wakes: AtomicU32,
    value: UnsafeCell<u32>,
    dead: AtomicU32,
    fault: Fault,
}

// SAFETY: as a lock, if it were one: loom tells where it is not.
unsafe impl Sync for Twin {}

impl Twin {
    fn new(fault: Fault) -> Arc<Self> {
        let (state, wakes, dead) = (AtomicU64::new(0), AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self { state, wakes, value: UnsafeCell::new(0), dead, fault })
    }

    fn orderings(&self) -> [Ordering; 4] {
        if let Fault::Ordered(orderings) = self.fault {
            orderings
        } else {
            [Acquire, Release, Acquire, Release]
        }
    }

    /// The same steps as in `RawLock`.
    fn lock(&self, me: u64, looks: bool) {
        let [acquire, _, look, _] = self.orderings();
        let take = |mark| self.state.compare_exchange(0, me | mark, acquire, Relaxed).is_ok();
        if take(0) {
            return;
        }
        let mut mark = 0;
        loop {
            let mut seen = self.wakes.load(look);
            let state = self.state.load(Relaxed);
            if state == 0 {
                if take(mark) {
                    return;
                }
                continue;
            }
            let marked = state | WAITERS;
            if state != marked && self.state.compare_exchange(state, marked, Relaxed, Relaxed).is_err() {
                continue;
            }
            if self.fault == Fault::LooksTooLate {
                seen = self.wakes.load(look);
            }
            mark = if self.fault == Fault::Forgets { 0 } else { WAITERS };
            // As in the model of the lock: only who waits for the dead one looks.
            let looks = looks && self.state.load(Relaxed) & !WAITERS == u64::from(self.dead.load(Relaxed));
            wait_shared(&self.wakes, seen, looks.then_some(Duration::from_millis(10)));
            if u64::from(self.dead.load(Acquire)) == state & !WAITERS {
                if self.fault == Fault::TakesAnyway {
                    self.state.store(me | mark, Relaxed);
                    return;
                }
                if self.state.compare_exchange(marked, me | mark, Relaxed, Relaxed).is_ok() {
                    return;
                }
            }
        }
    }

    fn unlock(&self) {
        let [_, release, _, count] = self.orderings();
        if self.state.swap(0, release) & WAITERS != 0 && self.fault != Fault::NoWake {
            self.wakes.fetch_add(1, count);
            wake_shared(&self.wakes, 1);
        }
    }

    fn add(&self, me: u64, looks: bool) {
        self.lock(me, looks);
        // SAFETY: none, if the lock is broken; then the checker says so.
        let value = self.value.with(|value| unsafe { *value });
        thread::yield_now();
        // SAFETY: as above.
        self.value.with_mut(|slot| unsafe { *slot = value + 1 });
        self.unlock();
    }
}

fn two_twice(fault: Fault) {
    let twin = Twin::new(fault);
    let theirs = Arc::clone(&twin);
    let other = thread::spawn(move || {
        theirs.add(2, false);
        theirs.add(2, false);
    });
    twin.add(1, false);
    twin.add(1, false);
    other.join().unwrap();
    // SAFETY: all have ended.
    assert_eq!(twin.value.with(|value| unsafe { *value }), 4);
}

fn three(fault: Fault) {
    let twin = Twin::new(fault);
    let others = [2, 3].map(|me| {
        let theirs = Arc::clone(&twin);
        thread::spawn(move || theirs.add(me, false))
    });
    twin.add(1, false);
    for other in others {
        other.join().unwrap();
    }
    // SAFETY: all have ended.
    assert_eq!(twin.value.with(|value| unsafe { *value }), 3);
}

fn death(fault: Fault) {
    let twin = Twin::new(fault);
    twin.lock(4, false);
    twin.dead.store(4, Release);
    let theirs = Arc::clone(&twin);
    let other = thread::spawn(move || theirs.add(2, true));
    twin.add(1, true);
    other.join().unwrap();
    // SAFETY: all have ended.
    assert_eq!(twin.value.with(|value| unsafe { *value }), 2);
}

fn find(name: &'static str, expected: &str, body: fn(Fault), fault: Fault) {
    let plan = Explore::named(name).preemptions(2).branches(10_000);
    must_find(name, expected, || drop(model::explore(&plan, move || body(fault))));
}

/// Without a fault the twin is the lock: what is found below is the fault.
#[test]
fn the_twin_without_a_fault_is_right() {
    for body in [two_twice, three, death] {
        let none = Fault::Ordered([Acquire, Release, Acquire, Release]);
        model::explore(
            &Explore::named("robust lock: twin").preemptions(2).branches(10_000).floor(20),
            move || body(none),
        );
    }
}

#[test]
fn wake_ups_are_missed() {
    find("robust lock: no wake", "deadlock", two_twice, Fault::NoWake);
    find("robust lock: forgets sleepers", "deadlock", three, Fault::Forgets);
    find("robust lock: reads the number too late", "deadlock", two_twice, Fault::LooksTooLate);
}

#[test]
fn two_inherit() {
    let expected = if cfg!(feature = "loom") { "Causality violation" } else { "left == right" };
    find("robust lock: heirs do not compare", expected, death, Fault::TakesAnyway);
}

#[cfg(feature = "loom")]
#[test]
fn each_ordering_is_needed() {
    let race = "Causality violation";
    let ordered = |at: usize| {
        let mut orderings = [Acquire, Release, Acquire, Release];
        orderings[at] = Relaxed;
        Fault::Ordered(orderings)
    };
    find("robust lock: lock Relaxed", race, two_twice, ordered(0));
    find("robust lock: unlock Relaxed", race, two_twice, ordered(1));
    find("robust lock: look at the wake-ups Relaxed", "deadlock", two_twice, ordered(2));
    find("robust lock: count of the wake-ups Relaxed", "deadlock", two_twice, ordered(3));
}
