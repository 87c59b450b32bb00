//! Waiting until a value behind a [`Mutex`](crate::lock::Mutex) is as one wants it: a number that each notification changes.
//!
//! Read before the mutex is given back, the number says whether there was a notification before the sleep. Every wait
//! returns after [`LOOK`](crate::lock::LOOK) at the latest, for no reason, and whoever waits looks at the value again: so a
//! notification whose receiver was killed costs the others that long, and not for ever.

use std::time::Duration;

use model::{
    futex::wake_shared,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use crate::{
    lock::{Guard, LockError, LockResult, limit::Limit},
    safe::Plain,
    shared,
};

shared! {
    /// In Python: `multiprocessing.Condition`; `wait_for(predicate)` is [`wait_while`](Self::wait_while) the other way round.
    #[derive(Debug, Default)]
    pub struct Condition {
        /// How many notifications there were.
        pub sequence: AtomicU32,
        /// How many wait, and how many were killed while they did: then some notifications call the kernel in vain.
        pub waiters: AtomicU32,
    }
}

impl Condition {
    /// Gives the mutex back, sleeps until notified or for a moment, and takes it again.
    ///
    /// # Errors
    /// Those of [`Mutex::lock`](crate::lock::Mutex::lock): the mutex may have lost its holder meanwhile.
    pub fn wait<'a, T: Plain>(&self, guard: Guard<'a, T>) -> LockResult<'a, T> {
        let mutex = guard.mutex();
        self.sleep_at(|| drop(guard), None, |_| ());
        mutex.lock()
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    /// As [`wait`](Self::wait). After `OwnerDied` and a repair, wait again.
    pub fn wait_while<'a, T: Plain>(
        &self,
        mut guard: Guard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// The same for `limit` at most.
    ///
    /// # Errors
    /// As [`wait`](Self::wait), and `TimedOut` while `condition` still holds.
    pub fn wait_while_within<'a, T: Plain>(
        &self,
        mut guard: Guard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<'a, T> {
        let end = Limit::of(Some(limit));
        while condition(&mut guard) {
            if end.is_over() {
                return Err(LockError::TimedOut);
            }
            let mutex = guard.mutex();
            self.sleep_at(|| drop(guard), end.nap(), |_| ());
            guard = mutex.lock()?;
        }
        Ok(guard)
    }

    /// Wakes one of those who wait.
    pub fn notify_one(&self) {
        self.notify_at(1, |_| ());
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.notify_at(u32::MAX, |_| ());
    }

    /// Wakes so many. Point: `counted`, before it wakes them.
    pub fn notify_at(&self, most: u32, at: impl Fn(&'static str)) {
        // Relaxed: it is the mutex that orders. Whoever changed the value under it came after the waiter's look, and sees the
        // waiter counted; or before it, and the waiter sees the value.
        if self.waiters.load(Relaxed) > 0 {
            self.sequence.fetch_add(1, Relaxed);
            at("counted");
            wake_shared(&self.sequence, most);
        }
    }

    // ANCHOR: sleep
    /// What a wait is made of: for whoever has a mutex of another kind. `unlock` gives it back; to lock again is the
    /// caller's. Points: `unlocked` before it sleeps, `woken` after.
    pub fn sleep_at(&self, unlock: impl FnOnce(), limit: Option<Duration>, at: impl Fn(&'static str)) {
        // Under the mutex, both: see `notify_at`.
        self.waiters.fetch_add(1, Relaxed);
        let seen = self.sequence.load(Relaxed);
        unlock();
        at("unlocked");
        Limit::of(limit).sleep(&self.sequence, seen);
        at("woken");
        self.waiters.fetch_sub(1, Relaxed);
    }
    // ANCHOR_END: sleep
}
