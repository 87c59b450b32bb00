//! The world without a lock: all run at once, so each object has a lock of its own, and a count that stands it.
//!
//! An object lives as long as somebody refers to it, so a thread that uses one counts itself in and out. With several
//! threads a plain count would lose some. An atomic one does not, but it costs more on one thread, and when several
//! threads use the same object its cache line goes from core to core with every use.
//!
//! **Biased counting** (Choi, Shull and Torrellas, "Biased reference counting", PACT 2018; PEP 703): most objects are
//! used by one thread only, their owner, which counts with plain loads and stores in a field of its own. All others
//! use an atomic one. And what all use, such as functions, is not counted at all while it is used: PEP 703 calls them
//! immortal or deferred.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use crate::interpreter::{Object, Program, Stopped, World};

/// How references are counted where several threads run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// One atomic count an object.
    Atomic,
    /// A plain one for the owner, and functions are not counted.
    Biased,
}

/// Global variables and functions that all threads use at once.
#[derive(Debug)]
pub struct FreeGlobals {
    /// Each with its own lock.
    variables: Vec<Mutex<i64>>,
    functions: Vec<AtomicI64>,
    counting: Counting,
}

impl FreeGlobals {
    /// Those of `program`, all 0.
    pub fn of(program: &Program, counting: Counting) -> Self {
        Self {
            variables: (0..program.globals()).map(|_| Mutex::new(0)).collect(),
            functions: (0..program.functions()).map(|_| AtomicI64::new(1)).collect(),
            counting,
        }
    }

    /// What is in the variables, in the order in which the program names them.
    pub fn values(&self) -> Vec<i64> {
        self.variables.iter().map(|value| *value.lock().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

/// A thread of an interpreter without a lock.
pub struct Free<'a> {
    globals: &'a FreeGlobals,
    /// The count of the thread's own objects, all of it in one place: only the cost matters here.
    own: AtomicU64,
}

impl<'a> Free<'a> {
    /// One more thread.
    pub fn new(globals: &'a FreeGlobals) -> Self {
        Self { globals, own: AtomicU64::new(1) }
    }
}

impl World for Free<'_> {
    /// Nobody has to give way to anybody.
    #[inline]
    fn checkpoint(&mut self) -> Result<(), Stopped> {
        Ok(())
    }

    #[inline]
    fn load(&mut self, global: usize) -> i64 {
        *self.globals.variables[global].lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn store(&mut self, global: usize, value: i64) {
        *self.globals.variables[global].lock().unwrap_or_else(PoisonError::into_inner) = value;
    }

    fn without_lock<R>(&mut self, work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline]
    fn count(&mut self, object: Object) {
        // Relaxed: nothing is freed in this model, so no thread has to see what another did before it counted out.
        match (self.globals.counting, object) {
            (Counting::Atomic, Object::Own) => {
                self.own.fetch_add(1, Relaxed);
                self.own.fetch_sub(1, Relaxed);
            }
            (Counting::Atomic, Object::Function(function)) => {
                self.globals.functions[function].fetch_add(1, Relaxed);
                self.globals.functions[function].fetch_sub(1, Relaxed);
            }
            (Counting::Biased, Object::Own) => {
                // Load and store, not one step: nobody else writes here.
                self.own.store(self.own.load(Relaxed) + 1, Relaxed);
                self.own.store(self.own.load(Relaxed) - 1, Relaxed);
            }
            (Counting::Biased, Object::Function(_)) => {}
        }
    }
}
