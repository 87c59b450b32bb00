//! Time runs out while a wake-up is on its way: explored, and found where the wake-up is lost.

#[cfg(any(feature = "loom", feature = "shuttle"))]
use std::sync::PoisonError;
use std::time::Duration;

use model::{
    Explore,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{self, Deadline},
};

/// Tickets that are handed out one at a time; who gets none in time goes without.
#[derive(Default)]
struct Desk {
    tickets: Mutex<u32>,
    added: Condvar,
}

impl Desk {
    fn add(&self) {
        *self.tickets.lock().unwrap() += 1;
        self.added.notify_one();
    }

    fn take(&self, deadline: Deadline) -> bool {
        let tickets = self.tickets.lock().unwrap();
        let (mut tickets, there) = deadline.wait_while(&self.added, tickets, |tickets| *tickets == 0);
        *tickets -= u32::from(there);
        there
    }

    /// Broken: late is late, it does not look again. The wake-up that it got is nobody's.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    fn take_without_a_last_look(&self, deadline: Deadline) -> bool {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        while *tickets == 0 {
            let passed;
            (tickets, passed) = deadline.wait(&self.added, tickets);
            if passed {
                return false;
            }
        }
        *tickets -= 1;
        true
    }
}

/// One in a hurry and one with patience; one ticket. If the first goes without, the second must get it.
fn one_ticket_for_two(take: fn(&Desk, Deadline) -> bool) {
    let desk = Arc::new(Desk::default());
    let (hurried, patient) = (Arc::clone(&desk), Arc::clone(&desk));
    let hurried = thread::spawn(move || take(&hurried, Deadline::after(Duration::from_millis(1))));
    let patient = thread::spawn(move || take(&patient, Deadline::never()));
    let clock = thread::spawn(time::pass);
    desk.add();
    if hurried.join().unwrap() {
        desk.add();
    }
    assert!(patient.join().unwrap());
    clock.join().unwrap();
    assert_eq!(*desk.tickets.lock().unwrap(), 0);
}

#[test]
fn the_last_look_loses_no_wake_up() {
    let plan = Explore::named("time runs out against a wake-up").preemptions(2).floor(1_000);
    model::explore(&plan, || one_ticket_for_two(Desk::take));
}

#[test]
fn zero_has_passed_and_centuries_never_pass() {
    model::explore(&Explore::named("limits of zero and of centuries").floor(2), || {
        let desk = Arc::new(Desk::default());
        assert!(!desk.take(Deadline::after(Duration::ZERO)));
        let theirs = Arc::clone(&desk);
        let patient = thread::spawn(move || theirs.take(Deadline::after(Duration::MAX)));
        time::pass();
        desk.add();
        assert!(patient.join().unwrap());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    #[test]
    fn without_a_last_look_a_wake_up_is_lost() {
        must_find("time: no look after the end of time", "deadlock", || {
            let plan = Explore::named("time: no look after the end of time").iterations(20_000);
            model::explore(&plan, || one_ticket_for_two(Desk::take_without_a_last_look));
        });
    }

    /// The clock wakes who sleeps: without `pass` this is the deadlock that it was before.
    #[test]
    fn nobody_times_out_unless_time_passes() {
        must_find("time: it stands still", "deadlock", || {
            model::explore(&Explore::named("time: it stands still"), || {
                Desk::default().take(Deadline::after(Duration::from_secs(1)));
            });
        });
    }
}
