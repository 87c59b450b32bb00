//! How often each word was seen: short words in a table made for them, the few long ones in a usual map.

use hashbrown::HashMap;

use super::{
    key::{self, LONGEST},
    table::Table,
};

/// Words and how often each was seen. Two are equal when they hold the same words as often, however they came by them.
///
/// Memory grows with the number of *different* words: 48 to 96 bytes each, plus the letters of those above 16.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    short: Table,
    long: HashMap<Vec<u8>, u64>,
    /// A long word in lower case, while it is looked up: memory that is used again and again.
    lower: Vec<u8>,
    total: u64,
}

impl Counts {
    /// Counts the word `text[start..end]`. See [`key::key`] for what must come after it.
    #[inline]
    pub(super) fn add(&mut self, text: &[u8], start: usize, end: usize) {
        let len = end - start;
        if len <= LONGEST {
            self.short.add(key::key(text, start, len), 1);
            self.total += 1;
        } else {
            self.add_long(&text[start..end]);
        }
    }

    /// One word in a hundred, in sources: what it costs does not show.
    #[cold]
    fn add_long(&mut self, word: &[u8]) {
        self.lower.clear();
        self.lower.extend(word.iter().map(u8::to_ascii_lowercase));
        *self.long.entry_ref(self.lower.as_slice()).or_default() += 1;
        self.total += 1;
    }

    /// Counts `word`, which is lower-case letters and nothing else, another `times`.
    pub(super) fn add_times(&mut self, word: &[u8], times: u64) {
        if word.is_empty() || times == 0 {
            return;
        }
        self.total += times;
        if word.len() <= LONGEST {
            self.short.add(key::key_of(word), times);
        } else {
            *self.long.entry_ref(word).or_default() += times;
        }
    }

    /// Makes room for `more` words.
    pub(super) fn reserve(&mut self, more: usize) {
        self.short.reserve(more);
    }

    /// Adds all of `other`. It costs as much as the smaller of both has different words.
    pub fn merge(&mut self, mut other: Counts) {
        if self.distinct() < other.distinct() {
            std::mem::swap(self, &mut other);
        }
        self.total += other.total;
        // All the room at once. Words come out of a table in the order of their hashes; into one that grows
        // meanwhile they would go in dense runs, and probing would become quadratic (rust-lang/rust#36481).
        self.short.reserve(other.short.len());
        for (key, times) in other.short.iter() {
            self.short.add(key, times);
        }
        for (word, times) in other.long {
            *self.long.entry(word).or_default() += times;
        }
    }

    /// How many words there were.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many different words there were.
    pub fn distinct(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// How often `word` was seen; it is written in lower case.
    pub fn get(&self, word: &str) -> u64 {
        match word.len() {
            0 => 0,
            1..=LONGEST if word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                self.short.get(key::key_of(word.as_bytes()))
            }
            _ => self.long.get(word.as_bytes()).copied().unwrap_or_default(),
        }
    }

    /// Calls `visit` with each word and how often it was seen: those of up to 16 letters by their [`hash`](super::hash()), but
    /// for neighbours, the others behind them in no order. A table with this hash is then filled from its first slot to its
    /// last; it must have the room before, see [`merge`](Self::merge).
    pub fn for_each(&self, mut visit: impl FnMut(&str, u64)) {
        let mut word = |letters: &[u8], times| {
            visit(str::from_utf8(letters).expect("words are ASCII letters"), times);
        };
        for (key, times) in self.short.iter() {
            word(&key.to_le_bytes()[..key::len(key)], times);
        }
        for (letters, times) in &self.long {
            word(letters, *times);
        }
    }

    /// The `most` frequent words, the most frequent first, those of the same frequency by the alphabet.
    pub fn top(&self, most: usize) -> Vec<(String, u64)> {
        // Only the best so far are kept, sorted: no second copy of a large table.
        let mut best: Vec<(String, u64)> = Vec::with_capacity(most + 1);
        self.for_each(|word, times| {
            let place = best.partition_point(|(other, count)| (times, other.as_str()) < (*count, word));
            if place < most {
                best.insert(place, (word.to_owned(), times));
                best.truncate(most);
            }
        });
        best
    }
}

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total
            && self.short.len() == other.short.len()
            && self.long == other.long
            && self.short.iter().all(|(key, times)| other.short.get(key) == times)
    }
}

impl Eq for Counts {}
