//! Time limits that a checker can explore: the limit may run out at any point of a schedule.
//!
//! The mistakes in a wait with a time limit are all made at one moment: time runs out while the wake-up is on its
//! way. A test on real threads meets that moment once in a million runs. In a checker a clock stands still until
//! the model says [`pass`], from a thread of its own; the checker then tries that step at every place.
//!
//! | | std | a checker |
//! |---|---|---|
//! | [`Deadline::after`] | on the monotonic clock | has passed once the model has said [`pass`], however long the limit is |
//! | [`pass`] | does nothing: time passes by itself | all limits run out: those set before, which wakes who waits for them, and those set later |
//!
//! In Python: the `timeout` of `Condition.wait_for`, of which there is one in all, however often it is woken.

use crate::sync::{Condvar, MutexGuard};

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "std_time.rs"]
mod clock;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "checked_time.rs"]
mod clock;

pub use clock::{Deadline, pass};

impl Deadline {
    /// Sleeps as long as `condition` holds, until the deadline at most. Returns the guard, and whether `condition`
    /// has ceased to hold.
    ///
    /// `condition` is looked at *after* every sleep, also after the last one: what has come true together with
    /// the end of time has come true. A deadline that has passed before still lets others have the lock once.
    ///
    /// Poison is ignored: meant for a lock under which nobody's code can panic.
    pub fn wait_while<'a, T>(
        self,
        condvar: &Condvar,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> (MutexGuard<'a, T>, bool) {
        let mut passed = false;
        while condition(&mut guard) {
            if passed {
                return (guard, false);
            }
            (guard, passed) = self.wait(condvar, guard);
        }
        (guard, true)
    }
}
