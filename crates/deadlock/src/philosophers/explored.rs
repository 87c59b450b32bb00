//! The explorer of schedules, in every build.

use std::fmt::Debug;

use model::schedule::{Condvar, Mutex, MutexGuard};

use super::{Lock, Monitor, World};

/// The world of `model::schedule`: each lock and unlock is a step of a schedule.
#[derive(Debug)]
pub struct Explored;

impl World for Explored {
    type Lock = Mutex<()>;
    type Monitor<T: Debug + Send + 'static> = (Mutex<T>, Condvar);

    /// Nothing: the schedule decides who goes first.
    fn step_aside() {}
}

impl Lock for Mutex<()> {
    type Held<'a> = MutexGuard<'a, ()>;

    fn new(name: &str) -> Self {
        Mutex::new(name, ())
    }

    fn lock(&self) -> Self::Held<'_> {
        Mutex::lock(self)
    }

    fn try_lock(&self) -> Option<Self::Held<'_>> {
        Mutex::try_lock(self)
    }
}

impl<T: Debug + Send + 'static> Monitor<T> for (Mutex<T>, Condvar) {
    fn new(name: &str, state: T) -> Self {
        (Mutex::new(name, state), Condvar::new(&format!("change of {name}")))
    }

    fn when(&self, mut ready: impl FnMut(&mut T) -> bool, change: impl FnOnce(&mut T)) {
        change(&mut self.1.wait_while(self.0.lock(), |state| !ready(state)));
    }

    fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.lock());
        self.1.notify_all();
    }
}
