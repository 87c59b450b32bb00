//! A hash table that counts short words, and does nothing else: no allocation for a word, one cache line for most.
//!
//! Open addressing with linear probing (Knuth, "The Art of Computer Programming", volume 3, 6.4, algorithm L): the
//! slot after the top bits of the hash, and if another word sits there, the next one. It is at most half full, so that
//! most words are at home in the first slot they ask for. Words are never removed, so there are no gaps to mark.

use super::key::{Key, hash};

/// 24 bytes: the key as two halves, for a `u128` would be padded to 32.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: [u64; 2],
    /// 0 while the slot is free.
    count: u64,
}

/// Short words and how often each was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// A power of two, or none at all.
    slots: Vec<Slot>,
    used: usize,
    /// Leaves as many bits of a hash as number a slot.
    shift: u32,
}

impl Table {
    /// Few enough for the second-level cache, many enough for the words of a short text.
    const FIRST: usize = 1 << 12;

    /// How many words are in it.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Counts `key` another `times`, which is not 0.
    #[inline]
    pub(super) fn add(&mut self, key: Key, times: u64) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.home(key);
        loop {
            match self.slots.get_mut(at & mask) {
                Some(slot) if slot.key == halves(key) => {
                    slot.count += times;
                    return;
                }
                Some(slot) if slot.count == 0 => {
                    *slot = Slot { key: halves(key), count: times };
                    self.used += 1;
                    if self.used * 2 > self.slots.len() {
                        self.reserve(1);
                    }
                    return;
                }
                Some(_) => at += 1,
                // There are no slots yet.
                None => {
                    self.reserve(1);
                    return self.add(key, times);
                }
            }
        }
    }

    /// The first slot to try.
    #[inline]
    fn home(&self, key: Key) -> usize {
        (hash(key) >> self.shift) as usize
    }

    /// Makes room for `more` words.
    #[cold]
    #[inline(never)]
    pub(super) fn reserve(&mut self, more: usize) {
        let slots = ((self.used + more) * 2).next_power_of_two().max(Self::FIRST);
        if slots > self.slots.len() {
            let old = std::mem::replace(&mut self.slots, vec![Slot::default(); slots]);
            self.shift = 64 - slots.trailing_zeros();
            self.used = 0;
            for slot in old.into_iter().filter(|slot| slot.count > 0) {
                self.add(whole(slot.key), slot.count);
            }
        }
    }

    /// How often `key` was seen.
    pub(super) fn get(&self, key: Key) -> u64 {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.home(key);
        while let Some(slot) = self.slots.get(at & mask) {
            if slot.key == halves(key) || slot.count == 0 {
                return slot.count;
            }
            at += 1;
        }
        0
    }

    /// All words, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, u64)> {
        self.slots.iter().filter(|slot| slot.count > 0).map(|slot| (whole(slot.key), slot.count))
    }
}

#[inline]
fn halves(key: Key) -> [u64; 2] {
    [key as u64, (key >> 64) as u64]
}

#[inline]
fn whole([low, high]: [u64; 2]) -> Key {
    Key::from(low) | Key::from(high) << 64
}
