//! One way to wait for all: a few looks, a few turns for others on this core, then sleep; and a look whether the other lives.
//!
//! What is right depends on where the other end runs, which nobody knows. On another core it answers within the time of
//! some looks. On this core it answers only when it gets the core: `sched_yield` gives it away for a third of what it costs
//! to fall asleep and be woken. And if it has nothing to say for long, sleeping costs nothing.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::{Duration, Instant},
};

use model::{hint, thread};

use super::{
    RingError,
    positions::{End, sleep},
};
use crate::who::Who;

/// How an end waits for the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Looks, then yields, then sleeps: nearly as fast as the best of the others wherever the other end runs.
    #[default]
    Adaptive,
    /// Looks without end. Only where each end has a core of its own, and for nothing else.
    Spin,
    /// Sleeps at once.
    Sleep,
}

/// After so long in vain it is asked whether the other end lives; so its death is noticed within twice this.
pub const PATIENCE: Duration = Duration::from_millis(50);

impl Wait {
    /// How many looks, and how many of them give the core away.
    const fn looks(self) -> (u32, u32) {
        match self {
            Wait::Adaptive => (10, 100),
            // So many that asking for the time among them costs nothing.
            Wait::Spin => (4096, 0),
            Wait::Sleep => (1, 0),
        }
    }
}

// ANCHOR: wait
/// Looks until there is something, which `look` says by `Break`; else it says which position of `other` it has seen.
pub(super) fn wait<T>(
    how: Wait,
    other: &End,
    expected: Who,
    limit: Option<Duration>,
    mut look: impl FnMut() -> Result<ControlFlow<T, u32>, RingError>,
) -> Result<T, RingError> {
    let (spins, yields) = how.looks();
    let (mut began, mut asked) = (None, None);
    loop {
        for turn in 0..spins + yields {
            if let Break(found) = look()? {
                return Ok(found);
            }
            if turn < spins { hint::spin_loop() } else { thread::yield_now() }
        }
        let now = Instant::now();
        // Asked before the last look: what the other end has done before it died is seen by that look.
        let died = now.duration_since(*asked.get_or_insert(now)) >= PATIENCE && {
            asked = Some(now);
            has_died(other, expected)
        };
        let seen = match look()? {
            Break(found) => return Ok(found),
            Continue(seen) => seen,
        };
        if let Some(id) = died.then(|| owner(other, expected).id()) {
            return Err(RingError::PeerDied { id });
        }
        let waited = now.duration_since(*began.get_or_insert(now));
        let left = limit.map(|limit| limit.saturating_sub(waited));
        if left == Some(Duration::ZERO) {
            return Err(RingError::TimedOut);
        }
        if how != Wait::Spin {
            sleep(other, seen, Some(left.unwrap_or(PATIENCE).min(PATIENCE)));
        }
    }
}
// ANCHOR_END: wait

/// Whether a process had this end, or was to have it, and has ended.
fn has_died(other: &End, expected: Who) -> bool {
    let owner = owner(other, expected);
    owner != Who::NOBODY && !owner.is_alive()
}

fn owner(other: &End, expected: Who) -> Who {
    // Relaxed: it is a name. What its owner did is seen through the position.
    match Who::from_bits(other.owner.load(model::sync::atomic::Ordering::Relaxed)) {
        Who::NOBODY => expected,
        owner => owner,
    }
}
