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

mod reader;
mod sequence;
mod words;
mod writer;

use std::os::fd::AsFd;

use model::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{
    layout::{LayoutError, Shared},
    safe::Plain,
};
pub use reader::Reader;
pub use sequence::Sequence;
use words::words_of;
pub use writer::Writer;

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
