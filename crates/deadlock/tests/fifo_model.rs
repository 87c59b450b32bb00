//! The FIFO lock under all schedules: it excludes, serves in the order of coming, and wakes whoever is next.

use std::sync::Arc;

use deadlock::fifo::FifoLock;
use model::{Explore, cell::UnsafeCell, thread};

/// What only the one inside may touch. loom watches it.
#[derive(Default)]
struct Inside(UnsafeCell<Vec<usize>>);

// SAFETY: it is touched under the lock only; that this is so is what is checked.
unsafe impl Sync for Inside {}

impl Inside {
    fn enter(&self, who: usize) {
        // SAFETY: as above.
        self.0.with_mut(|seen| unsafe { (*seen).push(who) });
    }

    fn seen(&self) -> Vec<usize> {
        // SAFETY: as above.
        self.0.with(|seen| unsafe { (*seen).clone() })
    }
}

#[test]
fn it_excludes_and_nobody_sleeps_on() {
    model::explore(&Explore::named("fifo lock: 3 threads").floor(100), || {
        let shared = Arc::new((FifoLock::default(), Inside::default()));
        let others = [1, 2].map(|who| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let _turn = shared.0.lock();
                shared.1.enter(who);
            })
        });
        {
            let _turn = shared.0.lock();
            shared.1.enter(0);
        }
        others.into_iter().for_each(|other| other.join().unwrap());
        let _turn = shared.0.lock();
        assert_eq!(shared.1.seen().len(), 3);
    });
}

/// One waits in line; whoever comes later, even the one who has just had it, comes after.
#[test]
fn who_waits_is_not_overtaken() {
    model::explore(&Explore::named("fifo lock: no overtaking").exhaustive().small().floor(5), || {
        let shared = Arc::new((FifoLock::default(), Inside::default()));
        let held = shared.0.lock();
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            let _turn = theirs.0.lock();
            theirs.1.enter(1);
        });
        let waits = shared.0.waiting() == 1;
        drop(held);
        let turn = shared.0.lock();
        assert!(!waits || shared.1.seen() == [1], "overtaken");
        drop(turn);
        other.join().unwrap();
        assert_eq!(shared.0.waiting(), 0);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use std::collections::VecDeque;

    use super::*;
    use model::sync::{Condvar, Mutex};
    use testkit::must_find;

    /// All sleep in one bed, and one of them is woken: perhaps not the next.
    #[cfg(not(feature = "loom"))] // whose condition variables always wake the one that has slept longest
    #[test]
    fn one_bed_and_one_notice() {
        let locked = |lock: &(Mutex<(u64, u64)>, Condvar)| {
            let mut line = lock.0.lock().unwrap();
            let mine = line.1;
            line.1 += 1;
            drop(lock.1.wait_while(line, |line| line.0 != mine).unwrap());
            lock.0.lock().unwrap().0 += 1;
            lock.1.notify_one();
        };
        must_find("fifo lock: one condition variable, one notice", "deadlock", || {
            model::explore(&Explore::named("fifo lock: one bed"), move || {
                let lock = Arc::new((Mutex::new((0, 0)), Condvar::new()));
                let others = [1, 2].map(|_| {
                    let lock = Arc::clone(&lock);
                    thread::spawn(move || locked(&lock))
                });
                locked(&lock);
                others.into_iter().for_each(|other| other.join().unwrap());
            });
        });
    }

    #[derive(Default)]
    struct Line {
        serving: u64,
        next: u64,
        asleep: VecDeque<Arc<Condvar>>,
    }

    /// Looks who is next, and calls the number later: whoever lies down in between is not woken.
    #[test]
    fn looks_and_calls_in_two_steps() {
        let locked = |lock: &Mutex<Line>| {
            let mut line = lock.lock().unwrap();
            let mine = line.next;
            line.next += 1;
            if line.serving != mine {
                let bed = Arc::new(Condvar::new());
                line.asleep.push_back(Arc::clone(&bed));
                line = bed.wait_while(line, |line| line.serving != mine).unwrap();
            }
            drop(line);
            let next = lock.lock().unwrap().asleep.pop_front();
            lock.lock().unwrap().serving += 1;
            if let Some(next) = next {
                next.notify_one();
            }
        };
        must_find("fifo lock: looks and calls in two steps", "deadlock", || {
            model::explore(&Explore::named("fifo lock: two steps"), move || {
                let lock = Arc::new(Mutex::new(Line::default()));
                let theirs = Arc::clone(&lock);
                let other = thread::spawn(move || locked(&theirs));
                locked(&lock);
                other.join().unwrap();
            });
        });
    }

    /// Whether it is held and how many wait; where they sleep; who was inside.
    type Unfair = (Mutex<(bool, usize)>, Condvar, Mutex<Vec<usize>>);

    /// Whoever runs takes it, as with an unfair lock.
    #[test]
    fn without_a_line() {
        must_find("fifo lock: no line", "overtaken", || {
            model::explore(&Explore::named("fifo lock: no line"), || {
                let shared = Arc::new((Mutex::new((false, 0)), Condvar::new(), Mutex::new(Vec::new())));
                let lock = |shared: &Unfair| {
                    let mut state = shared.0.lock().unwrap();
                    state.1 += 1;
                    let mut state = shared.1.wait_while(state, |state| state.0).unwrap();
                    *state = (true, state.1 - 1);
                };
                let unlock = |shared: &Unfair| {
                    shared.0.lock().unwrap().0 = false;
                    shared.1.notify_one();
                };
                lock(&shared);
                let theirs = Arc::clone(&shared);
                let other = thread::spawn(move || {
                    lock(&theirs);
                    theirs.2.lock().unwrap().push(1);
                    unlock(&theirs);
                });
                let waits = shared.0.lock().unwrap().1 == 1;
                unlock(&shared);
                lock(&shared);
                let seen = shared.2.lock().unwrap().clone();
                assert!(!waits || seen == [1], "overtaken");
                unlock(&shared);
                other.join().unwrap();
            });
        });
    }
}
