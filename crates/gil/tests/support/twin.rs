//! The lock's hand-over once more, small, with one mistake to choose: each must be found.

use std::sync::atomic::{AtomicBool as StdAtomicBool, AtomicU64 as StdAtomicU64, Ordering::SeqCst};

use model::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};

/// The mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "without a checker only the sound one is run")]
pub(crate) enum Flaw {
    None,
    /// `if` in the place of `while`: who is woken takes the lock, even if another was faster.
    LooksOnce,
    /// The next number is worked out when the wait begins.
    NumberReadEarly,
    /// Who gave way lets the mutex go, and then sleeps until notified, whatever has happened in between.
    SleepsUnlooked,
    /// Who drops the lock looks for waiters first, and lets the mutex go in between.
    WaitersSeenEarly,
}

struct State {
    locked: bool,
    switch_number: u64,
    waiting: usize,
}

struct Twin {
    flaw: Flaw,
    state: Mutex<State>,
    freed: Condvar,
    taken: Condvar,
    inside: StdAtomicBool,
    highest: StdAtomicU64,
}

impl Twin {
    fn take(&self, mut state: MutexGuard<'_, State>) {
        let early = state.switch_number + 1;
        while state.locked {
            state.waiting += 1;
            state = self.freed.wait(state).unwrap();
            state.waiting -= 1;
            if self.flaw == Flaw::LooksOnce {
                break;
            }
        }
        state.locked = true;
        state.switch_number =
            if self.flaw == Flaw::NumberReadEarly { early } else { state.switch_number + 1 };
        let number = state.switch_number;
        drop(state);
        self.taken.notify_all();
        assert!(number > self.highest.fetch_max(number, SeqCst), "the switch number went back");
    }

    fn release(&self) {
        let mut state = self.state.lock().unwrap();
        let waiting = state.waiting;
        if self.flaw == Flaw::WaitersSeenEarly {
            drop(state);
            state = self.state.lock().unwrap();
        }
        state.locked = false;
        drop(state);
        if waiting > 0 {
            self.freed.notify_one();
        }
    }

    fn give_way(&self) {
        let mut state = self.state.lock().unwrap();
        if state.waiting == 0 {
            return;
        }
        state.locked = false;
        self.freed.notify_one();
        if self.flaw == Flaw::SleepsUnlooked {
            drop(state);
            state = self.taken.wait(self.state.lock().unwrap()).unwrap();
        } else {
            let mine = state.switch_number;
            while state.switch_number == mine {
                state = self.taken.wait(state).unwrap();
            }
        }
        self.take(state);
    }

    fn work(&self) {
        self.take(self.state.lock().unwrap());
        self.alone();
        self.give_way();
        self.alone();
        self.release();
    }

    fn alone(&self) {
        assert!(!self.inside.swap(true, SeqCst), "two hold it");
        // A step at which the checker may let another go on.
        thread::yield_now();
        self.inside.store(false, SeqCst);
    }
}

/// Three threads take it, give way once, and drop it.
pub(crate) fn three_hand_it_over(flaw: Flaw) {
    let twin = Arc::new(Twin {
        flaw,
        state: Mutex::new(State { locked: false, switch_number: 0, waiting: 0 }),
        freed: Condvar::new(),
        taken: Condvar::new(),
        inside: StdAtomicBool::new(false),
        highest: StdAtomicU64::new(0),
    });
    let others: Vec<_> = (0..2)
        .map(|_| {
            let theirs = Arc::clone(&twin);
            thread::spawn(move || theirs.work())
        })
        .collect();
    twin.work();
    for other in others {
        other.join().unwrap();
    }
}
