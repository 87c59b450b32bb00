//! Real threads; with the feature `loom` or `shuttle` that checker's.

use std::{fmt::Debug, sync::PoisonError};

use model::{
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};

use super::{Lock, Monitor, World};

/// The world of `model::sync`: std's locks, or a checker's. Poison is passed over: forks guard no data.
#[derive(Debug)]
pub struct Real;

impl World for Real {
    type Lock = Mutex<()>;
    type Monitor<T: Debug + Send + 'static> = (Mutex<T>, Condvar);

    fn step_aside() {
        thread::yield_now();
    }
}

impl Lock for Mutex<()> {
    type Held<'a> = MutexGuard<'a, ()>;

    fn new(_: &str) -> Self {
        Mutex::new(())
    }

    fn lock(&self) -> Self::Held<'_> {
        Mutex::lock(self).unwrap_or_else(PoisonError::into_inner)
    }

    fn try_lock(&self) -> Option<Self::Held<'_>> {
        Mutex::try_lock(self).ok()
    }
}

impl<T: Debug + Send + 'static> Monitor<T> for (Mutex<T>, Condvar) {
    fn new(_: &str, state: T) -> Self {
        (Mutex::new(state), Condvar::new())
    }

    fn when(&self, mut ready: impl FnMut(&mut T) -> bool, change: impl FnOnce(&mut T)) {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let not_yet = |state: &mut T| !ready(state);
        change(&mut self.1.wait_while(state, not_yet).unwrap_or_else(PoisonError::into_inner));
    }

    fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        self.1.notify_all();
    }
}
