//! A lock for each account, and of two always the lower number first: cannot deadlock, and transfers that share no account
//! run side by side.
//!
//! It breaks the fourth of Coffman's conditions, the *circular wait*: along a cycle the numbers of the accounts would have
//! to rise for ever. `tests/bank_model.rs` runs this file under all schedules.

use model::sync::{Mutex, MutexGuard};

use super::{Bank, Refused, Transfer, Work, check, count, withdraw};

/// A bank with a lock for each account.
pub struct Ordered {
    accounts: Vec<Mutex<u64>>,
    work: Work,
}

impl Ordered {
    /// Opens it with these balances; each transfer includes so much `work`.
    ///
    /// # Errors
    /// [`Refused::TooMuch`].
    pub fn new(opening: &[u64], work: Work) -> Result<Self, Refused> {
        count(opening)?;
        Ok(Self { accounts: opening.iter().map(|balance| Mutex::new(*balance)).collect(), work })
    }

    fn lock(&self, account: usize) -> Result<MutexGuard<'_, u64>, Refused> {
        self.accounts[account].lock().map_err(|_| Refused::Disorder)
    }
}

// ANCHOR: ordered
impl Bank for Ordered {
    fn transfer(&self, order: Transfer) -> Result<(), Refused> {
        check(order, self.accounts.len())?;
        let payer_first = order.from < order.to;
        let mut lower = self.lock(order.from.min(order.to))?;
        let mut higher = self.lock(order.from.max(order.to))?;
        let (from, to) = if payer_first { (&mut lower, &mut higher) } else { (&mut higher, &mut lower) };
        withdraw(from, order, self.work)?;
        **to += order.amount;
        Ok(())
    }

    /// Holds all accounts at once, in the same order: no transfer is half done in what it sees.
    fn balances(&self) -> Result<Vec<u64>, Refused> {
        let all: Result<Vec<_>, _> = (0..self.accounts.len()).map(|account| self.lock(account)).collect();
        Ok(all?.iter().map(|balance| **balance).collect())
    }
}
// ANCHOR_END: ordered
