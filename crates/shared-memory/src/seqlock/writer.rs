//! The one who writes the snapshot: it waits for nobody.

use std::{fmt, marker::PhantomData, os::fd::AsFd};

use model::sync::atomic::Ordering::Relaxed;

use super::{Memory, SeqError, WORD, check, words::words_of};
use crate::{ring::Points, safe::Plain, who::Who};

/// Writes the snapshot. One process at a time may; it leaves when this is dropped.
pub struct Writer<T: Plain, P: Points = ()> {
    memory: Memory,
    points: P,
    value: PhantomData<fn(T)>,
}

impl<T: Plain> Writer<T> {
    /// Becomes the writer, if there is none or it is dead.
    ///
    /// # Errors
    /// [`SeqError::Taken`], [`SeqError::Layout`].
    pub fn attach(memory: impl AsFd) -> Result<Self, SeqError> {
        Self::attach_with(memory, ())
    }
}

impl<T: Plain, P: Points> Writer<T, P> {
    /// The same, with points: `begun`, `half`, `written`, `ended`.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn attach_with(memory: impl AsFd, points: P) -> Result<Self, SeqError> {
        let memory = Memory::attach(memory)?;
        check::<T>(&memory)?;
        memory.claim(Who::me(), Who::is_alive).map_err(|who| SeqError::Taken { id: who.id() })?;
        Ok(Self { memory, points, value: PhantomData })
    }

    /// Replaces the value. Waits for nobody.
    pub fn write(&mut self, value: &T) {
        let (words, half) = (self.memory.tail(), size_of::<T>().div_ceil(WORD) / 2);
        self.memory.begin();
        self.points.at("begun");
        for (index, (word, bits)) in words.iter().zip(words_of(value)).enumerate() {
            if index == half {
                self.points.at("half");
            }
            word.store(bits, Relaxed);
        }
        self.points.at("written");
        self.memory.end();
        self.points.at("ended");
    }
}

impl<T: Plain, P: Points> Drop for Writer<T, P> {
    fn drop(&mut self) {
        self.memory.leave();
    }
}

impl<T: Plain, P: Points> fmt::Debug for Writer<T, P> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Writer").field("memory", &self.memory).finish_non_exhaustive()
    }
}
