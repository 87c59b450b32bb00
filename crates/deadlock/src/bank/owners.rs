//! Each account belongs to one thread, which alone touches it: no lock is held by anybody, so none can be waited for in a
//! circle.
//!
//! The payer's owner takes the money out and passes it on to the payee's owner, who answers the client. An owner never
//! waits for another one: it puts a letter and goes on. That needs mailboxes without a bound; with bounded ones two
//! owners could each wait for room in the other's (the lesson `channels`). What bounds them here is that each client
//! waits for its answer: never more letters than clients.
//!
//! Between two owners the money is in neither account, so a snapshot is right only when no transfer is under way.

use std::{mem, panic::resume_unwind, sync::Arc};

use model::thread;

use super::{Bank, Refused, Transfer, Work, check, count, mailbox::Mailbox, withdraw};

/// A bank whose accounts are divided among threads.
pub struct Owners {
    mailboxes: Arc<[Mailbox<Letter>]>,
    threads: Vec<thread::JoinHandle<()>>,
    accounts: usize,
}

/// What an owner is asked to do.
enum Letter {
    Withdraw(Transfer, Reply<()>),
    Deposit(Transfer, Reply<()>),
    Balances(Reply<Vec<u64>>),
}

/// Where the client waits. Answers by itself when it is thrown away, so that no client waits for a dead owner.
struct Reply<T>(Arc<Mailbox<Result<T, Refused>>>);

impl<T> Reply<T> {
    fn answer(self, answer: Result<T, Refused>) {
        // Refused only if it was answered before, which `self` rules out.
        let _ = self.0.put(answer);
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Owners {
    /// Opens it with these balances and so many `owners`, at least one; each transfer includes so much `work`.
    ///
    /// # Errors
    /// [`Refused::TooMuch`].
    pub fn new(opening: &[u64], owners: usize, work: Work) -> Result<Self, Refused> {
        count(opening)?;
        let owners = owners.max(1);
        let mailboxes: Arc<[_]> = (0..owners).map(|_| Mailbox::default()).collect::<Vec<_>>().into();
        let mut bank =
            Self { mailboxes: Arc::clone(&mailboxes), threads: Vec::new(), accounts: opening.len() };
        for me in 0..owners {
            // Account n is the (n / owners)th of owner n % owners.
            let balances = opening.iter().copied().skip(me).step_by(owners).collect();
            let owner = Owner { me, balances, mailboxes: Arc::clone(&mailboxes), work };
            bank.threads.push(thread::spawn(move || owner.serve()));
        }
        Ok(bank)
    }

    /// Sends a letter to an owner and waits for the answer.
    fn ask<T>(&self, owner: usize, letter: impl FnOnce(Reply<T>) -> Letter) -> Result<T, Refused> {
        let answer = Arc::new(Mailbox::default());
        // If it is closed, the letter comes back and is dropped, which closes `answer`.
        let _ = self.mailboxes[owner].put(letter(Reply(Arc::clone(&answer))));
        answer.take().unwrap_or(Err(Refused::Disorder))
    }
}

impl Bank for Owners {
    fn transfer(&self, order: Transfer) -> Result<(), Refused> {
        check(order, self.accounts)?;
        self.ask(order.from % self.mailboxes.len(), |reply| Letter::Withdraw(order, reply))
    }

    fn balances(&self) -> Result<Vec<u64>, Refused> {
        let owners = self.mailboxes.len();
        let shards: Result<Vec<_>, _> = (0..owners).map(|owner| self.ask(owner, Letter::Balances)).collect();
        let shards = shards?;
        Ok((0..self.accounts).map(|account| shards[account % owners][account / owners]).collect())
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        self.mailboxes.iter().for_each(Mailbox::close);
        for owner in mem::take(&mut self.threads) {
            if let Err(panic) = owner.join()
                && !thread::panicking()
            {
                resume_unwind(panic);
            }
        }
    }
}

/// One thread and what it owns.
struct Owner {
    me: usize,
    balances: Vec<u64>,
    mailboxes: Arc<[Mailbox<Letter>]>,
    work: Work,
}

impl Owner {
    // ANCHOR: owner
    fn serve(mut self) {
        let owners = self.mailboxes.len();
        while let Some(letter) = self.mailboxes[self.me].take() {
            match letter {
                Letter::Withdraw(order, reply) => {
                    match withdraw(&mut self.balances[order.from / owners], order, self.work) {
                        // Never waits. If that owner is gone, the letter is dropped and the client hears of it.
                        Ok(()) => drop(self.mailboxes[order.to % owners].put(Letter::Deposit(order, reply))),
                        Err(refused) => reply.answer(Err(refused)),
                    }
                }
                Letter::Deposit(order, reply) => {
                    self.balances[order.to / owners] += order.amount;
                    reply.answer(Ok(()));
                }
                Letter::Balances(reply) => reply.answer(Ok(self.balances.clone())),
            }
        }
    }
    // ANCHOR_END: owner
}

impl Drop for Owner {
    /// Also after a panic: whoever has written, or will, is not left waiting.
    fn drop(&mut self) {
        self.mailboxes[self.me].abandon();
    }
}
