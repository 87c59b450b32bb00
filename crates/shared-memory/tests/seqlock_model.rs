//! No reader gets a torn copy, under every schedule and memory ordering; without one of these it does: the first look's
//! Acquire, the last store's Release, the two fences.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Relaxed},
        },
    },
    thread,
};
use shared_memory::{seqlock::Sequence, who::Who};

#[path = "support/start.rs"]
mod start;
use start::Start;

#[derive(Default)]
struct Snapshot {
    start: Start,
    sequence: Sequence,
    words: [AtomicU64; 2],
}

impl Snapshot {
    fn store(&self, value: u64) {
        self.words.iter().for_each(|word| word.store(value, Relaxed));
    }

    fn copy(&self) -> [u64; 2] {
        [0, 1].map(|word| self.words[word].load(Relaxed))
    }
}

/// How they write and read; the twins do it otherwise.
#[derive(Clone, Copy)]
struct Steps {
    write: fn(&Snapshot, u64),
    read: fn(&Snapshot) -> Option<[u64; 2]>,
}

const RIGHT: Steps = Steps {
    write: |snapshot, value| {
        snapshot.sequence.begin();
        snapshot.store(value);
        snapshot.sequence.end();
    },
    read: |snapshot| snapshot.sequence.read(|| snapshot.copy()),
};

/// So many writes beside one look.
fn run(steps: Steps, writes: u64) {
    let snapshot = Arc::new(Snapshot::default());
    let theirs = Arc::clone(&snapshot);
    let writer = thread::spawn(move || {
        theirs.start.go();
        (1..=writes).for_each(|value| (steps.write)(&theirs, value));
    });
    snapshot.start.go();
    if let Some([left, right]) = (steps.read)(&snapshot) {
        assert_eq!(left, right, "a torn copy");
    }
    writer.join().unwrap();
    assert_eq!((steps.read)(&snapshot), Some([writes; 2]));
    assert_eq!(snapshot.sequence.number.load(Acquire), 2 * writes);
}

#[test]
fn a_copy_is_never_torn() {
    model::explore(&Explore::named("shared seqlock: one write").exhaustive().floor(450), || run(RIGHT, 1));
    model::explore(&Explore::named("shared seqlock: two writes").preemptions(3).floor(400), || run(RIGHT, 2));
}

#[test]
fn after_a_dead_writer_there_is_no_copy_until_another_has_written() {
    model::explore(&Explore::named("shared seqlock: a writer dies").preemptions(3).floor(450), || {
        let snapshot = Arc::new(Snapshot::default());
        let theirs = Arc::clone(&snapshot);
        let dead = thread::spawn(move || {
            theirs.start.go();
            theirs.sequence.begin();
            theirs.words[0].store(1, Relaxed);
        });
        let others = Arc::clone(&snapshot);
        let next = thread::spawn(move || {
            dead.join().unwrap();
            assert!(others.sequence.read(|| others.copy()).is_none());
            (RIGHT.write)(&others, 2);
        });
        snapshot.start.go();
        if let Some([left, right]) = (RIGHT.read)(&snapshot) {
            assert_eq!(left, right, "a torn copy");
        }
        next.join().unwrap();
        assert_eq!((RIGHT.read)(&snapshot), Some([2; 2]));
    });
}

/// Two processes take turns as the writer: the number goes on where the other has left it.
#[test]
fn the_next_writer_goes_on_from_the_last() {
    model::explore(&Explore::named("shared seqlock: two writers").preemptions(2).floor(15), || {
        let snapshot = Arc::new(Snapshot::default());
        let write = |snapshot: &Snapshot, me: u64| {
            snapshot.start.go();
            let claimed = snapshot.sequence.claim(Who::from_bits(me << 16), |who| who != Who::NOBODY);
            if claimed.is_ok() {
                (RIGHT.write)(snapshot, me);
                snapshot.sequence.leave();
            }
            u64::from(claimed.is_ok())
        };
        let theirs = Arc::clone(&snapshot);
        let other = thread::spawn(move || write(&theirs, 1));
        let writes = write(&snapshot, 2) + other.join().unwrap();
        assert!(writes > 0, "nobody could write");
        assert_eq!(snapshot.sequence.number.load(Acquire), 2 * writes, "the number went back");
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use testkit::must_find;

    use super::*;

    fn twin(name: &'static str, steps: Steps) {
        must_find(name, "a torn copy", || {
            model::explore(&Explore::named(name).preemptions(2), move || run(steps, 2));
        });
    }

    #[test]
    fn read_without_a_look_at_the_number() {
        twin("shared seqlock: no number", Steps { read: |snapshot| Some(snapshot.copy()), ..RIGHT });
    }

    #[test]
    fn read_with_one_look() {
        let read = |snapshot: &Snapshot| {
            let even = snapshot.sequence.number.load(Acquire).is_multiple_of(2);
            even.then(|| snapshot.copy())
        };
        twin("shared seqlock: one look", Steps { read, ..RIGHT });
    }

    #[cfg(feature = "loom")]
    mod orderings {
        use model::sync::atomic::{Ordering, Ordering::Release, fence};

        use super::*;

        fn write(snapshot: &Snapshot, value: u64, fenced: bool, last: Ordering) {
            let number = &snapshot.sequence.number;
            number.store(number.load(Relaxed) | 1, Relaxed);
            if fenced {
                fence(Release);
            }
            snapshot.store(value);
            number.store(number.load(Relaxed) + 1, last);
        }

        fn read(snapshot: &Snapshot, first: Ordering, fenced: bool) -> Option<[u64; 2]> {
            let before = snapshot.sequence.number.load(first);
            let copy = snapshot.copy();
            if fenced {
                fence(Acquire);
            }
            let same = snapshot.sequence.number.load(Relaxed) == before;
            (same && before.is_multiple_of(2)).then_some(copy)
        }

        #[test]
        fn each_of_the_four_is_needed() {
            twin(
                "shared seqlock: begun without a fence",
                Steps { write: |snapshot, value| write(snapshot, value, false, Release), ..RIGHT },
            );
            twin(
                "shared seqlock: ended Relaxed",
                Steps { write: |snapshot, value| write(snapshot, value, true, Relaxed), ..RIGHT },
            );
            twin("shared seqlock: read Relaxed", Steps { read: |s| read(s, Relaxed, true), ..RIGHT });
            twin(
                "shared seqlock: read without a fence",
                Steps { read: |s| read(s, Acquire, false), ..RIGHT },
            );
        }
    }
}
