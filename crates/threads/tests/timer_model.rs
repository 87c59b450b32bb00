//! Timer, latch and register under every schedule that the checker tries; each with a broken twin it must
//! find.
//!
//! `cargo test -p threads --features loom --test timer_model`, or `shuttle`. Without either each model runs
//! once, and the twins are left out: a plain run does not find them.

use std::time::Duration;

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use threads::{
    join,
    registry::{Kind, Registry},
    timer::{ManualClock, Timer},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn cancel_or_fire_exactly_one_wins() {
    model::explore(&Explore::named("timer: cancel against fire").floor(230), || {
        let clock = ManualClock::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let task = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let timer = Timer::after_on(&clock, SECOND, task).unwrap();
        let mover = thread::spawn(move || clock.advance(SECOND));
        let cancelled = timer.cancel();
        // That this returns in every schedule also says that the wake-up of `cancel` cannot be lost.
        timer.join().unwrap();
        assert_eq!(runs.load(Ordering::Relaxed) + usize::from(cancelled), 1, "exactly one wins");
        mover.join().unwrap();
    });
}

#[test]
fn no_jump_of_the_clock_is_slept_through() {
    // Without a cancel, which would wake a timer that had missed the jump.
    model::explore(&Explore::named("timer: the clock jumps").floor(5), || {
        let clock = ManualClock::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let task = move || {
            counted.fetch_add(1, Ordering::Relaxed);
        };
        let timer = Timer::after_on(&clock, SECOND, task).unwrap();
        clock.advance(SECOND);
        timer.join().unwrap();
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_period_ends_with_its_cancellation() {
    model::explore(&Explore::named("timer: a period cancelled").floor(50), || {
        let clock = ManualClock::new();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let timer = Timer::every_on(&clock, SECOND, move |tick| {
            assert_eq!(tick.due.as_nanos() % SECOND.as_nanos(), 0);
            counted.fetch_add(1 + tick.missed as usize, Ordering::Relaxed);
        })
        .unwrap();
        clock.advance(SECOND);
        clock.advance(SECOND);
        assert!(timer.cancel());
        timer.join().unwrap();
        assert!(runs.load(Ordering::Relaxed) <= 2, "a turn ran twice");
    });
}

#[test]
fn a_latch_lets_every_joiner_pass() {
    model::explore(&Explore::named("join: two joiners").floor(230), || {
        let handle = join::spawn("worker", || 42).unwrap();
        let other = handle.clone();
        let joiner = thread::spawn(move || assert_eq!(other.join(), Ok(&42)));
        assert_eq!(handle.join(), Ok(&42));
        joiner.join().unwrap();
    });
}

#[test]
fn the_register_is_left_by_whoever_ends() {
    model::explore(&Explore::named("registry: wait for a thread's thread").floor(310), || {
        let threads = Registry::new();
        let ended = Arc::new(AtomicUsize::new(0));
        let (theirs, counted) = (threads.clone(), Arc::clone(&ended));
        threads
            .spawn("parent", Kind::Joined, move || {
                let also = Arc::clone(&counted);
                let child = move || {
                    also.fetch_add(1, Ordering::Relaxed);
                };
                theirs.spawn("child", Kind::Joined, child).unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
            })
            .unwrap();
        threads.join_all();
        assert_eq!(ended.load(Ordering::Relaxed), 2);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use super::*;
    use model::sync::{Condvar, Mutex, MutexGuard};
    use testkit::must_find;
    use threads::timer::Clock;

    /// A timer whose `cancel` looks and acts under two locks.
    struct CheckThenAct {
        /// Whether the task has begun, and whether it was cancelled.
        state: Arc<Mutex<(bool, bool)>>,
    }

    impl CheckThenAct {
        fn fire(&self) -> bool {
            let mut state = self.state.lock().unwrap();
            state.0 = !state.1;
            state.0
        }

        fn cancel(&self) -> bool {
            let fired = self.state.lock().unwrap().0;
            // Here it may fire.
            if !fired {
                self.state.lock().unwrap().1 = true;
            }
            !fired
        }
    }

    #[test]
    fn both_win_where_cancel_looks_and_acts_under_two_locks() {
        must_find("timer: cancel is check-then-act", "exactly one wins", || {
            model::explore(&Explore::named("timer: cancel is check-then-act"), || {
                let timer = CheckThenAct { state: Arc::default() };
                let theirs = CheckThenAct { state: Arc::clone(&timer.state) };
                let firing = thread::spawn(move || theirs.fire());
                let cancelled = timer.cancel();
                let fired = firing.join().unwrap();
                assert!(fired != cancelled, "exactly one wins");
            });
        });
    }

    /// Wakes whoever has been added.
    type Wake = Box<dyn Fn() + Send>;

    /// A clock that wakes the sleepers first and moves on afterwards: they look, see nothing new, and sleep
    /// on.
    #[derive(Clone, Default)]
    struct WakesTooEarly {
        now: Arc<Mutex<Duration>>,
        wakes: Arc<Mutex<Vec<Wake>>>,
    }

    impl WakesTooEarly {
        fn advance(&self, step: Duration) {
            for wake in &*self.wakes.lock().unwrap() {
                wake();
            }
            *self.now.lock().unwrap() += step;
        }
    }

    impl Clock for WakesTooEarly {
        fn now(&self) -> Duration {
            *self.now.lock().unwrap()
        }

        fn sleep<'a, T>(
            &self,
            changed: &Condvar,
            guard: MutexGuard<'a, T>,
            _: Duration,
        ) -> MutexGuard<'a, T> {
            changed.wait(guard).unwrap()
        }

        fn on_jump(&self, wake: Box<dyn Fn() + Send>) {
            self.wakes.lock().unwrap().push(wake);
        }
    }

    #[test]
    fn a_wake_up_is_lost_where_the_clock_moves_after_it() {
        must_find("timer: wakes before the clock moves", "deadlock", || {
            model::explore(&Explore::named("timer: wakes before the clock moves"), || {
                let clock = WakesTooEarly::default();
                let timer = Timer::after_on(&clock, SECOND, || ()).unwrap();
                clock.advance(SECOND);
                timer.join().unwrap();
            });
        });
    }

    /// A latch that is opened without its lock: between a joiner's look and its sleep, the wake-up is lost.
    #[derive(Default)]
    struct OpenedWithoutLock {
        open: AtomicUsize,
        lock: Mutex<()>,
        opened: Condvar,
    }

    #[test]
    fn a_joiner_sleeps_for_ever_where_the_latch_opens_without_its_lock() {
        must_find("join: latch opened without its lock", "deadlock", || {
            model::explore(&Explore::named("join: latch opened without its lock"), || {
                let latch = Arc::new(OpenedWithoutLock::default());
                let theirs = Arc::clone(&latch);
                let worker = thread::spawn(move || {
                    theirs.open.store(1, Ordering::Release);
                    theirs.opened.notify_all();
                });
                let closed = |_: &mut ()| latch.open.load(Ordering::Acquire) == 0;
                drop(latch.opened.wait_while(latch.lock.lock().unwrap(), closed).unwrap());
                worker.join().unwrap();
            });
        });
    }

    #[test]
    fn a_guard_misses_threads_that_enter_the_register_themselves() {
        must_find("registry: a thread enters itself", "ended before main", || {
            model::explore(&Explore::named("registry: a thread enters itself"), || {
                let alive = Arc::new((Mutex::new(0), Condvar::new()));
                let theirs = Arc::clone(&alive);
                let ended = Arc::new(AtomicUsize::new(0));
                let counted = Arc::clone(&ended);
                let thread = thread::spawn(move || {
                    *theirs.0.lock().unwrap() += 1;
                    counted.store(1, Ordering::Relaxed);
                    *theirs.0.lock().unwrap() -= 1;
                    theirs.1.notify_all();
                });
                drop(alive.1.wait_while(alive.0.lock().unwrap(), |alive| *alive > 0).unwrap());
                assert_eq!(ended.load(Ordering::Relaxed), 1, "ended before main");
                thread.join().unwrap();
            });
        });
    }
}
