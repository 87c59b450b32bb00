//! Accounts whose sum never changes, with a journal by which half a transfer is taken back.

use std::sync::atomic::{Ordering::SeqCst, compiler_fence};

use shared_memory::{peer::at, shared};

pub(crate) const ACCOUNTS: usize = 8;
pub(crate) const SUM: u64 = 1_000 * ACCOUNTS as u64;

shared! {
    #[derive(Debug)]
    pub(crate) plain struct Ledger {
        pub(crate) accounts: [u64; ACCOUNTS],
        /// Two accounts and what they held before the transfer.
        journal: [u64; 4],
        /// 1 while the journal counts.
        is_open: u64,
        pub(crate) transfers: u64,
    }
}

impl Ledger {
    pub(crate) fn begin(&mut self) {
        self.accounts = [1_000; ACCOUNTS];
    }

    /// A kill stops between two instructions: what counts is that the compiler keeps their order.
    pub(crate) fn transfer(&mut self, from: usize, to: usize) {
        self.journal = [from as u64, to as u64, self.accounts[from], self.accounts[to]];
        step("journalled");
        self.is_open = 1;
        step("open");
        let amount = self.accounts[from] / 2;
        self.accounts[from] -= amount;
        step("half");
        self.accounts[to] += amount;
        step("written");
        self.is_open = 0;
        step("closed");
        self.transfers += 1;
    }

    pub(crate) fn repair(&mut self) {
        if self.is_open == 1 {
            let [from, to, had, held] = self.journal;
            self.accounts[from as usize] = had;
            step("half repaired");
            self.accounts[to as usize] = held;
            step("repaired");
            self.is_open = 0;
        }
    }

    pub(crate) fn check(&self) {
        assert_eq!(self.accounts.iter().sum::<u64>(), SUM, "{self:?}");
    }
}

fn step(point: &'static str) {
    compiler_fence(SeqCst);
    at(point);
    compiler_fence(SeqCst);
}
