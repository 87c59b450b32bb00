//! Money moves between accounts, for many clients at once: one trait, four banks, each in a file of its own.
//!
//! A transfer needs two accounts at the same time, so here everybody meets deadlock. Copy the one that fits:
//!
//! | bank | how it keeps two accounts together | price |
//! |---|---|---|
//! | [`Naive`](naive::Naive) | locks the payer, then the payee | **deadlocks**: for the lesson only |
//! | [`OneLock`](one_lock::OneLock) | one lock around all accounts | one transfer at a time, on however many cores |
//! | [`Ordered`](ordered::Ordered) | a lock for each account, the lower number first | a lock more for each transfer |
//! | [`Owners`](owners::Owners) | each account belongs to one thread; messages instead of locks | two messages and a reply |
//!
//! ```
//! use std::sync::Arc;
//! use deadlock::bank::{Bank, Transfer, Work, alone, ordered::Ordered, serve};
//!
//! let opening = [100, 100];
//! let orders = [Transfer { from: 0, to: 1, amount: 30 }, Transfer { from: 1, to: 0, amount: 5 }];
//! let bank: Arc<dyn Bank> = Arc::new(Ordered::new(&opening, Work::NONE)?);
//! let refused = serve(&bank, &orders, 2);
//! assert!(refused.is_empty());
//! assert_eq!(bank.balances()?, alone(&opening, &orders));
//! # Ok::<(), deadlock::bank::Refused>(())
//! ```
//!
//! # What must be so
//! No transfer makes or loses money: the sum of all balances stays what it was. And where nobody runs out of money, the
//! balances at the end do not depend on the order of the transfers: they are those of [`alone`].

pub mod mailbox;
pub mod naive;
pub mod one_lock;
pub mod ordered;
pub mod owners;

use std::{hint::black_box, panic::resume_unwind, sync::Arc};

use model::thread;

use crate::detector::Report;

/// An order: `amount` goes from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// The account that pays.
    pub from: usize,
    /// The account that is paid.
    pub to: usize,
    /// In the smallest coin there is.
    pub amount: u64,
}

/// Why a transfer was not done. Then no money has moved.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refused {
    /// There is no such account.
    #[error("there is no account {0}")]
    NoAccount(usize),
    /// Payer and payee are one: whoever locks both would wait for itself.
    #[error("account {0} cannot pay itself")]
    ToItself(usize),
    /// The payer has too little.
    #[error("account {account} holds {balance}, too little to pay {amount}")]
    TooLittle {
        /// Who should have paid.
        account: usize,
        /// What it holds.
        balance: u64,
        /// What it should have paid.
        amount: u64,
    },
    /// The accounts together hold more than a `u64` can count.
    #[error("more money than can be counted")]
    TooMuch,
    /// Somebody panicked in the middle of a transfer, or the account's owner is gone: the books may be wrong.
    #[error("the books are in disorder after a panic")]
    Disorder,
    /// Going on would have been a deadlock, and the detector ended the wait. What it reports.
    #[error("{0}")]
    Deadlock(Arc<Report>),
}

/// A bank that many clients use at once.
pub trait Bank: Send + Sync {
    /// Moves the money, as a whole or not at all; returns when it is done.
    ///
    /// # Errors
    /// Says why it was not done.
    fn transfer(&self, order: Transfer) -> Result<(), Refused>;

    /// What each account holds. The sum is right when no transfer is under way; with [`OneLock`](one_lock::OneLock)
    /// and [`Ordered`](ordered::Ordered) at any time.
    ///
    /// # Errors
    /// [`Refused::Disorder`].
    fn balances(&self) -> Result<Vec<u64>, Refused>;
}

/// What is to be computed while the payer's account is held: the check of a signature, a line in a journal. In steps of
/// about two nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work(pub u32);

impl Work {
    /// Nothing but the transfer.
    pub const NONE: Self = Self(0);

    /// Does it.
    pub fn run(self) {
        black_box((0..self.0).fold(1_u64, |seal, step| black_box(seal.wrapping_mul(31) ^ u64::from(step))));
    }
}

/// Takes the money of `order` out of `balance`, and does the `work` that goes with it.
fn withdraw(balance: &mut u64, order: Transfer, work: Work) -> Result<(), Refused> {
    work.run();
    let Transfer { from: account, amount, .. } = order;
    *balance =
        balance.checked_sub(amount).ok_or(Refused::TooLittle { account, balance: *balance, amount })?;
    Ok(())
}

/// Refuses what no bank of so many accounts can do.
fn check(order: Transfer, accounts: usize) -> Result<(), Refused> {
    let Transfer { from, to, .. } = order;
    match [from, to].into_iter().find(|&account| account >= accounts) {
        Some(unknown) => Err(Refused::NoAccount(unknown)),
        None if from == to => Err(Refused::ToItself(from)),
        None => Ok(()),
    }
}

/// Refuses more money than a `u64` can count: then no deposit can overflow later.
fn count(opening: &[u64]) -> Result<(), Refused> {
    let sum = opening.iter().try_fold(0_u64, |sum, balance| sum.checked_add(*balance));
    sum.map(drop).ok_or(Refused::TooMuch)
}

/// The answer that every bank must give: the balances after `orders`, one after the other. Those that have to be
/// refused are.
pub fn alone(opening: &[u64], orders: &[Transfer]) -> Vec<u64> {
    let mut balances = opening.to_vec();
    for order in orders {
        if let Ok([from, to]) = balances.get_disjoint_mut([order.from, order.to])
            && withdraw(from, *order, Work::NONE).is_ok()
        {
            *to += order.amount;
        }
    }
    balances
}

/// So many `clients` give the `orders` to `bank`, each its share, all at once. Returns what was refused.
pub fn serve(bank: &Arc<dyn Bank>, orders: &[Transfer], clients: usize) -> Vec<(Transfer, Refused)> {
    let share = orders.len().div_ceil(clients.max(1)).max(1);
    let clients: Vec<_> = orders
        .chunks(share)
        .map(|mine| {
            let (bank, mine) = (Arc::clone(bank), mine.to_vec());
            thread::spawn(move || {
                let outcomes = mine.into_iter().map(|order| (order, bank.transfer(order)));
                outcomes.filter_map(|(order, outcome)| Some((order, outcome.err()?))).collect::<Vec<_>>()
            })
        })
        .collect();
    let join =
        |client: thread::JoinHandle<Vec<_>>| client.join().unwrap_or_else(|panic| resume_unwind(panic));
    clients.into_iter().flat_map(join).collect()
}

/// `number` small transfers between any two of `accounts` (two or more), in both directions; the same for the same
/// `seed`.
pub fn orders(accounts: usize, number: usize, seed: u64) -> Vec<Transfer> {
    // Knuth's MMIX generator; its high bits are the better ones.
    let mut state = seed;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    (0..number)
        .map(|_| {
            let from = below(accounts);
            let to = (from + 1 + below(accounts - 1)) % accounts;
            Transfer { from, to, amount: 1 + below(9) as u64 }
        })
        .collect()
}
