//! Locks the payer's account, then the payee's: **deadlocks** when money goes in a circle. For the lesson only.
//!
//! It is what everybody writes first, and it is right on any test with one client. The locks are the detector's, so what
//! would be a silence is [`Refused::Deadlock`] with a report. The bank stays right even then: the one who is refused has
//! moved nothing and gives its lock back, so the others go on. That makes it the twin of a database that picks a victim and
//! rolls it back; the client may try again.

use super::{Bank, Refused, Transfer, Work, check, count, withdraw};
use crate::detector::{Detector, LockError, Mutex, MutexGuard};

/// A bank whose clients wait for each other.
pub struct Naive<F> {
    accounts: Vec<Mutex<u64>>,
    work: Work,
    between: F,
}

impl<F: Fn() + Send + Sync> Naive<F> {
    /// Opens it with these balances; each transfer includes so much `work`, and calls `between` when it has the first
    /// lock and not yet the second: there a lesson can hold it up.
    ///
    /// # Errors
    /// [`Refused::TooMuch`].
    pub fn new(detector: &Detector, opening: &[u64], work: Work, between: F) -> Result<Self, Refused> {
        count(opening)?;
        let account =
            |(number, balance): (usize, &u64)| detector.mutex(format!("account {number}"), *balance);
        Ok(Self { accounts: opening.iter().enumerate().map(account).collect(), work, between })
    }
}

fn refused(error: LockError<MutexGuard<'_, u64>>) -> Refused {
    error.report().map_or(Refused::Disorder, |report| Refused::Deadlock(report.clone()))
}

// ANCHOR: naive
impl<F: Fn() + Send + Sync> Bank for Naive<F> {
    fn transfer(&self, order: Transfer) -> Result<(), Refused> {
        check(order, self.accounts.len())?;
        let mut from = self.accounts[order.from].lock().map_err(refused)?;
        (self.between)();
        let mut to = self.accounts[order.to].lock().map_err(refused)?;
        withdraw(&mut from, order, self.work)?;
        *to += order.amount;
        Ok(())
    }
    // ANCHOR_END: naive

    fn balances(&self) -> Result<Vec<u64>, Refused> {
        self.accounts.iter().map(|account| Ok(*account.lock().map_err(refused)?)).collect()
    }
}
