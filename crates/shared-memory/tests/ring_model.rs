//! The ring's positions under every schedule and memory ordering: nothing is read before it is written, nothing overwritten
//! before it is read, and nobody sleeps for ever.

use model::{Explore, cell::UnsafeCell, sync::Arc, thread};
use shared_memory::ring::positions::{End, Ends, HEADER, Reader, Records, Writer, longest, sleep};

/// The smallest ring of these models: a message of 8 bytes fills half.
const CAPACITY: u32 = 32;

/// A ring on the heap: each word is watched by the checker.
#[derive(Default)]
struct Ring {
    ends: Ends,
    words: [UnsafeCell<u64>; CAPACITY as usize / 8],
}

// SAFETY: the positions say whose each word is; the checker watches that they do.
unsafe impl Sync for Ring {}

impl Records for Ring {
    unsafe fn set_header(&self, at: usize, header: u64) {
        // SAFETY: the caller's.
        self.words[at / 8].with_mut(|word| unsafe { *word = header });
    }

    unsafe fn header(&self, at: usize) -> u64 {
        // SAFETY: the caller's.
        self.words[at / 8].with(|word| unsafe { *word })
    }
}

/// How the ends do the three steps in which the twins differ.
#[derive(Clone, Copy)]
struct Steps {
    publish: fn(&mut Writer, &Ends) -> bool,
    give_back: fn(&mut Reader, &Ends) -> bool,
    sleep: fn(&End, u32),
}

const RIGHT: Steps = Steps {
    publish: Writer::publish,
    give_back: Reader::give_back,
    sleep: |end, seen| sleep(end, seen, None),
};

fn wake(end: &End) {
    model::futex::wake_shared(&end.position, 1);
}

/// Sends messages of these lengths, each word of which is the message's number; asleep while there is no room.
fn produce(ring: &Ring, steps: Steps, lengths: &[usize]) {
    let mut writer = Writer::resume(&ring.ends, CAPACITY).unwrap();
    for (number, len) in (1..).zip(lengths) {
        let at = loop {
            if let Some(at) = writer.reserve(&ring.ends, ring, *len).unwrap() {
                break at;
            }
            (steps.sleep)(&ring.ends.read, writer.seen());
        };
        for word in (at..at + len).step_by(8) {
            // SAFETY: reserved.
            unsafe { ring.set_header(word, number) };
        }
        writer.stage(ring, *len);
        if (steps.publish)(&mut writer, &ring.ends) {
            wake(&ring.ends.written);
        }
    }
}

/// Receives them; asleep while there is none.
fn consume(ring: &Ring, steps: Steps, lengths: &[usize]) {
    let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
    for (number, len) in (1..).zip(lengths) {
        let (at, got) = loop {
            if let Some(found) = reader.next(&ring.ends, ring).unwrap() {
                break found;
            }
            (steps.sleep)(&ring.ends.written, reader.seen());
        };
        assert_eq!(got, *len, "a torn header");
        for word in (at..at + len).step_by(8) {
            // SAFETY: published.
            assert_eq!(unsafe { ring.header(word) }, number, "a torn message");
        }
        reader.release(got);
        if (steps.give_back)(&mut reader, &ring.ends) {
            wake(&ring.ends.read);
        }
    }
}

fn run(steps: Steps, lengths: &'static [usize]) {
    let ring = Arc::new(Ring::default());
    let theirs = Arc::clone(&ring);
    let producer = thread::spawn(move || produce(&theirs, steps, lengths));
    consume(&ring, steps, lengths);
    producer.join().unwrap();
}

#[test]
fn messages_come_whole_and_in_order() {
    model::explore(&Explore::named("shared ring: two messages").exhaustive().floor(500), || {
        run(RIGHT, &[8, 0])
    });
}

#[test]
fn the_third_waits_for_room_and_the_fourth_wraps_around() {
    assert!(longest(CAPACITY) >= HEADER);
    model::explore(&Explore::named("shared ring: no room, a skip").preemptions(2).floor(1_200), || {
        run(RIGHT, &[0, 8, 8, 0]);
    });
}

#[test]
fn a_batch_is_announced_at_once() {
    model::explore(&Explore::named("shared ring: a batch").exhaustive().floor(35), || {
        let ring = Arc::new(Ring::default());
        let theirs = Arc::clone(&ring);
        let producer = thread::spawn(move || {
            let mut writer = Writer::resume(&theirs.ends, CAPACITY).unwrap();
            for _ in 0..3 {
                writer.reserve(&theirs.ends, &*theirs, 0).unwrap().unwrap();
                writer.stage(&*theirs, 0);
            }
            if writer.publish(&theirs.ends) {
                wake(&theirs.ends.written);
            }
        });
        let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
        let mut got = 0;
        while got < 3 {
            match reader.next(&ring.ends, &*ring).unwrap() {
                Some((_, len)) => {
                    got += 1;
                    reader.release(len);
                }
                None => {
                    assert_eq!(got, 0, "part of a batch");
                    sleep(&ring.ends.written, reader.seen(), None);
                }
            }
        }
        producer.join().unwrap();
    });
}

