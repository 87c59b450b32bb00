//! How a word gets into the table: its letters first, where nobody looks, then one atomic step that makes it visible.
//!
//! ```text
//! slots:    | 0 | key | 0 | 0 | key | ...      key: where the letters are, how many, 8 bits of the hash; 0: free
//! letters:  |the.....|apple...|                written before their key, never changed after
//! ```
//! So there is no state in between. A process that is killed before the step has left letters that no key names (a gap);
//! one that is killed after it has entered a word. Nobody ever waits for another one, dead or alive.
//!
//! Open addressing with linear probing: the slot that the hash names, and if another word is there, the next one. Words are
//! not removed, so a free slot ends each search. The same as `std::collections::HashMap` that is never shrunk; but no one
//! makes it grow either, as that would move what others look at.

use model::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use workload::words;

use super::TableError;

/// The parts of a table that are about words: in a segment, or in a model checker's world (`tests/table_model.rs`).
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The slots, a power of two.
    pub slots: &'a [AtomicU64],
    /// Letters, eight a unit; a word begins with a unit of its own, and the rest of its last one is zero.
    pub letters: &'a [AtomicU64],
    /// The first unit that nobody has.
    pub next: &'a AtomicU64,
}

/// What happens between the steps: nothing, unless a test wants a process killed there, or the step done wrong.
pub trait Steps {
    /// It is at `point`: `written` (letters, no key), `published`, and in [`Table::add_with`](super::Table::add_with) `added`.
    fn at(&self, _point: &'static str) {}

    // ANCHOR: publish
    /// Puts `key` in a free slot. If another was quicker: its key.
    ///
    /// # Errors
    /// That key.
    fn publish(&self, slot: &AtomicU64, key: u64) -> Result<(), u64> {
        // One step: between a look and a store another could enter a word, which would be lost.
        // Release: pairs with the Acquire of whoever finds the key and reads the letters. Acquire: the same for us.
        slot.compare_exchange(0, key, Release, Acquire).map(drop)
    }
    // ANCHOR_END: publish
}

/// In production: nothing.
impl Steps for () {}

const LENGTH_BITS: u32 = 24;
const PLACE_BITS: u32 = 32;

/// Words of more bytes are refused: the key has no room for their length.
pub const LONGEST: usize = (1 << LENGTH_BITS) - 1;

impl Keys<'_> {
    // ANCHOR: enter
    /// The slot of `word`, which is entered if it is not there yet.
    ///
    /// # Errors
    /// [`TableError::Full`], [`TableError::Word`], [`TableError::Corrupt`].
    pub fn enter(&self, word: &[u8], steps: &impl Steps) -> Result<usize, TableError> {
        let hash = hash_of(word)?;
        let mut ours = None;
        for slot in self.way(hash) {
            // Acquire: pairs with the Release in `publish`.
            let mut key = self.slots[slot].load(Acquire);
            if key == 0 {
                let written = match ours {
                    Some(key) => key,
                    None => *ours.insert(self.write(word, hash)?),
                };
                steps.at("written");
                match steps.publish(&self.slots[slot], written) {
                    Ok(()) => {
                        steps.at("published");
                        return Ok(slot);
                    }
                    Err(anothers) => key = anothers,
                }
            }
            // Perhaps the same word, entered by another process a moment ago: then our letters are a gap.
            if self.is(key, word, hash)? {
                return Ok(slot);
            }
        }
        Err(TableError::Full { what: "slots" })
    }
    // ANCHOR_END: enter

