//! A variable that threads share without a lock.

use std::{
    fmt::Display,
    ops::{Add, Sub},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    execution,
    intent::{Intent, Needs},
};

/// As `AtomicU64` and its kin: each method is one step that nothing divides. A clone is the same variable.
///
/// Orderings are not chosen: all is sequentially consistent.
#[derive(Clone, Debug)]
pub struct Atomic<T> {
    name: Arc<str>,
    value: Arc<Mutex<T>>,
}

impl<T: Copy + PartialEq + Display> Atomic<T> {
    /// A variable that holds `value`; drawings call it `name`.
    pub fn new(name: &str, value: T) -> Self {
        Self { name: name.into(), value: Arc::new(Mutex::new(value)) }
    }

    /// Reads.
    pub fn load(&self) -> T {
        self.step("load", |value| (*value, format!("-> {value}")))
    }

    /// Writes.
    pub fn store(&self, new: T) {
        self.step("store", |value| {
            *value = new;
            ((), format!("<- {new}"))
        });
    }

    /// Writes, and returns what was there.
    pub fn swap(&self, new: T) -> T {
        self.step("swap", |value| {
            let old = std::mem::replace(value, new);
            (old, format!("-> {old} <- {new}"))
        })
    }

    /// Writes `new` if `current` is there.
    ///
    /// # Errors
    /// With what is there, if it is something else; then nothing is written.
    pub fn compare_exchange(&self, current: T, new: T) -> Result<T, T> {
        self.step("cas", |value| {
            let old = *value;
            if old == current {
                *value = new;
                (Ok(old), format!("-> {old} <- {new}"))
            } else {
                (Err(old), format!("-> {old}, not {current}"))
            }
        })
    }

    /// Adds, and returns what was there.
    pub fn fetch_add(&self, amount: T) -> T
    where
        T: Add<Output = T>,
    {
        self.update("add", |old| old + amount)
    }

    /// Subtracts, and returns what was there.
    pub fn fetch_sub(&self, amount: T) -> T
    where
        T: Sub<Output = T>,
    {
        self.update("sub", |old| old - amount)
    }

    /// Writes what `change` makes of what is there, as one step called `verb`, and returns what was there.
    pub fn update(&self, verb: &'static str, change: impl FnOnce(T) -> T) -> T {
        self.step(verb, |value| {
            let old = *value;
            *value = change(old);
            (old, format!("-> {old} <- {value}"))
        })
    }

    fn step<R>(&self, verb: &'static str, act: impl FnOnce(&mut T) -> (R, String)) -> R {
        let intent = Intent { verb, object: Arc::clone(&self.name), needs: Needs::Nothing };
        execution::step(intent, |_| act(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
