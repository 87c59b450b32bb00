//! The ring's algorithm under every schedule and memory ordering: nothing is read before it is written, nothing overwritten
//! before it is read, old bytes are never taken for a message, and nobody sleeps for ever.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
};
use shared_memory::ring::{
    reader::Reader,
    records::{EMPTY, Ends, HEADER, Records, longest, sleep},
    writer::Writer,
};

#[path = "ring_model/leaving.rs"]
mod leaving;
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[path = "ring_model/twins.rs"]
mod twins;

/// The smallest ring of these models: a message of 8 bytes fills half.
const CAPACITY: u32 = 32;
const WORDS: usize = CAPACITY as usize / 8;

/// A ring on the heap.
#[derive(Default)]
struct Ring {
    ends: Ends,
    /// Headers and messages, as they are in memory: what is one may have been the other.
    words: [AtomicU32; WORDS],
    /// One for each word. Who stores there writes the cell, who reads a message reads it: the checker watches them.
    cells: [UnsafeCell<()>; WORDS],
}

// SAFETY: the headers say whose each cell is; the checker watches that they do.
unsafe impl Sync for Ring {}

/// As the consumer sees it, who may look at a header at any time.
impl Records for Ring {
    fn header(&self, at: usize) -> &AtomicU32 {
        &self.words[at / 8]
    }
}

/// As the producer sees it: where it stores something, nobody may be reading a message.
struct Own<'r>(&'r Ring);

impl Records for Own<'_> {
    fn header(&self, at: usize) -> &AtomicU32 {
        self.0.cells[at / 8].with_mut(|_| ());
        self.0.header(at)
    }
}

/// Of what the message with this number consists: words that look like headers, of messages that nobody has sent.
fn word(number: usize) -> u32 {
    (HEADER + 8 * (number % 2)) as u32
}

/// How the ends do the steps in which the twins differ.
#[derive(Clone, Copy)]
struct Steps {
    give_back: fn(&mut Reader, &Ends),
    sleep: fn(&AtomicU32, u32),
}

const RIGHT: Steps = Steps {
    give_back: |reader, ends| wake(reader.give_back(ends)),
    sleep: |word, seen| sleep(word, seen, None),
};

fn wake(sleeper: Option<&AtomicU32>) {
    if let Some(word) = sleeper {
        model::futex::wake_shared(word, 1);
    }
}

/// Writes message `number` into the ring, asleep while there is no room; it is staged.
fn write(ring: &Ring, writer: &mut Writer, steps: Steps, number: usize, len: usize) {
    let at = loop {
        if let Some(at) = writer.reserve(&ring.ends, len).unwrap() {
            break at;
        }
        (steps.sleep)(&ring.ends.read, writer.seen());
    };
    fill(ring, at, number, len);
    writer.stage(&Own(ring), len);
}

fn fill(ring: &Ring, at: usize, number: usize, len: usize) {
    for place in (at..at + len).step_by(8) {
        Own(ring).header(place).store(word(number), Relaxed);
    }
}

/// Sends messages of these lengths.
fn produce(ring: &Ring, steps: Steps, lengths: &[usize]) {
    let mut writer = Writer::resume(&ring.ends, ring, CAPACITY).unwrap();
    for (number, len) in (1..).zip(lengths) {
        write(ring, &mut writer, steps, number, *len);
        wake(writer.publish(&Own(ring)));
    }
}

/// Looks at message `number` in place.
fn check(ring: &Ring, (at, len): (usize, usize), number: usize, expected: usize) {
    assert_eq!(len, expected, "another message: its length");
    for place in (at - HEADER..at + len).step_by(8) {
        ring.cells[place / 8].with(|_| ());
    }
    for place in (at..at + len).step_by(8) {
        assert_eq!(ring.words[place / 8].load(Relaxed), word(number), "a torn message");
    }
}

/// Receives messages of these lengths; asleep while there is none.
fn consume(ring: &Ring, steps: Steps, lengths: &[usize]) {
    let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
    for (number, len) in (1..).zip(lengths) {
        let found = loop {
            if let Some(found) = reader.next(ring).unwrap() {
                break found;
            }
            (steps.sleep)(ring.header(reader.place()), EMPTY);
        };
        check(ring, found, number, *len);
        reader.release(*len);
        (steps.give_back)(&mut reader, &ring.ends);
    }
    assert_eq!(reader.next(ring), Ok(None), "a message that nobody has sent");
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
    model::explore(&Explore::named("shared ring: two messages").exhaustive().floor(3_600), || {
        run(RIGHT, &[8, 0])
    });
}

#[test]
fn the_third_waits_for_room_and_wraps_around() {
    assert!(longest(CAPACITY) >= HEADER);
    model::explore(&Explore::named("shared ring: no room, a skip").preemptions(2).floor(6_000), || {
        run(RIGHT, &[0, 8, 8, 0]);
    });
}

#[test]
fn a_batch_is_announced_at_once() {
    model::explore(&Explore::named("shared ring: a batch").exhaustive().floor(330), || {
        let ring = Arc::new(Ring::default());
        let theirs = Arc::clone(&ring);
        let producer = thread::spawn(move || {
            let mut writer = Writer::resume(&theirs.ends, &*theirs, CAPACITY).unwrap();
            for number in 1..=3 {
                write(&theirs, &mut writer, RIGHT, number, 0);
            }
            wake(writer.publish(&Own(&theirs)));
        });
        let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
        let mut got = 0;
        while got < 3 {
            match reader.next(&*ring).unwrap() {
                Some(found) => {
                    got += 1;
                    check(&ring, found, got, 0);
                    reader.release(0);
                }
                None => {
                    assert_eq!(got, 0, "part of a batch");
                    sleep(ring.header(reader.place()), EMPTY, None);
                }
            }
        }
        producer.join().unwrap();
    });
}

/// Else a store of the consumer would take the line of the first record away. (A checker's types are larger.)
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[test]
fn the_position_is_on_lines_of_its_own() {
    assert_eq!((size_of::<Ends>(), align_of::<Ends>()), (128, 128));
}
