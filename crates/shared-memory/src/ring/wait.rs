//! One way to wait for all: look as long as that pays, give the core to others for a while, then sleep; and a look whether
//! the other lives.
//!
//! What is right depends on where the other end runs, which nobody knows. On another core it answers within the time of
//! some looks. On this core it answers only when it gets the core: each look is in vain, and `sched_yield` gives the core away
//! for less than it costs to fall asleep and be woken. And if it has nothing to say for long, sleeping costs nothing.
//!
//! So it is learnt: who found something by looking looks again next time; who did not yields at once, and tries again later.

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::{Duration, Instant},
};

use model::{
    hint,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    thread,
};

use super::{RingError, records::sleep};
use crate::who::Who;

/// How an end waits for the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wait {
    /// Looks if that has paid, then yields, then sleeps: nearly as fast as the best of the others wherever the other end runs.
    #[default]
    Adaptive,
    /// Looks without end. Only where each end has a core of its own, and for nothing else.
    Spin,
    /// Sleeps at once.
    Sleep,
}

/// After so long in vain it is asked whether the other end lives; so its death is noticed within twice this.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// Looks without yielding: some microseconds, so more than a journey to any other core and back.
const SPINS: u32 = 100;
/// Of so many waits one looks although it did not pay before: the other end may have moved to another core.
const TRY: u32 = 128;
/// Turns for others on this core.
const YIELDS: u32 = 100;

/// What an end has learnt about its waits.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The last one that looked without yielding found something.
    pays: bool,
    waits: u32,
}

impl Pace {
    /// How many looks, and how many more of which each gives the core away.
    fn looks(&mut self, how: Wait) -> (u32, u32) {
        let tries = self.waits.is_multiple_of(TRY);
        self.waits = self.waits.wrapping_add(1);
        match how {
            Wait::Adaptive if self.pays || tries => (SPINS, YIELDS),
            Wait::Adaptive => (0, YIELDS),
            // So many that asking for the time among them costs nothing.
            Wait::Spin => (4096, 0),
            Wait::Sleep => (0, 0),
        }
    }
}

// ANCHOR: wait
/// Looks until there is something, which `look` says by `Break`; else it says which word will change, and what is there now.
///
/// `other` is who the other end belongs to: the word that says so, and who is expected while nobody has it.
pub(super) fn wait<'w, T>(
    (how, pace): (Wait, &mut Pace),
    other: (&AtomicU64, Who),
    limit: Option<Duration>,
    mut look: impl FnMut() -> Result<ControlFlow<T, (&'w AtomicU32, u32)>, RingError>,
) -> Result<T, RingError> {
    let (spins, yields) = pace.looks(how);
    let began = limit.map(|_| Instant::now());
    // Without a limit the clock is asked only when one round was in vain: it costs as much as a look.
    let (mut in_vain, mut asked) = (false, None::<Instant>);
    loop {
        let is_time = asked.is_some_and(|asked| asked.elapsed() >= PATIENCE);
        // Asked before the looks: what the other end has done before it died is seen by them.
        let died = is_time && has_died(owner(other));
        let mut turn = 0;
        let (word, seen) = loop {
            match look()? {
                Break(found) => {
                    pace.pays = turn < spins && !in_vain;
                    return Ok(found);
                }
                Continue(unchanged) if turn == spins + yields => break unchanged,
                Continue(_) if turn < spins => hint::spin_loop(),
                Continue(_) => thread::yield_now(),
            }
            turn += 1;
        };
        pace.pays = false;
        if died {
            return Err(RingError::PeerDied { id: owner(other).id() });
        }
        if in_vain && (is_time || asked.is_none()) {
            asked = Some(Instant::now());
        }
        let left = limit.zip(began).map(|(limit, began)| limit.saturating_sub(began.elapsed()));
        if left == Some(Duration::ZERO) {
            return Err(RingError::TimedOut);
        }
        if how != Wait::Spin {
            sleep(word, seen, Some(left.unwrap_or(PATIENCE).min(PATIENCE)));
        }
        in_vain = true;
    }
}
// ANCHOR_END: wait

/// Whether a process had this end, or was to have it, and has ended.
fn has_died(owner: Who) -> bool {
    owner != Who::NOBODY && !owner.is_alive()
}

fn owner((word, expected): (&AtomicU64, Who)) -> Who {
    // Relaxed: it is a name. What its owner did is seen through headers and position.
    match Who::from_bits(word.load(Relaxed)) {
        Who::NOBODY => expected,
        owner => owner,
    }
}
