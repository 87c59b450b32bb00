//! A list of mixed values in place, byte for byte as CPython's `multiprocessing.shared_memory.ShareableList` has it.
//!
//! ```text
//! count n | n + 1 offsets | the data | n formats of 8 bytes | n codes of 1 byte
//! ```
//! (Lib/multiprocessing/shared_memory.py.) Counts and offsets are 64-bit integers in the machine's byte order, offsets count
//! from the start of the data. Each value has a slot that never grows. A number, a bool or None takes 8 bytes, a text its
//! length rounded up to the next multiple of 8 that is larger.
//!
//! As in Python there is no lock: two who write one text at once may leave a mixture. A number is read and written in one
//! step. And as there, zeros at the end of a text are padding: a text that ends in one would come back without it, so it
//! is refused here.
//!
//! Nothing in the segment is believed: a list may come from anyone.

use std::{
    os::fd::AsFd,
    sync::atomic::{AtomicI64, Ordering::Relaxed},
};

use crate::{
    item::{BOOL, BYTES, FLOAT, INT, Item, NONE, STR, WORD, text_length},
    mapping::{MapError, Mapping},
};

/// Why there is no such list, or no such value in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It could not be mapped, or is too small for the values.
    #[error(transparent)]
    Map(#[from] MapError),
    /// There are not so many values.
    #[error("there is no item {index} in a list of {len}")]
    Index {
        /// The one asked for, from 0.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// A slot does not grow.
    #[error("{bytes} bytes do not fit into item {index}, which has room for {room}")]
    TooLong {
        /// Which.
        index: usize,
        /// What was to be stored.
        bytes: usize,
        /// What there is.
        room: usize,
    },
    /// It would come back without them: zeros at the end are padding.
    #[error("a text for a shared list cannot end in a zero byte")]
    TrailingZero,
    /// The bytes in the segment are no list.
    #[error("this is no list: {0}")]
    Corrupt(&'static str),
}

/// A list in shared memory.
#[derive(Debug)]
pub struct ShareableList {
    mapping: Mapping,
    /// Where each slot begins, counted from the start of the segment, and where the last ends. Read once, and checked:
    /// whatever the segment says later, these stay.
    slots: Vec<usize>,
}

impl ShareableList {
    /// Bytes of a segment for these values.
    pub fn size(items: &[Item]) -> usize {
        let data: usize = items.iter().map(Item::room).sum();
        (items.len() + 2) * WORD + data + items.len() * (WORD + 1)
    }

    /// Writes a new list into a segment.
    ///
    /// # Errors
    /// [`ListError::TrailingZero`], and when the memory is too small.
    pub fn create(memory: impl AsFd, items: &[Item]) -> Result<Self, ListError> {
        let mapping = Mapping::whole(memory)?;
        let (has, needed) = (mapping.len() as u64, Self::size(items) as u64);
        if has < needed {
            return Err(MapError::TooSmall { has, needed }.into());
        }
        let (mut slots, mut end) = (Vec::new(), (items.len() + 2) * WORD);
        for item in items {
            slots.push(end);
            end += item.room();
        }
        slots.push(end);
        let list = Self { mapping, slots };
        for (index, item) in items.iter().enumerate() {
            list.set(index, item)?;
        }
        for (index, slot) in list.slots.iter().enumerate() {
            list.word((index + 1) * WORD)?.store((slot - list.slots[0]) as i64, Relaxed);
        }
        list.word(0)?.store(items.len() as i64, Relaxed);
        Ok(list)
    }

    // ANCHOR: attach
    /// Uses a list that somebody else has written: this crate, or Python.
    ///
    /// # Errors
    /// [`ListError::Corrupt`] when the counts and offsets cannot be true.
    pub fn attach(memory: impl AsFd) -> Result<Self, ListError> {
        let mapping = Mapping::whole(memory)?;
        let len = mapping.at::<AtomicI64>(0)?.load(Relaxed);
        // Each value takes an offset, a slot, a format and a code: so no more than this. From here on nothing overflows.
        let most = mapping.len() / (3 * WORD + 1);
        let len = usize::try_from(len).ok().filter(|len| *len <= most);
        let len = len.ok_or(ListError::Corrupt("its count is no count for so few bytes"))?;
        let start = (len + 2) * WORD;
        let mut slots = Vec::with_capacity(len + 1);
        for index in 0..=len {
            let offset = mapping.at::<AtomicI64>((index + 1) * WORD)?.load(Relaxed);
            let slot = usize::try_from(offset)
                .ok()
                .filter(|offset| *offset <= mapping.len())
                .map(|offset| start + offset);
            let least = slots.last().map_or(start, |last| last + WORD);
            match slot {
                Some(slot) if slot >= least && slot % WORD == 0 => slots.push(slot),
                _ => return Err(ListError::Corrupt("an offset lies where no slot can be")),
            }
        }
        if slots[len] + len * (WORD + 1) > mapping.len() {
            return Err(ListError::Corrupt("the data lie beyond its end"));
        }
        Ok(Self { mapping, slots })
    }
    // ANCHOR_END: attach

    /// How many values.
    pub fn len(&self) -> usize {
        self.slots.len() - 1
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `index`, from 0, as it is now.
    ///
    /// # Errors
    /// [`ListError::Index`], and [`ListError::Corrupt`] when its format, code or text is none.
    pub fn get(&self, index: usize) -> Result<Item, ListError> {
        let (slot, room) = self.slot(index)?;
        let (format, code) = self.format(index)?;
        Ok(match (format.as_slice(), code) {
            (_, 3) => Item::None,
            (b"q", 0) => Item::Int(self.word(slot)?.load(Relaxed)),
            (b"d", 0) => Item::Float(f64::from_bits(self.word(slot)?.load(Relaxed).cast_unsigned())),
            (b"xxxxxxx?", 0) => {
                let mut bytes = [0; WORD];
                self.mapping.read(slot, &mut bytes)?;
                Item::Bool(bytes[7] != 0)
            }
            (format, STR | BYTES) => {
                let length = text_length(format).filter(|length| *length <= room);
                let mut text = vec![0; length.ok_or(ListError::Corrupt("a text is longer than its slot"))?];
                self.mapping.read(slot, &mut text)?;
                text.truncate(text.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
                if code == BYTES {
                    return Ok(Item::Bytes(text));
                }
                Item::Str(String::from_utf8(text).map_err(|_| ListError::Corrupt("a text is not UTF-8"))?)
            }
            _ => return Err(ListError::Corrupt("a format that nobody knows")),
        })
    }

    /// Replaces the value at `index`, also by one of another kind, if it fits into the slot.
    ///
    /// # Errors
    /// [`ListError::Index`], [`ListError::TooLong`], [`ListError::TrailingZero`].
    pub fn set(&self, index: usize, item: &Item) -> Result<(), ListError> {
        let (slot, room) = self.slot(index)?;
        match item {
            Item::Int(number) => self.put(index, INT, slot, number.to_ne_bytes()),
            Item::Float(number) => self.put(index, FLOAT, slot, number.to_ne_bytes()),
            Item::Bool(flag) => self.put(index, BOOL, slot, [0, 0, 0, 0, 0, 0, 0, u8::from(*flag)]),
            Item::None => self.put(index, NONE, slot, [0; WORD]),
            Item::Str(_) | Item::Bytes(_) => {
                let text = item.text().unwrap_or_default();
                if text.len() > room {
                    return Err(ListError::TooLong { index, bytes: text.len(), room });
                }
                if text.last() == Some(&0) {
                    return Err(ListError::TrailingZero);
                }
                let code = if matches!(item, Item::Str(_)) { STR } else { BYTES };
                self.set_format(index, format!("{room}s").as_bytes(), code)?;
                let mut padded = vec![0; room];
                padded[..text.len()].copy_from_slice(text);
                Ok(self.mapping.write(slot, &padded)?)
            }
        }
    }

    /// All values, as they are now.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn to_vec(&self) -> Result<Vec<Item>, ListError> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    fn put(&self, index: usize, kind: (&[u8], u8), slot: usize, value: [u8; WORD]) -> Result<(), ListError> {
        self.set_format(index, kind.0, kind.1)?;
        self.word(slot)?.store(i64::from_ne_bytes(value), Relaxed);
        Ok(())
    }

    /// Relaxed all over this file: there is no lock, so nothing is promised about the order in which others see it.
    fn word(&self, offset: usize) -> Result<&AtomicI64, MapError> {
        self.mapping.at(offset)
    }

    /// Where a slot begins, and how long it is.
    fn slot(&self, index: usize) -> Result<(usize, usize), ListError> {
        match self.slots.get(index..index.saturating_add(2)) {
            Some([start, end]) => Ok((*start, end - start)),
            _ => Err(ListError::Index { index, len: self.len() }),
        }
    }

    fn format(&self, index: usize) -> Result<(Vec<u8>, u8), MapError> {
        let (mut format, mut code) = (vec![0; WORD], [0]);
        self.mapping.read(self.formats() + index * WORD, &mut format)?;
        self.mapping.read(self.formats() + self.len() * WORD + index, &mut code)?;
        format.retain(|byte| *byte != 0);
        Ok((format, code[0]))
    }

    fn set_format(&self, index: usize, format: &[u8], code: u8) -> Result<(), ListError> {
        let mut padded = [0; WORD];
        let fits = padded.get_mut(..format.len()).ok_or(ListError::Corrupt("a slot of ten million bytes"))?;
        fits.copy_from_slice(format);
        self.mapping.write(self.formats() + index * WORD, &padded)?;
        Ok(self.mapping.write(self.formats() + self.len() * WORD + index, &[code])?)
    }

    fn formats(&self) -> usize {
        self.slots[self.len()]
    }
}
