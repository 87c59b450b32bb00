//! One lock around all accounts: cannot deadlock, as nobody waits for a lock while holding one; and one core at most works.
//!
//! The first of Coffman's conditions to be broken is *hold and wait*. Take this bank until it is measured to be too slow:
//! nothing is easier to keep right, and a snapshot of all balances is free.

use model::sync::{Mutex, MutexGuard};

use super::{Bank, Refused, Transfer, Work, check, count, withdraw};

/// A bank with one lock.
pub struct OneLock {
    accounts: Mutex<Vec<u64>>,
    work: Work,
}

impl OneLock {
    /// Opens it with these balances; each transfer includes so much `work`.
    ///
    /// # Errors
    /// [`Refused::TooMuch`].
    pub fn new(opening: &[u64], work: Work) -> Result<Self, Refused> {
        count(opening)?;
        Ok(Self { accounts: Mutex::new(opening.to_vec()), work })
    }

    fn lock(&self) -> Result<MutexGuard<'_, Vec<u64>>, Refused> {
        self.accounts.lock().map_err(|_| Refused::Disorder)
    }
}

impl Bank for OneLock {
    fn transfer(&self, order: Transfer) -> Result<(), Refused> {
        let mut accounts = self.lock()?;
        check(order, accounts.len())?;
        withdraw(&mut accounts[order.from], order, self.work)?;
        accounts[order.to] += order.amount;
        Ok(())
    }

    fn balances(&self) -> Result<Vec<u64>, Refused> {
        Ok(self.lock()?.clone())
    }
}
