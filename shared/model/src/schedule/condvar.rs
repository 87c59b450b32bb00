//! Sleeping until told: a notice reaches those who sleep at that moment, and nobody later.

use std::{
    fmt::Debug,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    MutexGuard, execution,
    intent::{Intent, Needs},
    state::Turn,
};

/// As `std::sync::Condvar`. Wakes for nothing only where the [bounds](super::Bounds::spurious) allow it. A clone
/// is the same condition variable.
#[derive(Clone, Debug)]
pub struct Condvar {
    name: Arc<str>,
    id: usize,
}

impl Condvar {
    /// A condition variable nobody sleeps on; drawings call it `name`.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self { name: name.into(), id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Gives the lock back and sleeps, which is one step; when notified, takes the lock again, which is another.
    pub fn wait<'a, T: Debug>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.mutex;
        self.step("wait", Needs::Nothing, |_| ((), guard.give_back()));
        drop(guard);
        let needs = Needs::Notice { condvar: self.id, lock: Arc::clone(&mutex.owner) };
        self.step("wake", needs, |turn| mutex.take(turn.map(|turn| turn.me)))
    }

    /// Sleeps as long as `condition` holds.
    pub fn wait_while<'a, T: Debug>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard);
        }
        guard
    }

    /// Wakes one of those who sleep now; each of them, in a schedule of its own.
    pub fn notify_one(&self) {
        self.notify("notify", |turn, id| turn.wake_one(id).into_iter().collect());
    }

    /// Wakes all who sleep now.
    pub fn notify_all(&self) {
        self.notify("notify all", |turn, id| turn.wake_all(id));
    }

    fn notify(&self, verb: &'static str, wake: impl FnOnce(&mut Turn<'_>, usize) -> Vec<String>) {
        self.step(verb, Needs::Nothing, |turn| {
            let woken = turn.map(|mut turn| wake(&mut turn, self.id)).unwrap_or_default();
            let whom = if woken.is_empty() { "nobody".to_owned() } else { woken.join(", ") };
            ((), format!("wakes {whom}"))
        });
    }

    fn step<R>(
        &self,
        verb: &'static str,
        needs: Needs,
        act: impl FnOnce(Option<Turn<'_>>) -> (R, String),
    ) -> R {
        execution::step(Intent { verb, object: Arc::clone(&self.name), needs }, act)
    }
}
