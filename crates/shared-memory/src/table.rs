//! A hash table in shared memory that several processes fill at the same time, and that no killed process can spoil.
//!
//! Keys are words; with each go as many counts as there are **columns**. One column that all add to is the usual table: each
//! addition is an atomic, and frequent words are fought for. A column for each worker costs 8 bytes more a slot and nobody
//! fights; and what a killed worker has added can be taken back, since it is all in one place: [`Table::clear`].
//!
//! # What holds, whoever is killed when
//! - A word is in the table once, with its letters whole; or not at all. (`table/keys.rs`: why.)
//! - Each addition that has returned is there, once. One that was under way is there or not.
//! - Nobody waits: to enter a word takes a bounded number of steps, whatever the others do, or don't.
//! - What is lost is room: letters that were written for a word that another process entered first, or never entered.
//!
//! # Limits
//! - Its size is fixed. [`TableError::Full`] comes at the last slot; above three quarters full searches get long.
//! - Who can write to the segment can change counts and words, but make nobody read outside of it.

pub mod keys;

use std::os::fd::AsFd;

use model::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{
    layout::{LayoutError, Shared},
    shared,
};
use keys::{Keys, Steps};

/// Why a table cannot be used, or not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is no table in this memory.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The segment is smaller than its header says, or the plan makes no sense.
    #[error(
        "no room for {slots} slots with {columns} columns in {units} units; slots must be a power of two"
    )]
    Plan {
        /// Slots.
        slots: u64,
        /// Counts a slot.
        columns: u64,
        /// Units of 8 bytes that there are.
        units: u64,
    },
    /// There is no room for another word.
    #[error("the table is full: no {what} left")]
    Full {
        /// Slots or letters.
        what: &'static str,
    },
    /// Empty, or too long for a key.
    #[error("a word of {bytes} bytes: from 1 to {} are possible", keys::LONGEST)]
    Word {
        /// Its length.
        bytes: usize,
    },
    /// No such column.
    #[error("column {column} of {columns}")]
    Column {
        /// Asked for.
        column: usize,
        /// There are.
        columns: usize,
    },
    /// A key whose letters would be outside of the segment: somebody else has written here.
    #[error("the table is damaged: key {key:#018x}")]
    Corrupt {
        /// The key.
        key: u64,
    },
}

/// How large a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Room for so many words at three quarters full at most: a search looks at 2.5 slots for a word that is there, and at
    /// 8.5 for a new one (Knuth, volume 3, 6.4), which are neighbours. Slots become a power of two.
    pub words: usize,
    /// Counts for each word.
    pub columns: usize,
    /// Bytes of letters; each word takes a multiple of 8.
    pub letters: usize,
}

impl Plan {
    const fn slots(self) -> usize {
        let words = if self.words == 0 { 1 } else { self.words };
        words.saturating_add(words.div_ceil(3)).next_power_of_two()
    }

    /// Bytes of a segment for it.
    pub const fn size(self) -> usize {
        let cells = self.slots().saturating_mul(1 + self.columns).saturating_add(self.letters.div_ceil(8));
        Shared::<Head, AtomicU64>::size(cells)
    }
}

shared! {
    /// How large the parts are, and the next unit of letters.
    struct Head { slots: AtomicU64, columns: AtomicU64, next: AtomicU64 }
}

/// A table in a segment.
///
/// ```
/// use shared_memory::{Memfd, table::{Plan, Table}};
///
/// let plan = Plan { words: 1_000, columns: 1, letters: 16_000 };
/// let memory = Memfd::create("words", plan.size())?;
/// let ours = Table::create(&memory, plan)?;
/// let theirs = Table::attach(&memory)?; // in another process, as a rule
/// ours.add(0, b"apple", 2)?;
/// theirs.add(0, b"apple", 3)?;
/// assert_eq!(ours.get(b"apple")?, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Table {
    shared: Shared<Head, AtomicU64>,
    slots: usize,
    columns: usize,
}

impl Table {
    /// An empty table in a new segment.
    ///
    /// # Errors
    /// As [`Shared::create`], and when the segment is too small for `plan`.
    pub fn create(memory: impl AsFd, plan: Plan) -> Result<Self, TableError> {
        Self::of(Shared::create(memory, |head: &mut Head, _| {
            // Relaxed: published with the segment.
            head.slots.store(plan.slots() as u64, Relaxed);
            head.columns.store(plan.columns as u64, Relaxed);
        })?)
    }

