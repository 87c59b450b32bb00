//! Two who enter the same word get one slot, and who finds a word finds its letters: under every schedule and ordering.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};
use shared_memory::table::keys::{Keys, Steps};

#[path = "support/start.rs"]
mod start;
use start::Start;

/// A table without counts.
struct Table {
    start: Start,
    slots: Vec<AtomicU64>,
    letters: Vec<AtomicU64>,
    next: AtomicU64,
}

impl Table {
    fn new() -> Arc<Self> {
        let cells = |count| (0..count).map(|_| AtomicU64::new(0)).collect();
        Arc::new(Self {
            start: Start::default(),
            slots: cells(2),
            letters: cells(4),
            next: AtomicU64::new(0),
        })
    }

    fn keys(&self) -> Keys<'_> {
        Keys { slots: &self.slots, letters: &self.letters, next: &self.next }
    }
}

/// Two enter words that want the same of two slots: `ours` here, `theirs` there. Then both words are there, once.
fn two_enter<S: Steps + Copy + Send + 'static>(ours: &'static [u8], theirs: &'static [u8], steps: S) {
    let table = Table::new();
    let other = Arc::clone(&table);
    let there = thread::spawn(move || {
        other.start.go();
        other.keys().enter(theirs, &steps).unwrap()
    });
    table.start.go();
    let here = table.keys().enter(ours, &steps).unwrap();
    // What is in the other slot meanwhile is nothing, or the other's word, whole.
    let mut word = Vec::new();
    for slot in 0..2 {
        if table.keys().read(slot, &mut word).unwrap() {
            assert!(word == ours || word == theirs, "torn: {word:?}");
        }
    }
    let there = there.join().unwrap();
    assert_eq!(here == there, ours == theirs, "one slot for each word");
    assert_eq!(table.keys().find(ours).unwrap(), Some(here), "the word is lost");
    assert_eq!(table.keys().find(theirs).unwrap(), Some(there), "the word is lost");
    let used = table.slots.iter().filter(|slot| slot.load(Relaxed) != 0).count();
    assert_eq!(used, if ours == theirs { 1 } else { 2 }, "a word is there twice");
    // Words whose first slots differ would never meet, and nothing would be proven.
    let [first, same] = [ours, theirs].map(|word| Table::new().keys().enter(word, &()).unwrap());
    assert_eq!(first, same, "the words do not want the same slot");
}

#[test]
fn the_same_word_has_one_slot() {
    model::explore(&Explore::named("table: the same word").floor(20), || two_enter(b"pear", b"pear", ()));
}

#[test]
fn two_words_have_two() {
    model::explore(&Explore::named("table: two words").floor(20), || two_enter(b"plum", b"apple", ()));
}

/// One enters a word. Another, who sees that a slot is in use and no more, finds the whole word in it.
fn one_enters_and_one_looks(look: fn(&Table, usize)) {
    let table = Table::new();
    let other = Arc::clone(&table);
    let there = thread::spawn(move || {
        other.start.go();
        other.keys().enter(b"plum", &()).unwrap()
    });
    table.start.go();
    if let Some(slot) = table.slots.iter().position(|slot| slot.load(Relaxed) != 0) {
        look(&table, slot);
    }
    there.join().unwrap();
}

#[test]
fn a_word_that_is_there_is_found() {
    model::explore(&Explore::named("table: find").exhaustive().floor(5), || {
        one_enters_and_one_looks(|table, slot| {
            assert_eq!(table.keys().find(b"plum").unwrap(), Some(slot), "the word is lost");
        });
    });
}

#[test]
fn a_word_that_is_there_is_read_whole() {
    model::explore(&Explore::named("table: read").exhaustive().floor(5), || {
        one_enters_and_one_looks(|table, slot| {
            let mut word = Vec::new();
            assert!(table.keys().read(slot, &mut word).unwrap() && word == b"plum", "torn: {word:?}");
        });
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    /// A look and a store in the place of one step.
    #[derive(Clone, Copy)]
    struct LookThenStore;

    impl Steps for LookThenStore {
        fn publish(&self, slot: &AtomicU64, key: u64) -> Result<(), u64> {
            match slot.load(Relaxed) {
                0 => {
                    slot.store(key, model::sync::atomic::Ordering::Release);
                    Ok(())
                }
                anothers => Err(anothers),
            }
        }
    }

    #[test]
    fn a_word_is_overwritten() {
        must_find("table: looked, then stored", "slot for each word", || {
            model::explore(&Explore::named("table: looked, then stored"), || {
                two_enter(b"plum", b"apple", LookThenStore);
            });
        });
    }

    /// The key without an order: the letters behind it may not be there yet.
    #[cfg(feature = "loom")]
    #[derive(Clone, Copy)]
    struct Unordered;

    #[cfg(feature = "loom")]
    impl Steps for Unordered {
        fn publish(&self, slot: &AtomicU64, key: u64) -> Result<(), u64> {
            slot.compare_exchange(0, key, Relaxed, Relaxed).map(drop)
        }
    }

    #[cfg(feature = "loom")]
    #[test]
    fn letters_are_not_there_yet() {
        must_find("table: published Relaxed", "torn", || {
            model::explore(&Explore::named("table: published Relaxed"), || {
                two_enter(b"plum", b"apple", Unordered);
            });
        });
    }
}
