//! A snapshot that many processes read while one writes it: readers write nothing, and the writer never waits.
//!
//! A number is odd while the writer is at work, and grows by two with each write. A reader that sees the same even number
//! before and after its copy has a copy of one state; else it copies again. (Hans Boehm, "Can seqlocks get along with
//! programming language memory models?", 2012.) Between threads a writer always gets done. Between processes it may be
//! killed in the middle, and leaves an odd number for ever: so who has waited asks whether the writer lives.
//!
//! ```
//! use shared_memory::{Memfd, seqlock::{self, Reader, Writer}};
//! use std::time::Duration;
//!
//! let memory = Memfd::create("position", seqlock::size::<[f64; 3]>())?;
//! seqlock::create(&memory, &[0.0; 3])?;
//! let mut writer = Writer::<[f64; 3]>::attach(&memory)?;
//! let reader = Reader::<[f64; 3]>::attach(&memory)?; // in other processes, as a rule
//! writer.write(&[1.0, 2.0, 3.0]);
//! assert_eq!(reader.read(Duration::from_secs(1))?, [1.0, 2.0, 3.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Limits
//! - After a writer's death there is no whole snapshot, until another process takes its place and writes one.
//! - A writer that writes all the time can keep readers from ever getting a copy: they say so ([`SeqError::Stale`]).
//! - The value is copied word by word, so it should be small.
//!
//! In Python nothing like it: a `SharedMemory` is read as it is, torn or not, or under a lock that a killed holder keeps.

use std::{
    arch::asm,
    fmt,
    marker::PhantomData,
    mem::MaybeUninit,
    os::fd::AsFd,
    ptr,
    time::{Duration, Instant},
};

use model::{
    hint,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    },
    thread,
};

use crate::{
    layout::{LayoutError, Shared},
    ring::{PATIENCE, Points},
    safe::Plain,
    shared,
    who::Who,
};

/// Why there is no snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeqError {
    /// There is none in this memory, or one of another type.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Another living process writes it.
    #[error("process {id} writes this snapshot")]
    Taken {
        /// Its process id.
        id: u32,
    },
    /// The writer has died in the middle: there is no whole snapshot.
    #[error("process {id} died while it wrote")]
    WriterDied {
        /// Its process id.
        id: u32,
    },
    /// In the time that was given there was no moment without a write in it. The writer lives: it is stopped or too busy.
    #[error("no whole snapshot in the time that was given")]
    Stale,
}

shared! {
    /// The number, whose the snapshot is, and what it is.
    #[repr(align(64))]
    #[derive(Debug, Default)]
    pub struct Sequence {
        /// Odd while it is written.
        pub number: AtomicU64,
        /// Who writes: a [`Who`].
        pub writer: AtomicU64,
        /// [`Plain::LAYOUT`] of the value.
        pub layout: AtomicU64,
    }
}

// ANCHOR: algorithm
/// The algorithm, on any memory: `tests/seqlock_model.rs` runs it through the model checkers.
impl Sequence {
    /// Becomes the writer, if there is none or `is_alive` says that it is dead.
    ///
    /// # Errors
    /// The one who is.
    pub fn claim(&self, me: Who, is_alive: impl Fn(Who) -> bool) -> Result<(), Who> {
        let mut writer = self.writer.load(Relaxed);
        loop {
            let who = Who::from_bits(writer);
            if is_alive(who) {
                return Err(who);
            }
            // Acquire: pairs with the Release in `leave`: the number is seen as the last writer has left it.
            match self.writer.compare_exchange(writer, me.bits(), Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => writer = other,
            }
        }
    }

    /// Is no longer the writer.
    pub fn leave(&self) {
        // Release: pairs with the Acquire in `claim`.
        self.writer.store(Who::NOBODY.bits(), Release);
    }

    /// What `copy` copies, if nothing was written meanwhile.
    pub fn read<R>(&self, copy: impl FnOnce() -> R) -> Option<R> {
        // Acquire: pairs with the Release in `end`: all words of that write are seen.
        let before = self.number.load(Acquire);
        if !before.is_multiple_of(2) {
            return None;
        }
        let copied = copy();
        // Pairs with the fence in `begin`: if a word came from a later write, the load below sees that it had begun.
        fence(Acquire);
        (self.number.load(Relaxed) == before).then_some(copied)
    }

    /// Makes the number odd, or leaves it so, after a writer that died.
    pub fn begin(&self) {
        // Relaxed: only the one writer stores it.
        self.number.store(self.number.load(Relaxed) | 1, Relaxed);
        // Pairs with the fence in `read`: whoever sees one of the words to come sees the odd number too.
        fence(Release);
    }

    /// Makes it even.
    pub fn end(&self) {
        // Release: pairs with the Acquire in `read`: the words come before the even number.
        self.number.store(self.number.load(Relaxed).wrapping_add(1), Release);
    }
}
// ANCHOR_END: algorithm

type Memory = Shared<Sequence, AtomicU64>;

const WORD: usize = size_of::<u64>();

/// Bytes of memory for a snapshot of a `T`.
pub const fn size<T: Plain>() -> usize {
    Memory::size(size_of::<T>().div_ceil(WORD))
}

/// Builds a snapshot in memory that is new.
///
/// # Errors
/// When the memory is too small, or not new.
pub fn create<T: Plain>(memory: impl AsFd, value: &T) -> Result<(), SeqError> {
    let memory = Memory::create(memory, |sequence, words| {
        sequence.layout.store(T::LAYOUT, Relaxed);
        words.iter().zip(words_of(value)).for_each(|(word, bits)| word.store(bits, Relaxed));
    })?;
    check::<T>(&memory)
}

/// Whether a `T` is in it.
fn check<T: Plain>(memory: &Memory) -> Result<(), SeqError> {
    let (found, expected) = (memory.layout.load(Relaxed), T::LAYOUT);
    if found != expected || memory.tail().len() < size_of::<T>().div_ceil(WORD) {
        return Err(LayoutError::Layout { found, expected }.into());
    }
    Ok(())
}

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

/// The bytes of `value`, word by word; the last one filled up with zeros.
fn words_of<T: Plain>(value: &T) -> impl Iterator<Item = u64> {
    (0..size_of::<T>()).step_by(WORD).map(move |at| {
        let mut word = MaybeUninit::new(0_u64);
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: `length` bytes are left in `value` behind `at`, and fit into a word.
        unsafe {
            let from = ptr::from_ref(value).cast::<u8>().add(at);
            ptr::copy_nonoverlapping(from, word.as_mut_ptr().cast(), length);
        }
        freeze(word)
    })
}

/// The value whose bytes `words` are.
fn value_of<T: Plain>(words: impl Iterator<Item = u64>) -> MaybeUninit<T> {
    let mut value = MaybeUninit::<T>::zeroed();
    for (at, word) in (0..size_of::<T>()).step_by(WORD).zip(words) {
        let length = WORD.min(size_of::<T>() - at);
        // SAFETY: there is room for `length` bytes in `value` behind `at`, and so many in a word.
        unsafe {
            let to = value.as_mut_ptr().cast::<u8>().add(at);
            ptr::copy_nonoverlapping(ptr::from_ref(&word).cast(), to, length);
        }
    }
    value
}

/// The same bytes, where padding between `T`'s fields becomes *some* number: Rust lets no one look at padding.
fn freeze(word: MaybeUninit<u64>) -> u64 {
    let number;
    // SAFETY: no instruction at all. The compiler must take it that any number may have come out of the register.
    unsafe {
        asm!("/* {0} */", inout(reg) word => number, options(pure, nomem, nostack, preserves_flags));
    }
    number
}