    /// One that another process has made.
    ///
    /// # Errors
    /// As [`Shared::attach`], and when the sizes in it cannot be true.
    pub fn attach(memory: impl AsFd) -> Result<Self, TableError> {
        Self::of(Shared::attach(memory)?)
    }

    fn of(shared: Shared<Head, AtomicU64>) -> Result<Self, TableError> {
        // Read once: whoever changes them later changes nothing here.
        let [slots, columns] = [&shared.slots, &shared.columns].map(|number| number.load(Relaxed));
        let units = shared.tail().len() as u64;
        let needed = columns.checked_add(1).and_then(|each| each.checked_mul(slots));
        if columns == 0 || !slots.is_power_of_two() || needed.is_none_or(|needed| needed > units) {
            return Err(TableError::Plan { slots, columns, units });
        }
        Ok(Self { shared, slots: slots as usize, columns: columns as usize })
    }

    /// Adds `times` to the count of `word` in `column`.
    ///
    /// # Errors
    /// See [`TableError`]; then nothing was added.
    pub fn add(&self, column: usize, word: &[u8], times: u64) -> Result<(), TableError> {
        self.add_with(column, word, times, &())
    }

    /// The same, with steps that a test can stop at.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn add_with(
        &self,
        column: usize,
        word: &[u8],
        times: u64,
        steps: &impl Steps,
    ) -> Result<(), TableError> {
        let counts = self.column(column)?;
        let slot = self.keys().enter(word, steps)?;
        // Relaxed: a sum needs no order. Who reads it at the end has waited for the processes.
        counts[slot].fetch_add(times, Relaxed);
        steps.at("added");
        Ok(())
    }

    /// Sets the count of `word` in `column`, in which nobody else counts: a store, where [`add`](Self::add) takes a locked
    /// instruction, which on x86 waits until all stores before it have reached the cache.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set_with(
        &self,
        column: usize,
        word: &[u8],
        times: u64,
        steps: &impl Steps,
    ) -> Result<(), TableError> {
        let counts = self.column(column)?;
        // Relaxed: as in `add_with`.
        counts[self.keys().enter(word, steps)?].store(times, Relaxed);
        steps.at("added");
        Ok(())
    }

    /// Sets all counts of a column to 0: what a killed worker has added is to be added again.
    ///
    /// # Errors
    /// [`TableError::Column`].
    pub fn clear(&self, column: usize) -> Result<(), TableError> {
        self.column(column)?.iter().for_each(|count| count.store(0, Relaxed));
        Ok(())
    }

    /// How often `word` was counted, in all columns together.
    ///
    /// # Errors
    /// [`TableError::Word`], [`TableError::Corrupt`].
    pub fn get(&self, word: &[u8]) -> Result<u64, TableError> {
        Ok(self.keys().find(word)?.map_or(0, |slot| self.sum(slot)))
    }

    /// Calls `visit` with each word that was counted and its count, in no order.
    ///
    /// # Errors
    /// [`TableError::Corrupt`].
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], u64)) -> Result<(), TableError> {
        let (keys, mut word) = (self.keys(), Vec::new());
        for slot in 0..self.slots {
            let times = self.sum(slot);
            // A word whose count is 0 was entered by a process that was killed before it could add.
            if times > 0 && keys.read(slot, &mut word)? {
                visit(&word, times);
            }
        }
        Ok(())
    }

    /// Units of letters that are in use, gaps counted.
    pub fn letters(&self) -> u64 {
        self.shared.next.load(Relaxed)
    }

    /// The words alone.
    pub fn keys(&self) -> Keys<'_> {
        let tail = self.shared.tail();
        let letters = &tail[self.slots * (1 + self.columns)..];
        Keys { slots: &tail[..self.slots], letters, next: &self.shared.next }
    }

    fn column(&self, column: usize) -> Result<&[AtomicU64], TableError> {
        if column >= self.columns {
            return Err(TableError::Column { column, columns: self.columns });
        }
        let from = self.slots * (1 + column);
        Ok(&self.shared.tail()[from..from + self.slots])
    }

    fn sum(&self, slot: usize) -> u64 {
        let counts = self.shared.tail()[self.slots + slot..].iter().step_by(self.slots);
        counts.take(self.columns).fold(0, |sum, count| sum.wrapping_add(count.load(Relaxed)))
    }
}
