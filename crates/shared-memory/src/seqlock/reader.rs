//! Those who read the snapshot: they write nothing, and try again while it changes.

use std::{
    fmt,
    marker::PhantomData,
    mem::MaybeUninit,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use model::{hint, sync::atomic::Ordering::Relaxed, thread};

use super::{Memory, SeqError, check, words::value_of};
use crate::{ring::PATIENCE, safe::Plain, who::Who};

/// Reads the snapshot, as do any number of others.
pub struct Reader<T: Plain> {
    memory: Memory,
    value: PhantomData<fn() -> T>,
}

impl<T: Plain> Reader<T> {
    /// Reads the snapshot in this memory.
    ///
    /// # Errors
    /// [`SeqError::Layout`].
    pub fn attach(memory: impl AsFd) -> Result<Self, SeqError> {
        let memory = Memory::attach(memory)?;
        check::<T>(&memory)?;
        Ok(Self { memory, value: PhantomData })
    }

    /// A copy of the value as it was at one moment during the call; `None` if it was being written.
    pub fn try_read(&self) -> Option<T> {
        // SAFETY: nothing was written meanwhile, so the bytes are those of one value; and any bytes are a T.
        self.memory.read(|| self.torn()).map(|copy| unsafe { copy.assume_init() })
    }

    // ANCHOR: read
    /// A copy of the value as it was at one moment during the call; tries again while it is written, as long as `limit`.
    ///
    /// # Errors
    /// [`SeqError::WriterDied`] a moment after that has happened, [`SeqError::Stale`] when the time is over.
    pub fn read(&self, limit: Duration) -> Result<T, SeqError> {
        for _ in 0..64 {
            if let Some(value) = self.try_read() {
                return Ok(value);
            }
            hint::spin_loop();
        }
        let began = Instant::now();
        let mut asked = began;
        loop {
            // The writer needs a core, perhaps this one.
            thread::yield_now();
            let now = Instant::now();
            let writer = Who::from_bits(self.memory.writer.load(Relaxed));
            // Asked before the last look: it may have got done, and died then.
            let died = now - asked >= PATIENCE && {
                asked = now;
                !writer.is_alive()
            };
            match self.try_read() {
                Some(value) => return Ok(value),
                None if died => return Err(SeqError::WriterDied { id: writer.id() }),
                None if now - began >= limit => return Err(SeqError::Stale),
                None => {}
            }
        }
    }
    // ANCHOR_END: read

    /// The words as they are just now, without the look at the number: perhaps half of one value and half of the next.
    /// What a reader gets that does without.
    pub fn read_torn(&self) -> T {
        // SAFETY: any bytes are a T.
        unsafe { self.torn().assume_init() }
    }

    fn torn(&self) -> MaybeUninit<T> {
        value_of(self.memory.tail().iter().map(|word| word.load(Relaxed)))
    }
}

impl<T: Plain> fmt::Debug for Reader<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reader").field("memory", &self.memory).finish_non_exhaustive()
    }
}
