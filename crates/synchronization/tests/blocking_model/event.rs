//! Whoever waits when an event is set goes on, even if it is cleared at once.

use model::{Explore, sync::Arc, time};
use synchronization::Event;

use crate::{HOUR, until, with};

#[test]
fn a_set_is_not_missed() {
    model::explore(&Explore::named("event: set against wait").floor(100), || {
        let event = Arc::new(Event::new());
        let waiters = [(); 2].map(|()| with(&event, Event::wait));
        event.set();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert_eq!((event.is_set(), event.waiting()), (true, 0));
    });
}

#[test]
fn set_and_clear_free_all_who_wait() {
    let plan = Explore::named("event: set, then clear").preemptions(2).floor(330);
    model::explore(&plan, || {
        let event = Arc::new(Event::new());
        let waiters = [(); 2].map(|()| with(&event, Event::wait));
        until(|| event.waiting() == 2);
        event.set();
        event.clear();
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
        assert!(!event.is_set());
    });
}

#[test]
fn an_event_set_in_time_was_set() {
    model::explore(&Explore::named("event: set, then time runs out").floor(3), || {
        let event = Arc::new(Event::new());
        let waiter = with(&event, |event| event.wait_timeout(HOUR));
        event.set();
        time::pass();
        assert!(waiter.join().unwrap());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::{
        sync::{Condvar, Mutex},
        time::Deadline,
    };
    use testkit::must_find;

    use super::*;

    #[derive(Default)]
    struct Flag {
        /// The flag, and how many wait.
        state: Mutex<(bool, usize)>,
        was_set: Condvar,
    }

    impl Flag {
        fn put(&self, to: bool) {
            self.state.lock().unwrap().0 = to;
            self.was_set.notify_all();
        }

        fn waiting(&self) -> usize {
            self.state.lock().unwrap().1
        }

        /// Waits for the flag, where it should wait for the *setting* of the flag.
        fn wait(&self) {
            let mut state = self.state.lock().unwrap();
            state.1 += 1;
            drop(self.was_set.wait_while(state, |(set, _)| !*set).unwrap());
        }

        /// Looks outside of the lock under which it goes to sleep.
        fn look_then_wait(&self) {
            let set = self.state.lock().unwrap().0;
            if !set {
                drop(self.was_set.wait(self.state.lock().unwrap()).unwrap());
            }
        }

        /// Says that time is up without a last look.
        fn wait_or_leave(&self) -> bool {
            let mut state = self.state.lock().unwrap();
            while !state.0 {
                let late;
                (state, late) = Deadline::after(HOUR).wait(&self.was_set, state);
                if late {
                    return false;
                }
            }
            true
        }
    }

    #[test]
    fn without_an_epoch_a_set_that_is_cleared_at_once_is_missed() {
        must_find("event: no epoch", "deadlock", || {
            model::explore(&Explore::named("event: no epoch"), || {
                let flag = Arc::new(Flag::default());
                let waiter = with(&flag, Flag::wait);
                until(|| flag.waiting() == 1);
                flag.put(true);
                flag.put(false);
                waiter.join().unwrap();
            });
        });
    }

    #[test]
    fn a_look_outside_the_lock_misses_the_set() {
        must_find("event: look outside the lock", "deadlock", || {
            model::explore(&Explore::named("event: look outside the lock"), || {
                let flag = Arc::new(Flag::default());
                let waiter = with(&flag, Flag::look_then_wait);
                flag.put(true);
                waiter.join().unwrap();
            });
        });
    }

    #[test]
    fn set_in_time_and_reported_as_late() {
        must_find("event: no look after the end of time", "it was set", || {
            model::explore(&Explore::named("event: no look after the end of time"), || {
                let flag = Arc::new(Flag::default());
                let waiter = with(&flag, Flag::wait_or_leave);
                flag.put(true);
                time::pass();
                assert!(waiter.join().unwrap(), "it was set before time ran out");
            });
        });
    }
}
