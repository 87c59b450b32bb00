//! No reader gets a torn copy and no update is lost, under every schedule; without either fence a reader does.

use model::{Explore, sync::Arc, thread};
use synchronization::SeqLock;

#[path = "support/gate.rs"]
mod gate;
use gate::Gate;

#[test]
fn a_copy_is_never_torn() {
    model::explore(&Explore::named("seqlock: read against write").exhaustive().floor(600), || {
        let gate = Gate::new();
        let lock = Arc::new(SeqLock::new([0_usize; 2]));
        let (theirs, their_gate) = (Arc::clone(&lock), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.write([1, 1]);
        });
        gate.enter();
        if let Some([left, right]) = lock.try_read() {
            assert_eq!(left, right, "a torn copy");
        }
        writer.join().unwrap();
        assert_eq!(lock.read(), [1, 1]);
    });
}

#[test]
fn a_copy_between_two_writes_is_never_torn() {
    model::explore(&Explore::named("seqlock: read against two writes").floor(700), || {
        let gate = Gate::new();
        let lock = Arc::new(SeqLock::new([0_usize; 2]));
        let (theirs, their_gate) = (Arc::clone(&lock), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.write([1, 1]);
            theirs.write([2, 2]);
        });
        gate.enter();
        if let Some([left, right]) = lock.try_read() {
            assert_eq!(left, right, "a torn copy");
        }
        writer.join().unwrap();
    });
}

#[test]
fn no_update_is_lost() {
    model::explore(&Explore::named("seqlock: two updates").floor(20), || {
        let gate = Gate::new();
        let lock = Arc::new(SeqLock::new(0_usize));
        let (theirs, their_gate) = (Arc::clone(&lock), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.update(|count| count + 1);
        });
        gate.enter();
        lock.update(|count| count + 1);
        writer.join().unwrap();
        assert_eq!(lock.read(), 2, "an update is lost");
    });
}

#[test]
fn a_reader_that_waits_gets_through() {
    model::explore(&Explore::named("seqlock: a reader that waits").preemptions(2).floor(20), || {
        let gate = Gate::new();
        let lock = Arc::new(SeqLock::new([0_usize; 2]));
        let (theirs, their_gate) = (Arc::clone(&lock), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.write([1, 1]);
        });
        gate.enter();
        let [left, right] = lock.read();
        assert_eq!(left, right, "a torn copy");
        writer.join().unwrap();
    });
}

#[cfg(feature = "loom")]
mod broken {
    use model::sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
        fence,
    };
    use testkit::must_find;

    use super::*;

    /// One writer, two words; each fence can be left out.
    #[derive(Default)]
    struct Bare {
        sequence: AtomicUsize,
        words: [AtomicUsize; 2],
    }

    impl Bare {
        fn write(&self, value: usize, fenced: bool) {
            let even = self.sequence.fetch_add(1, Acquire);
            if fenced {
                fence(Release);
            }
            self.words.iter().for_each(|word| word.store(value, Relaxed));
            self.sequence.store(even + 2, Release);
        }

        fn read(&self, fenced: bool) {
            let before = self.sequence.load(Acquire);
            let copy = [self.words[0].load(Relaxed), self.words[1].load(Relaxed)];
            if fenced {
                fence(Acquire);
            }
            if before.is_multiple_of(2) && self.sequence.load(Relaxed) == before {
                assert_eq!(copy[0], copy[1], "a torn copy");
            }
        }
    }

    fn read_and_write(reader_fenced: bool, writer_fenced: bool) {
        let gate = Gate::new();
        let bare = Arc::new(Bare::default());
        let (theirs, their_gate) = (Arc::clone(&bare), gate.clone());
        let writer = thread::spawn(move || {
            their_gate.enter();
            theirs.write(1, writer_fenced);
        });
        gate.enter();
        bare.read(reader_fenced);
        writer.join().unwrap();
    }

    #[test]
    fn with_both_fences_it_holds() {
        model::explore(&Explore::named("seqlock: the bare protocol").exhaustive().floor(100), || {
            read_and_write(true, true);
        });
    }

    #[test]
    fn without_the_readers_fence() {
        must_find("seqlock: no Acquire fence", "a torn copy", || {
            model::explore(&Explore::named("no Acquire fence"), || read_and_write(false, true));
        });
    }

    #[test]
    fn without_the_writers_fence() {
        must_find("seqlock: no Release fence", "a torn copy", || {
            model::explore(&Explore::named("no Release fence"), || read_and_write(true, false));
        });
    }
}
