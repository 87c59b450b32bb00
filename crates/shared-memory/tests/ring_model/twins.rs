//! Rings with one thing wrong: each must be found.

use model::{futex::wait_shared, sync::atomic::Ordering::Release};
use shared_memory::ring::records::ASLEEP;
use testkit::must_find;

use super::*;

fn twin(name: &'static str, expected: &str, body: fn()) {
    must_find(name, expected, || {
        model::explore(&Explore::named(name).preemptions(2), body);
    });
}

/// A wait that does not say that it waits. It looks, and the other end may pass in between.
#[test]
fn asleep_without_a_word() {
    twin("shared ring: asleep without a word", "deadlock", || {
        let sleep = |word: &AtomicU32, seen| {
            wait_shared(word, seen, None);
        };
        run(Steps { sleep, ..RIGHT }, &[0]);
    });
}

/// The bit is set by a load and a store: the header that came in between is lost.
#[test]
fn asleep_in_two_steps() {
    twin("shared ring: asleep in two steps", "deadlock", || {
        let sleep = |word: &AtomicU32, seen| {
            if word.load(Relaxed) == seen {
                word.store(seen | ASLEEP, Relaxed);
            }
            wait_shared(word, seen | ASLEEP, None);
        };
        run(Steps { sleep, ..RIGHT }, &[0]);
    });
}

/// A load and a store, each Relaxed, in place of the swap: whoever fell asleep in between sleeps on.
#[test]
fn announced_in_two_steps() {
    twin("shared ring: announced in two steps", "deadlock", || {
        announced(|ring| {
            fill(ring, HEADER, 1, 8);
            ring.header(16).store(EMPTY, Relaxed);
            let before = ring.header(0).load(Relaxed);
            ring.header(0).store(16, Release);
            wake((before & ASLEEP != 0).then_some(ring.header(0)));
        });
    });
}

/// A producer by hand, in a ring in which old bytes look like messages, and a consumer as it should be. The first message
/// has 8 bytes: header at 0, message at 8, and behind it, at 16, is the next header.
fn announced(produce: fn(&Ring)) {
    let old = [EMPTY, 8, 8, 8].map(AtomicU32::new);
    let ring = Arc::new(Ring { words: old, ..Ring::default() });
    let theirs = Arc::clone(&ring);
    let producer = thread::spawn(move || produce(&theirs));
    consume(&ring, RIGHT, &[8]);
    producer.join().unwrap();
}

fn swap(ring: &Ring, order: std::sync::atomic::Ordering) {
    let before = ring.header(0).swap(16, order);
    wake((before & ASLEEP != 0).then_some(ring.header(0)));
}

/// By hand as it should be: what the twins differ from.
#[test]
fn announced_last() {
    model::explore(&Explore::named("shared ring: by hand").preemptions(2).floor(8), || {
        announced(|ring| {
            fill(ring, HEADER, 1, 8);
            ring.header(16).store(EMPTY, Relaxed);
            swap(ring, Release);
        });
    });
}

#[test]
fn announced_before_it_is_written() {
    let expected = if cfg!(feature = "loom") { "Causality violation" } else { "a torn message" };
    twin("shared ring: announced first", expected, || {
        announced(|ring| {
            ring.header(16).store(EMPTY, Relaxed);
            swap(ring, Release);
            fill(ring, HEADER, 1, 8);
        });
    });
}

#[cfg(feature = "loom")]
#[test]
fn announced_relaxed() {
    twin("shared ring: announced Relaxed", "Causality violation", || {
        announced(|ring| {
            fill(ring, HEADER, 1, 8);
            ring.header(16).store(EMPTY, Relaxed);
            swap(ring, Relaxed);
        });
    });
}

/// What is behind the message is wiped too late: a consumer that is quick takes old bytes for the next one.
#[test]
fn old_bytes_behind_the_last_message() {
    twin("shared ring: old bytes behind the last message", "a message that nobody has sent", || {
        announced(|ring| {
            fill(ring, HEADER, 1, 8);
            swap(ring, Release);
            ring.header(16).store(EMPTY, Relaxed);
        });
    });
}

#[cfg(feature = "loom")]
#[test]
fn given_back_relaxed() {
    twin("shared ring: given back Relaxed", "Causality violation", || {
        let give_back = |reader: &mut Reader, ends: &Ends| {
            let spare = Ends::default();
            reader.give_back(&spare);
            let next = spare.read.load(std::sync::atomic::Ordering::Acquire);
            wake((ends.read.swap(next, Relaxed) & ASLEEP != 0).then_some(&ends.read));
        };
        run(Steps { give_back, ..RIGHT }, &[8, 8, 8]);
    });
}