#[test]
fn who_leaves_wakes_who_sleeps() {
    model::explore(&Explore::named("shared ring: closed").exhaustive().floor(40), || {
        let ring = Arc::new(Ring::default());
        let theirs = Arc::clone(&ring);
        let producer = thread::spawn(move || {
            let mut writer = Writer::resume(&theirs.ends, CAPACITY).unwrap();
            writer.reserve(&theirs.ends, &*theirs, 0).unwrap().unwrap();
            writer.stage(&*theirs, 0);
            if writer.close(&theirs.ends) {
                wake(&theirs.ends.written);
            }
        });
        let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
        let mut got = 0;
        loop {
            match reader.next(&ring.ends, &*ring).unwrap() {
                Some((_, len)) => {
                    got += 1;
                    reader.release(len);
                }
                None if reader.is_abandoned() => break,
                None => sleep(&ring.ends.written, reader.seen(), None),
            }
        }
        assert_eq!(got, 1, "closed before the last message was read");
        producer.join().unwrap();
    });
}

/// A consumer reads a message and leaves: the room is free, and no longer looked at.
#[test]
fn who_leaves_gives_back_what_it_has_read() {
    model::explore(&Explore::named("shared ring: closed, with room").exhaustive().floor(35), || {
        let ring = Arc::new(Ring::default());
        let mut writer = Writer::resume(&ring.ends, CAPACITY).unwrap();
        while writer.reserve(&ring.ends, &*ring, 0).unwrap().is_some() {
            writer.stage(&*ring, 0);
        }
        writer.publish(&ring.ends);
        let theirs = Arc::clone(&ring);
        let consumer = thread::spawn(move || {
            let mut reader = Reader::resume(&theirs.ends, CAPACITY).unwrap();
            let (_, len) = reader.next(&theirs.ends, &*theirs).unwrap().unwrap();
            reader.release(len);
            if reader.close(&theirs.ends) {
                wake(&theirs.ends.read);
            }
        });
        while writer.reserve(&ring.ends, &*ring, 0).unwrap().is_none() {
            (RIGHT.sleep)(&ring.ends.read, writer.seen());
        }
        writer.stage(&*ring, 0);
        assert!(writer.is_abandoned());
        consumer.join().unwrap();
    });
}

/// Else each store of one end would take the other's line away. (A checker's types are larger, and no matter.)
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[test]
fn the_ends_are_on_lines_of_their_own() {
    assert!(std::mem::offset_of!(Ends, written).abs_diff(std::mem::offset_of!(Ends, read)) >= 128);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::{
        futex::wait_shared,
        sync::atomic::Ordering::{Relaxed, Release},
    };
    use shared_memory::ring::positions::ASLEEP;
    use testkit::must_find;

    use super::*;

    fn twin(name: &'static str, expected: &str, steps: Steps, lengths: &'static [usize]) {
        must_find(name, expected, || {
            model::explore(&Explore::named(name).preemptions(2), move || run(steps, lengths));
        });
    }

    /// A wait that does not say that it waits. It looks, and the other end may pass in between.
    #[test]
    fn asleep_without_a_word() {
        let sleep = |end: &End, seen| {
            wait_shared(&end.position, seen, None);
        };
        twin("shared ring: asleep without a word", "deadlock", Steps { sleep, ..RIGHT }, &[0]);
    }

    /// The bit is set by a load and a store: the position that came in between is lost.
    #[test]
    fn asleep_in_two_steps() {
        let sleep = |end: &End, seen| {
            if end.position.load(Relaxed) == seen {
                end.position.store(seen | ASLEEP, Relaxed);
                wait_shared(&end.position, seen | ASLEEP, None);
            }
        };
        twin("shared ring: asleep in two steps", "deadlock", Steps { sleep, ..RIGHT }, &[0]);
    }

    #[cfg(feature = "loom")]
    #[test]
    fn announced_too_early() {
        // As the original, but the position of a writer is not to be had: counted here.
        let publish = |writer: &mut Writer, ends: &Ends| {
            let spare = Ends::default();
            writer.publish(&spare);
            let next = spare.written.position.load(Relaxed);
            ends.written.position.swap(next, Relaxed) & ASLEEP != 0
        };
        twin("shared ring: published Relaxed", "Causality violation", Steps { publish, ..RIGHT }, &[8]);
    }

    #[cfg(feature = "loom")]
    #[test]
    fn given_back_too_early() {
        let give_back = |reader: &mut Reader, ends: &Ends| {
            let spare = Ends::default();
            reader.give_back(&spare);
            let next = spare.read.position.load(std::sync::atomic::Ordering::Acquire);
            ends.read.position.swap(next, Relaxed) & ASLEEP != 0
        };
        let lengths = &[8, 8, 8];
        twin("shared ring: given back Relaxed", "Causality violation", Steps { give_back, ..RIGHT }, lengths);
    }

    /// Announced before it is written: shuttle, blind to orderings, sees the order.
    #[test]
    fn announced_before_it_is_written() {
        let name = "shared ring: announced first";
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "corrupt" };
        must_find(name, expected, || {
            model::explore(&Explore::named(name).preemptions(2), || {
                let ring = Arc::new(Ring::default());
                let theirs = Arc::clone(&ring);
                let producer = thread::spawn(move || {
                    theirs.ends.written.position.swap(16, Release);
                    // shuttle changes threads at its own types only, and the header is none of them.
                    #[cfg(not(feature = "loom"))]
                    thread::yield_now();
                    // SAFETY: it is not: that is the bug.
                    unsafe { theirs.set_header(0, 8) };
                });
                let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
                if let Some((_, len)) = reader.next(&ring.ends, &*ring).unwrap() {
                    assert_eq!(len, 8, "the ring is corrupt: a header that was not written");
                }
                producer.join().unwrap();
            });
        });
    }
}