    /// The slot of `word`, if it is in the table.
    ///
    /// # Errors
    /// [`TableError::Word`], [`TableError::Corrupt`].
    pub fn find(&self, word: &[u8]) -> Result<Option<usize>, TableError> {
        let hash = hash_of(word)?;
        for slot in self.way(hash) {
            // Acquire: as in `enter`.
            let key = self.slots[slot].load(Acquire);
            if key == 0 {
                return Ok(None);
            }
            if self.is(key, word, hash)? {
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }

    /// The word in a slot, written to `into`; false for a free slot.
    ///
    /// # Errors
    /// [`TableError::Corrupt`].
    pub fn read(&self, slot: usize, into: &mut Vec<u8>) -> Result<bool, TableError> {
        into.clear();
        // Acquire: as in `enter`.
        let key = self.slots[slot].load(Acquire);
        if key == 0 {
            return Ok(false);
        }
        for unit in self.units(key)? {
            into.extend_from_slice(&unit.load(Relaxed).to_le_bytes());
        }
        into.truncate(len_of(key));
        Ok(true)
    }

    /// All slots, from the one that the hash names, around.
    fn way(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        // Its highest bits: who enters words in the order of their hashes goes through the slots from the first to the last.
        let home = ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize;
        (0..self.slots.len()).map(move |step| home.wrapping_add(step) & mask)
    }

    /// Writes the letters where nobody is, and returns the key to them, which nobody knows yet.
    fn write(&self, word: &[u8], hash: u64) -> Result<u64, TableError> {
        let full = TableError::Full { what: "letters" };
        let units = word.len().div_ceil(8);
        // Relaxed: each gets other units; what is in them becomes known by the key.
        let place = self.next.fetch_add(units as u64, Relaxed);
        let from = u32::try_from(place).map_err(|_| full)? as usize;
        let room = self.letters.get(from..).and_then(|rest| rest.get(..units)).ok_or(full)?;
        for (unit, letters) in room.iter().zip(units_of(word)) {
            unit.store(letters, Relaxed);
        }
        Ok(place << PLACE_BITS | (word.len() as u64) << 8 | tag(hash))
    }

    /// Whether `key` is that of `word`. Most others differ in eight bits of the hash, or in their length.
    fn is(&self, key: u64, word: &[u8], hash: u64) -> Result<bool, TableError> {
        if key & 0xff != tag(hash) || len_of(key) != word.len() {
            return Ok(false);
        }
        Ok(self.units(key)?.iter().zip(units_of(word)).all(|(unit, letters)| unit.load(Relaxed) == letters))
    }

    /// Where the letters of a key are. Any process may have written the key: it is checked each time.
    fn units(&self, key: u64) -> Result<&[AtomicU64], TableError> {
        let (from, units) = ((key >> PLACE_BITS) as usize, len_of(key).div_ceil(8));
        self.letters.get(from..).and_then(|rest| rest.get(..units)).ok_or(TableError::Corrupt { key })
    }
}

fn len_of(key: u64) -> usize {
    (key as usize >> 8) & LONGEST
}

fn tag(hash: u64) -> u64 {
    hash & 0xff
}

/// Eight bytes at a time, the last ones filled up with zeros.
fn units_of(word: &[u8]) -> impl Iterator<Item = u64> {
    let (whole, rest) = word.as_chunks();
    let last = (!rest.is_empty()).then(|| padded(rest));
    whole.iter().copied().map(u64::from_le_bytes).chain(last)
}

/// Up to eight bytes, then zeros. To copy a number of bytes that is not known beforehand is a call; these are two loads, which
/// may overlap.
fn padded(bytes: &[u8]) -> u64 {
    let both = |front: u64, back: u64, width: usize| front | back << (8 * (bytes.len() - width));
    if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        both(u32::from_le_bytes(*front).into(), u32::from_le_bytes(*back).into(), 4)
    } else if let (Some(front), Some(back)) = (bytes.first_chunk(), bytes.last_chunk()) {
        both(u16::from_le_bytes(*front).into(), u16::from_le_bytes(*back).into(), 2)
    } else {
        bytes.first().copied().unwrap_or(0).into()
    }
}

/// The same in all processes, whatever their build: that of the words workload, 16 bytes at a time. So words that were counted
/// there come in the order of the slots here, and a pass over many is one over neighbours. Who chooses the words can make
/// them collide, which makes the table slow and not wrong.
fn hash_of(word: &[u8]) -> Result<u64, TableError> {
    if word.is_empty() || word.len() > LONGEST {
        return Err(TableError::Word { bytes: word.len() });
    }
    let (mut units, mut hash) = (units_of(word), 0);
    while let Some(low) = units.next() {
        let high = units.next().unwrap_or(0);
        hash = words::hash((u128::from(low) | u128::from(high) << 64) ^ u128::from(hash));
    }
    Ok(hash)
}
