//! How long to wait, in naps: nobody sleeps for longer than [`LOOK`] without a look of its own.
//!
//! A wake-up may be lost to a process that is killed: as the one who should have called it, or as the one who got it.
//! So a wake-up only makes the wait shorter; that it ends is up to the one who waits.

use std::time::{Duration, Instant};

use model::{futex::wait_shared, sync::atomic::AtomicU32};

use super::LOOK;

/// A checker has no clock. There a wait without a limit sleeps until woken, so that a wake-up that is lost is a deadlock and is
/// reported; one with a limit may see it run out at any step.
const CHECKED: bool = cfg!(any(feature = "loom", feature = "shuttle"));

/// When to give up; perhaps never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limit(Option<Instant>);

impl Limit {
    /// After so long, or never.
    pub(crate) fn of(limit: Option<Duration>) -> Self {
        Self(limit.and_then(|limit| Instant::now().checked_add(limit)))
    }

    /// How long to sleep before the next look.
    pub(crate) fn nap(self) -> Option<Duration> {
        match self.0 {
            None => (!CHECKED).then_some(LOOK),
            Some(end) => Some(LOOK.min(end.saturating_duration_since(Instant::now()))),
        }
    }

    /// Whether it has run out.
    pub(crate) fn is_over(self) -> bool {
        self.0.is_some_and(|end| CHECKED || Instant::now() >= end)
    }

    /// Sleeps on `word` for a nap, if it still is `expected`. `false`: nobody has woken it, and the limit is over.
    pub(crate) fn sleep(self, word: &AtomicU32, expected: u32) -> bool {
        wait_shared(word, expected, self.nap()) || !self.is_over()
    }
}
