//! The world under a lock: whoever runs is alone, so loads, stores and counts are plain ones.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use crate::{
    Gil, Held,
    interpreter::{Object, Program, Stopped, World},
};

/// Global variables, with a lock around the interpreter.
///
/// They are atomics only because Rust wants a reason to believe that nobody else writes; `Relaxed` loads and stores
/// are the machine's plain ones, and the lock orders them.
#[derive(Debug)]
pub struct Globals(Vec<AtomicI64>);

impl Globals {
    /// Those of `program`, all 0.
    pub fn of(program: &Program) -> Self {
        Self((0..program.globals()).map(|_| AtomicI64::new(0)).collect())
    }

    /// What is in them, in the order in which the program names them.
    pub fn values(&self) -> Vec<i64> {
        self.0.iter().map(|value| value.load(Relaxed)).collect()
    }
}

/// A thread of an interpreter with a lock.
pub struct UnderGil<'a> {
    held: Held<'a>,
    globals: &'a Globals,
    /// What is counted, all of it in one place: only the cost matters here.
    count: AtomicU64,
}

impl<'a> UnderGil<'a> {
    /// Attaches the calling thread, which then holds the lock.
    pub fn attach(gil: &'a Gil, globals: &'a Globals) -> Self {
        Self { held: gil.attach(), globals, count: AtomicU64::new(0) }
    }

    /// The lock's guard, for what no bytecode does.
    pub fn held(&mut self) -> &mut Held<'a> {
        &mut self.held
    }
}

impl World for UnderGil<'_> {
    #[inline]
    fn checkpoint(&mut self) -> Result<(), Stopped> {
        self.held.checkpoint();
        Ok(())
    }

    #[inline]
    fn load(&mut self, global: usize) -> i64 {
        self.globals.0[global].load(Relaxed)
    }

    #[inline]
    fn store(&mut self, global: usize, value: i64) {
        self.globals.0[global].store(value, Relaxed);
    }

    fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.held.blocking(work)
    }

    #[inline]
    fn count(&mut self, _: Object) {
        // Load and store, not one step: the lock makes it one.
        self.count.store(self.count.load(Relaxed) + 1, Relaxed);
        self.count.store(self.count.load(Relaxed) - 1, Relaxed);
    }
}
