//! Exclusion: who locks while another one holds it cannot be chosen by the schedule.

use std::{
    fmt::Debug,
    ops::{Deref, DerefMut},
    sync::{self, Arc, PoisonError},
};

use super::{
    execution,
    intent::{Intent, Needs, Owner},
};

/// As `std::sync::Mutex`, without poisoning: a panic is a failure of the whole run. A clone is the same mutex.
#[derive(Clone, Debug)]
pub struct Mutex<T> {
    pub(super) name: Arc<str>,
    pub(super) owner: Arc<Owner>,
    pub(super) data: Arc<sync::Mutex<T>>,
}

impl<T: Debug> Mutex<T> {
    /// A free mutex around `data`; drawings call it `name`.
    pub fn new(name: &str, data: T) -> Self {
        Self { name: name.into(), owner: Owner::nobody(), data: Arc::new(sync::Mutex::new(data)) }
    }

    /// Waits until nobody else holds it, and takes it until the guard is dropped. Both are steps.
    ///
    /// A thread that holds it already waits for ever: the schedule is then reported as a deadlock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.acquire("lock", Needs::Lock(Arc::clone(&self.owner)))
    }

    /// Takes it if it is free at this moment.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        let intent = Intent { verb: "try", object: Arc::clone(&self.name), needs: Needs::Nothing };
        execution::step(intent, |turn| {
            if self.owner.is_free() {
                let (guard, text) = self.take(turn.map(|turn| turn.me));
                (Some(guard), text)
            } else {
                (None, "-> held".to_owned())
            }
        })
    }

    /// Its content, taken under `needs` as a step called `verb`.
    fn acquire(&self, verb: &'static str, needs: Needs) -> MutexGuard<'_, T> {
        let intent = Intent { verb, object: Arc::clone(&self.name), needs };
        execution::step(intent, |turn| self.take(turn.map(|turn| turn.me)))
    }

    /// Makes `thread` the owner; also tells what is inside.
    pub(super) fn take(&self, thread: Option<usize>) -> (MutexGuard<'_, T>, String) {
        self.owner.take(thread);
        let data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shown(&*data);
        let text = if before.is_empty() { String::new() } else { format!("-> {before}") };
        (MutexGuard { mutex: self, data: Some(data), before }, text)
    }
}

/// While it lives its thread holds the mutex.
#[derive(Debug)]
pub struct MutexGuard<'a, T: Debug> {
    pub(super) mutex: &'a Mutex<T>,
    /// `None` only when the lock has been given back.
    data: Option<sync::MutexGuard<'a, T>>,
    /// What was inside when it was taken.
    before: String,
}

impl<T: Debug> MutexGuard<'_, T> {
    /// Gives the lock back, and tells what changed inside.
    pub(super) fn give_back(&mut self) -> String {
        let after = self.data.take().map(|data| shown(&*data)).unwrap_or_default();
        self.mutex.owner.free();
        if after == self.before { String::new() } else { format!("<- {after}") }
    }
}

impl<T: Debug> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.data.as_deref().expect("a guard has its data until it is dropped")
    }
}

impl<T: Debug> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.data.as_deref_mut().expect("a guard has its data until it is dropped")
    }
}

impl<T: Debug> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        if self.data.is_none() {
            return; // a condition variable has given it back
        }
        let name = Arc::clone(&self.mutex.name);
        let intent = Intent { verb: "unlock", object: name, needs: Needs::Nothing };
        execution::step(intent, |_| ((), self.give_back()));
    }
}

/// What is inside, for a drawing; nothing for `()`.
fn shown(data: &impl Debug) -> String {
    let text = format!("{data:?}");
    if text == "()" { String::new() } else { text }
}
