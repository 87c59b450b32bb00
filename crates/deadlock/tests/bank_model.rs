//! The banks themselves under all schedules that loom finds within its bound, and under thousands of shuttle's; and the
//! naive order of locking, which must be found.
//!
//! `cargo test -p deadlock --features loom --test bank_model` (or `shuttle`); without a feature each model runs once.

use std::sync::Arc;

use deadlock::bank::{
    Bank, Refused, Transfer, Work, one_lock::OneLock, ordered::Ordered, owners::Owners, serve,
};
use model::Explore;

fn pay(from: usize, to: usize) -> Transfer {
    Transfer { from, to, amount: 5 }
}

/// Two clients that pay each other, or three in a circle; all end, and nothing is lost.
fn circle(bank: impl Bank + 'static, clients: usize) {
    let bank: Arc<dyn Bank> = Arc::new(bank);
    let orders: Vec<_> = (0..clients).map(|from| pay(from, (from + 1) % clients)).collect();
    let refused = serve(&bank, &orders, clients);
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(bank.balances().expect("nobody panicked"), vec![10; clients]);
}

#[test]
fn one_lock() {
    model::explore(&Explore::named("bank: one lock, 3 in a circle").floor(20), || {
        circle(OneLock::new(&[10; 3], Work::NONE).expect("little money"), 3);
    });
}

#[test]
fn ordered_two() {
    model::explore(&Explore::named("bank: ordered, 2 pay each other").exhaustive().small().floor(10), || {
        circle(Ordered::new(&[10; 2], Work::NONE).expect("little money"), 2);
    });
}

#[test]
fn ordered_three() {
    model::explore(&Explore::named("bank: ordered, 3 in a circle").floor(100), || {
        circle(Ordered::new(&[10; 3], Work::NONE).expect("little money"), 3);
    });
}

/// A snapshot in the middle sees no transfer half done.
#[test]
fn ordered_with_a_snapshot() {
    model::explore(&Explore::named("bank: ordered, a snapshot meanwhile").exhaustive().floor(5), || {
        let bank = Arc::new(Ordered::new(&[10; 2], Work::NONE).expect("little money"));
        let theirs = Arc::clone(&bank);
        let client = model::thread::spawn(move || (0..2).try_for_each(|_| theirs.transfer(pay(1, 0))));
        let seen = bank.balances().expect("nobody panicked");
        assert!([[10, 10], [15, 5], [20, 0]].iter().any(|whole| seen == whole), "{seen:?}");
        client.join().expect("it does not panic").expect("it has enough");
    });
}

/// Two owners, and as many clients as loom has threads left for.
#[test]
fn owners() {
    model::explore(&Explore::named("bank: 2 owners, 2 clients").preemptions(2).floor(100), || {
        circle(Owners::new(&[10; 2], 2, Work::NONE).expect("little money"), 2);
    });
}

/// The one who pays too much hears of it from the payer's owner; who pays enough from the payee's.
#[test]
fn owners_refuse() {
    model::explore(&Explore::named("bank: an owner refuses").preemptions(2).floor(50), || {
        let bank = Owners::new(&[4, 10], 2, Work::NONE).expect("little money");
        assert!(matches!(bank.transfer(pay(0, 1)), Err(Refused::TooLittle { account: 0, .. })));
        bank.transfer(pay(1, 0)).expect("it has enough");
        assert_eq!(bank.balances().expect("nobody panicked"), [9, 5]);
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use super::*;
    use model::sync::{Condvar, Mutex};
    use testkit::must_find;

    /// Payer first, in the checker's locks: the naive bank's own are the detector's.
    struct PayerFirst(Vec<Mutex<u64>>);

    impl Bank for PayerFirst {
        fn transfer(&self, order: Transfer) -> Result<(), Refused> {
            let mut from = self.0[order.from].lock().expect("nobody panicked");
            let mut to = self.0[order.to].lock().expect("nobody panicked");
            *from -= order.amount;
            *to += order.amount;
            Ok(())
        }

        fn balances(&self) -> Result<Vec<u64>, Refused> {
            Ok(self.0.iter().map(|balance| *balance.lock().expect("nobody panicked")).collect())
        }
    }

    #[test]
    fn payer_first() {
        must_find("bank: payer first, 3 in a circle", "deadlock", || {
            model::explore(&Explore::named("bank: payer first"), || {
                circle(PayerFirst((0..3).map(|_| Mutex::new(10)).collect()), 3);
            });
        });
    }

    /// Gives the first lock back before it takes the second, and looks in between.
    struct InTwoSteps(Vec<Mutex<u64>>);

    impl Bank for InTwoSteps {
        fn transfer(&self, order: Transfer) -> Result<(), Refused> {
            let from = *self.0[order.from].lock().expect("nobody panicked");
            *self.0[order.from].lock().expect("nobody panicked") = from - order.amount;
            *self.0[order.to].lock().expect("nobody panicked") += order.amount;
            Ok(())
        }

        fn balances(&self) -> Result<Vec<u64>, Refused> {
            Ok(self.0.iter().map(|balance| *balance.lock().expect("nobody panicked")).collect())
        }
    }

    #[test]
    fn in_two_steps() {
        must_find("bank: look and pay in two steps", "assertion", || {
            model::explore(&Explore::named("bank: in two steps"), || {
                circle(InTwoSteps((0..2).map(|_| Mutex::new(10)).collect()), 2);
            });
        });
    }

    /// Two owners whose mailboxes have room for one letter, and who wait for room.
    #[test]
    fn owners_with_bounded_mailboxes() {
        must_find("bank: owners with bounded mailboxes", "deadlock", || {
            model::explore(&Explore::named("bank: bounded mailboxes"), || {
                let mailboxes = Arc::new([0, 1].map(|_| (Mutex::new(Some(())), Condvar::new())));
                let owner = |me: usize| {
                    let mailboxes = Arc::clone(&mailboxes);
                    // Has a letter, and passes it on before it takes its own out.
                    move || {
                        let (place, changed) = &mailboxes[1 - me];
                        let place = place.lock().expect("nobody panicked");
                        let mut place =
                            changed.wait_while(place, |letter| letter.is_some()).expect("nobody panicked");
                        *place = Some(());
                        drop(place);
                        *mailboxes[me].0.lock().expect("nobody panicked") = None;
                        mailboxes[me].1.notify_one();
                    }
                };
                let other = model::thread::spawn(owner(0));
                owner(1)();
                other.join().expect("it does not panic");
            });
        });
    }
}
