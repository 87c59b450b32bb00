//! A point at which processes meet: each waits until all have come, or until somebody has waited for too long.
//!
//! One word: how many have come, whether it is broken, and how often all had come. A wait has a limit: a process
//! may be killed on its way, and nobody could tell the others.

use std::time::Duration;

use model::{
    futex::wake_shared,
    sync::atomic::{
        AtomicU32,
        Ordering::{AcqRel, Acquire, Relaxed},
    },
};

use crate::{lock::limit::Limit, shared};

shared! {
    /// In Python: `multiprocessing.Barrier`. All zero, it lets everybody through.
    #[derive(Debug, Default)]
    pub struct Barrier {
        /// How many have come, [`BROKEN`](Self::BROKEN), and above it the round.
        pub state: AtomicU32,
        /// How many meet.
        pub parties: AtomicU32,
    }
}

/// Not all have come. Nobody gets through any more, until [`reset`](Barrier::reset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the barrier is broken: somebody did not come within another's limit")]
pub struct Broken;

impl Barrier {
    /// Somebody gave up.
    pub const BROKEN: u32 = 1 << 15;
    const COME: u32 = Self::BROKEN - 1;
    const ROUND: u32 = 1 << 16;

    /// For so many, at most 32,767.
    pub fn new(parties: u16) -> Self {
        let parties = u32::from(parties).min(Self::COME);
        Self { state: AtomicU32::new(0), parties: AtomicU32::new(parties) }
    }

    /// Waits until all have come; for one of them, the last, it returns `true`. All see what all have written before.
    ///
    /// # Errors
    /// When somebody, this one or another, has waited for its limit: all get it, those who come later at once.
    pub fn wait(&self, limit: Duration) -> Result<bool, Broken> {
        self.wait_at(Some(limit), |_| ())
    }

    // ANCHOR: wait
    /// The same; without a limit it waits for ever if somebody is killed. Points: `come`, before it sleeps or wakes the
    /// others; `woken`.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub fn wait_at(&self, limit: Option<Duration>, at: impl Fn(&'static str)) -> Result<bool, Broken> {
        let limit = Limit::of(limit);
        let (round, is_last) = self.come()?;
        at("come");
        if is_last {
            wake_shared(&self.state, u32::MAX);
            return Ok(true);
        }
        loop {
            // Acquire: pairs with the exchange of the last.
            let state = self.state.load(Acquire);
            match (state / Self::ROUND).wrapping_sub(round) & 0xffff {
                0 if state & Self::BROKEN != 0 => return Err(Broken),
                0 => {}
                1 => return Ok(false),
                // It was reset.
                _ => return Err(Broken),
            }
            let goes_on = limit.sleep(&self.state, state);
            at("woken");
            // Unless somebody came, perhaps the last, at this very moment: then once more.
            if !goes_on && self.state.compare_exchange(state, state | Self::BROKEN, Relaxed, Relaxed).is_ok()
            {
                wake_shared(&self.state, u32::MAX);
                return Err(Broken);
            }
        }
    }
    // ANCHOR_END: wait

    /// Counts one more: in which round, and whether it is the last.
    fn come(&self) -> Result<(u32, bool), Broken> {
        let parties = self.parties.load(Relaxed).min(Self::COME);
        let mut state = self.state.load(Relaxed);
        loop {
            if state & Self::BROKEN != 0 {
                return Err(Broken);
            }
            let is_last = (state & Self::COME) + 1 >= parties;
            let next = if is_last { Self::after(state, 1) } else { state + 1 };
            // Release: what was written before is seen by all who get through. Acquire: the last has seen it of all.
            match self.state.compare_exchange_weak(state, next, AcqRel, Relaxed) {
                Ok(_) => return Ok((state / Self::ROUND, is_last)),
                Err(newer) => state = newer,
            }
        }
    }

    /// Whether somebody gave up.
    pub fn is_broken(&self) -> bool {
        self.state.load(Relaxed) & Self::BROKEN != 0
    }

    /// Nobody has come, it is whole. Who waits now gets [`Broken`].
    pub fn reset(&self) {
        let mut state = self.state.load(Relaxed);
        // Two rounds further: one would tell those who wait that all have come.
        while let Err(newer) =
            self.state.compare_exchange_weak(state, Self::after(state, 2), Relaxed, Relaxed)
        {
            state = newer;
        }
        wake_shared(&self.state, u32::MAX);
    }

    /// So many rounds further, nobody has come.
    fn after(state: u32, rounds: u32) -> u32 {
        (state & !(Self::ROUND - 1)).wrapping_add(rounds * Self::ROUND)
    }
}
