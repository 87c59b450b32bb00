//! An end leaves, or dies, and another takes its place.

use model::sync::atomic::AtomicU64;
use shared_memory::{
    ring::claim::{claim, leave},
    who::Who,
};

use super::*;

#[test]
fn who_leaves_wakes_who_sleeps() {
    model::explore(&Explore::named("shared ring: closed").exhaustive().floor(330), || {
        let ring = Arc::new(Ring::default());
        let theirs = Arc::clone(&ring);
        let producer = thread::spawn(move || {
            let mut writer = Writer::resume(&theirs.ends, &*theirs, CAPACITY).unwrap();
            write(&theirs, &mut writer, RIGHT, 1, 0);
            wake(writer.close(&Own(&theirs)));
        });
        assert_eq!(drain(&ring), 1, "closed before the last message was read");
        producer.join().unwrap();
    });
}

#[test]
fn who_leaves_without_a_word_wakes_who_sleeps() {
    model::explore(&Explore::named("shared ring: closed, empty").exhaustive().floor(330), || {
        let ring = Arc::new(Ring::default());
        let theirs = Arc::clone(&ring);
        let producer = thread::spawn(move || {
            let mut writer = Writer::resume(&theirs.ends, &*theirs, CAPACITY).unwrap();
            wake(writer.close(&Own(&theirs)));
        });
        assert_eq!(drain(&ring), 0, "a message that nobody has sent");
        producer.join().unwrap();
    });
}

/// Messages without content, until the producer has left.
fn drain(ring: &Ring) -> usize {
    let mut reader = Reader::resume(&ring.ends, CAPACITY).unwrap();
    let mut got = 0;
    loop {
        match reader.next(ring).unwrap() {
            Some(found) => {
                got += 1;
                check(ring, found, got, 0);
                reader.release(0);
            }
            None if reader.is_abandoned() => return got,
            None => sleep(ring.header(reader.place()), EMPTY, None),
        }
    }
}

/// A consumer reads a message and leaves: the room is free, and no longer looked at.
#[test]
fn who_leaves_gives_back_what_it_has_read() {
    model::explore(&Explore::named("shared ring: closed, with room").exhaustive().floor(55), || {
        let ring = Arc::new(Ring::default());
        let mut writer = Writer::resume(&ring.ends, &*ring, CAPACITY).unwrap();
        for number in 1..=3 {
            write(&ring, &mut writer, RIGHT, number, 0);
        }
        wake(writer.publish(&Own(&ring)));
        let theirs = Arc::clone(&ring);
        let consumer = thread::spawn(move || {
            let mut reader = Reader::resume(&theirs.ends, CAPACITY).unwrap();
            let found = reader.next(&*theirs).unwrap().unwrap();
            check(&theirs, found, 1, 0);
            reader.release(0);
            wake(reader.close(&theirs.ends));
        });
        write(&ring, &mut writer, RIGHT, 4, 0);
        assert!(writer.is_abandoned());
        // Where the first message was there is now the header behind the fourth.
        wake(writer.publish(&Own(&ring)));
        consumer.join().unwrap();
    });
}

/// A producer has published one message, staged another, and is gone. Its successor comes while the consumer reads.
#[test]
fn a_successor_goes_on_behind_the_last_message() {
    model::explore(&Explore::named("shared ring: a second producer").exhaustive().floor(230), || {
        let ring = Arc::new(Ring::default());
        let mut dead = Writer::resume(&ring.ends, &*ring, CAPACITY).unwrap();
        write(&ring, &mut dead, RIGHT, 1, 0);
        wake(dead.publish(&Own(&ring)));
        write(&ring, &mut dead, RIGHT, 0, 8);
        let theirs = Arc::clone(&ring);
        let consumer = thread::spawn(move || consume(&theirs, RIGHT, &[0, 8]));
        let mut next = Writer::resume(&ring.ends, &*ring, CAPACITY).unwrap();
        write(&ring, &mut next, RIGHT, 2, 8);
        wake(next.publish(&Own(&ring)));
        consumer.join().unwrap();
    });
}

/// A successor of the producer relies on what a consumer has given back before it came.
#[test]
fn a_successor_overwrites_only_what_was_given_back() {
    model::explore(
        &Explore::named("shared ring: a second producer, old room").exhaustive().floor(450),
        || {
            let ring = Arc::new(Ring::default());
            produce(&ring, RIGHT, &[0, 0]);
            let theirs = Arc::clone(&ring);
            let consumer = thread::spawn(move || {
                let mut reader = Reader::resume(&theirs.ends, CAPACITY).unwrap();
                for number in 1..=2 {
                    let found = reader.next(&*theirs).unwrap().unwrap();
                    check(&theirs, found, number, 0);
                    reader.release(0);
                    wake(reader.give_back(&theirs.ends));
                }
            });
            let mut next = Writer::resume(&ring.ends, &*ring, CAPACITY).unwrap();
            write(&ring, &mut next, RIGHT, 3, 8);
            consumer.join().unwrap();
        },
    );
}

const A: Who = Who::from_bits(1 << 16);
const B: Who = Who::from_bits(2 << 16);

/// Two take an end in turn; what the first has begun there is over when the second one begins.
fn in_turn(claim: fn(&AtomicU64, Who) -> bool, leave: fn(&AtomicU64)) {
    let shared = Arc::new((AtomicU64::new(0), Ring::default(), AtomicU32::new(0)));
    let take = move |shared: &(AtomicU64, Ring, AtomicU32), me| {
        let (end, ring, count) = shared;
        if claim(end, me) {
            // Two at once would be seen here.
            assert_eq!(count.fetch_add(1, Relaxed), 0, "two have one end");
            fill(ring, 8, 1, 8);
            count.fetch_sub(1, Relaxed);
            leave(end);
        }
    };
    let theirs = Arc::clone(&shared);
    let other = thread::spawn(move || take(&theirs, A));
    take(&shared, B);
    other.join().unwrap();
}

#[test]
fn an_end_has_one_owner_at_a_time() {
    model::explore(&Explore::named("shared ring: an end's owner").exhaustive().floor(12), || {
        in_turn(|end, me| claim(end, me, |_| true).is_ok(), leave);
    });
}

/// The owner is dead, and two find it so.
#[test]
fn a_dead_ones_end_goes_to_one() {
    model::explore(&Explore::named("shared ring: a dead one's end").exhaustive().floor(4), || {
        let end = Arc::new(AtomicU64::new(A.bits()));
        let theirs = Arc::clone(&end);
        let take = |end: &AtomicU64, me| claim(end, me, |who| who != A);
        let other = thread::spawn(move || take(&theirs, B));
        let own = take(&end, Who::from_bits(3 << 16));
        let other = other.join().unwrap();
        assert!(own.is_ok() != other.is_ok(), "{own:?}, {other:?}: one of them has it");
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::atomic::Ordering::Acquire;
    use testkit::must_find;

    use super::*;

    /// A look, and then a store.
    #[test]
    fn an_end_that_is_taken_in_two_steps() {
        let name = "shared ring: an end taken in two steps";
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "two have one end" };
        must_find(name, expected, || {
            model::explore(&Explore::named(name).preemptions(2), || {
                let claim = |end: &AtomicU64, me: Who| {
                    let is_free = end.load(Acquire) == 0;
                    if is_free {
                        end.store(me.bits(), Relaxed);
                    }
                    is_free
                };
                in_turn(claim, leave);
            });
        });
    }
}
