//! A notification reaches exactly those who waited for it, first come first, whatever else happens at that moment.

use model::{Explore, sync::Arc, time};
use synchronization::Condition;

use crate::{HOUR, HURRY, until, with};

/// Waits until `number` threads have said, under the lock, that they are about to wait.
fn until_waiting(condition: &Condition<usize>, number: usize) {
    until(|| *condition.lock() == number);
}

#[test]
fn first_come_first_woken() {
    model::explore(
        &Explore::named("condition: two wait, one notification each").preemptions(2).floor(18),
        || {
            let condition = Arc::new(Condition::new(Vec::new()));
            let wait = |name: u8| {
                move |condition: &Condition<Vec<u8>>| {
                    let mut woken = condition.lock();
                    woken.wait();
                    woken.push(name);
                }
            };
            let first = with(&condition, wait(1));
            until(|| condition.lock().waiting() == 1);
            let second = with(&condition, wait(2));
            until(|| condition.lock().waiting() == 2);
            condition.lock().notify(1);
            first.join().unwrap();
            assert_eq!(*condition.lock(), [1], "woken out of turn");
            condition.lock().notify_all();
            second.join().unwrap();
            assert_eq!(*condition.lock(), [1, 2]);
        },
    );
}

#[test]
fn one_who_comes_later_does_not_take_the_notification() {
    let plan = Explore::named("condition: one comes after the notification").preemptions(2).floor(40);
    model::explore(&plan, || {
        let condition = Arc::new(Condition::new(0));
        let early = with(&condition, |condition| {
            let mut arrived = condition.lock();
            *arrived += 1;
            arrived.wait();
        });
        until_waiting(&condition, 1);
        condition.lock().notify(1);
        let later = with(&condition, |condition| condition.lock().wait_timeout(HURRY));
        early.join().unwrap();
        time::pass();
        assert!(!later.join().unwrap(), "notified before it came");
        assert_eq!(condition.lock().waiting(), 0);
    });
}

#[test]
fn one_whose_time_is_up_takes_no_notification_along() {
    let plan = Explore::named("condition: time runs out against a notification").preemptions(2).floor(200);
    model::explore(&plan, || {
        let condition = Arc::new(Condition::new(0));
        let hurried = with(&condition, |condition| {
            let mut arrived = condition.lock();
            *arrived += 1;
            arrived.wait_timeout(HURRY)
        });
        until_waiting(&condition, 1);
        let patient = with(&condition, |condition| {
            let mut arrived = condition.lock();
            *arrived += 1;
            arrived.wait();
        });
        until_waiting(&condition, 2);
        let clock = model::thread::spawn(time::pass);
        condition.lock().notify(1);
        if hurried.join().unwrap() {
            condition.lock().notify(1);
        }
        patient.join().unwrap();
        clock.join().unwrap();
    });
}

#[test]
fn what_comes_true_in_time_is_seen() {
    model::explore(&Explore::named("condition: true, then time runs out").floor(5), || {
        let condition = Arc::new(Condition::new(0));
        let waiter =
            with(&condition, |condition| condition.lock().wait_for_timeout(|value| *value == 1, HOUR));
        let mut value = condition.lock();
        *value = 1;
        value.notify(1);
        drop(value);
        time::pass();
        assert!(waiter.join().unwrap());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::{Condvar, Mutex};
    use testkit::must_find;

    use super::*;

    /// Counts notifications, and gives them to whoever is quickest.
    #[derive(Default)]
    struct Counted {
        /// Who came, and how many notifications there are.
        state: Mutex<(usize, usize)>,
        notified: Condvar,
    }

    impl Counted {
        fn wait(&self) {
            let mut state = self.state.lock().unwrap();
            state.0 += 1;
            self.notified.wait_while(state, |(_, notified)| *notified == 0).unwrap().1 -= 1;
        }

        fn notify(&self, n: usize) {
            self.state.lock().unwrap().1 += n;
            self.notified.notify_all();
        }
    }

    #[test]
    fn without_tickets_one_who_comes_later_takes_the_notification() {
        must_find("condition: a count and no tickets", "who waited still waits", || {
            model::explore(&Explore::named("condition: a count and no tickets"), || {
                let condition = Arc::new(Counted::default());
                let woken = Arc::new(Mutex::new(Vec::new()));
                let wait = |name: u8| {
                    let woken = Arc::clone(&woken);
                    move |condition: &Counted| {
                        condition.wait();
                        woken.lock().unwrap().push(name);
                    }
                };
                let early = with(&condition, wait(1));
                until(|| condition.state.lock().unwrap().0 == 1);
                condition.notify(1);
                let later = with(&condition, wait(2));
                until(|| !woken.lock().unwrap().is_empty());
                assert_eq!(*woken.lock().unwrap(), [1], "who waited still waits");
                condition.notify(1);
                early.join().unwrap();
                later.join().unwrap();
            });
        });
    }

    /// Tickets, but who leaves does not take its own out of the queue.
    #[derive(Default)]
    struct Forgetful {
        /// Tickets given out; tickets called.
        state: Mutex<(usize, usize)>,
        called: Condvar,
    }

    impl Forgetful {
        fn wait(&self, deadline: time::Deadline) -> bool {
            let mut state = self.state.lock().unwrap();
            let mine = state.0;
            state.0 += 1;
            deadline.wait_while(&self.called, state, |(_, called)| *called <= mine).1
        }

        fn notify_one(&self) {
            let mut state = self.state.lock().unwrap();
            state.1 = (state.1 + 1).min(state.0);
            self.called.notify_all();
        }
    }

    #[test]
    fn a_notification_for_one_who_has_left() {
        must_find("condition: the ticket of one who left", "deadlock", || {
            model::explore(&Explore::named("condition: the ticket of one who left"), || {
                let condition = Arc::new(Forgetful::default());
                let hurried = with(&condition, |condition| condition.wait(time::Deadline::after(HURRY)));
                until(|| condition.state.lock().unwrap().0 == 1);
                let patient = with(&condition, |condition| condition.wait(time::Deadline::never()));
                until(|| condition.state.lock().unwrap().0 == 2);
                let clock = model::thread::spawn(time::pass);
                condition.notify_one();
                if hurried.join().unwrap() {
                    condition.notify_one();
                }
                patient.join().unwrap();
                clock.join().unwrap();
            });
        });
    }
}
