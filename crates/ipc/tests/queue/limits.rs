//! A full queue, an empty one, one whose items are not done, and a server that answers too late: told in time, and truly.

use std::{
    io::{Read, Write},
    net::Shutdown,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    sync::Mutex,
    thread,
    time::Duration,
};

use ipc::{
    Address,
    queue::{Producer, QueueError},
};

use super::{LONG, SHORT, consumer, first, key, producer, server};

#[test]
fn a_full_queue_says_so_and_has_not_taken_the_item() {
    let server = server("full", 2);
    let (mut producer, mut consumer) = (producer(&server), consumer(&server));
    producer.put_within(b"1", LONG).unwrap();
    producer.put_within(b"2", LONG).unwrap();
    for _ in 0..3 {
        assert!(matches!(producer.put_within(b"no", SHORT), Err(QueueError::Full(SHORT))));
    }
    assert_eq!(server.len(), 2);
    // `put` does not wait, and one with a limit behind it gives up in the buffer.
    producer.put(b"3").unwrap();
    assert!(matches!(producer.put_within(b"no", SHORT), Err(QueueError::Full(SHORT))));
    for expected in [b"1", b"2", b"3"] {
        assert_eq!(consumer.get().unwrap(), first(expected));
    }
    producer.put_within(b"4", LONG).unwrap();
    assert_eq!(consumer.get().unwrap(), first(b"4"));
    assert_eq!((server.len(), server.unfinished()), (0, 1));
    producer.close(LONG).unwrap();
}

#[test]
fn a_producer_that_cannot_get_rid_of_its_items_is_told_how_many() {
    let server = server("unaccepted", 1);
    let mut producer = producer(&server);
    producer.put_within(b"in", LONG).unwrap();
    for _ in 0..5 {
        producer.put(b"waits").unwrap();
    }
    assert_eq!(producer.unaccepted(), 5);
    assert!(matches!(producer.close(SHORT), Err(QueueError::Unaccepted(5))));
    let mut producer = self::producer(&server);
    producer.put(b"waits").unwrap();
    assert_eq!(producer.abandon(), 1);
    assert_eq!(consumer(&server).get().unwrap(), first(b"in"));
}

#[test]
fn nothing_comes_and_nothing_is_taken() {
    let server = server("empty", 0);
    let (mut producer, mut early, mut late) = (producer(&server), consumer(&server), consumer(&server));
    assert!(matches!(early.get_within(SHORT), Err(QueueError::Empty(SHORT))));
    assert!(matches!(early.get_within(Duration::ZERO), Err(QueueError::Empty(_))));
    producer.put_within(b"one", LONG).unwrap();
    assert_eq!(late.get_within(LONG).unwrap(), first(b"one"), "it went to nobody who has stopped waiting");
}

#[test]
fn join_waits_for_what_is_done_and_not_for_what_is_taken() {
    let server = server("join", 0);
    let (mut producer, mut consumer) = (producer(&server), consumer(&server));
    producer.join_within(LONG).unwrap();
    producer.put(b"work").unwrap();
    assert!(matches!(producer.join_within(SHORT), Err(QueueError::Unfinished(SHORT))), "in the queue");
    consumer.get().unwrap().unwrap();
    assert!(matches!(producer.join_within(SHORT), Err(QueueError::Unfinished(SHORT))), "taken, not done");
    thread::scope(|scope| {
        let joins = scope.spawn(|| producer.join_within(LONG));
        consumer.task_done().unwrap();
        joins.join().unwrap().unwrap();
    });
    consumer.task_done().unwrap();
    assert_eq!(server.unfinished(), 0, "twice done is done");
}

/// What passes a socket in one direction, until it ends; while `held` is locked, it is kept here.
fn pass_on(mut from: UnixStream, mut to: UnixStream, held: &Mutex<()>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let _held = held.lock().unwrap();
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_one() {
    let server = server("late", 1);
    let Address::Abstract(behind) = server.address() else { panic!("an abstract name") };
    let front = format!("{behind}-front");
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&front).unwrap()).unwrap();
    let (held, free) = (Mutex::new(()), Mutex::new(()));
    thread::scope(|scope| {
        scope.spawn(|| {
            let ours = listener.accept().unwrap().0;
            let theirs = UnixStream::connect_addr(&SocketAddr::from_abstract_name(behind).unwrap()).unwrap();
            let (back, forth) = (theirs.try_clone().unwrap(), ours.try_clone().unwrap());
            scope.spawn(|| pass_on(back, forth, &held));
            pass_on(ours, theirs, &free);
        });
        let mut producer = Producer::connect(&Address::Abstract(front), &key()).unwrap().with_patience(SHORT);
        let holding = held.lock().unwrap();
        // The server takes it, and its answer is held up on the way.
        let outcome = loop {
            match producer.put_within(b"first", SHORT) {
                // Its feeder was not awake in time: not sent.
                Err(QueueError::Full(_)) => {}
                outcome => break outcome,
            }
        };
        assert!(matches!(outcome, Err(QueueError::Silent)), "{outcome:?}");
        assert!(matches!(producer.put(b"more"), Err(QueueError::Gone { .. })), "it is at its end");
        assert_eq!(consumer(&server).get_within(LONG).unwrap(), first(b"first"));
        drop(holding);
        // Nobody has accepted this one, whatever is said about the first.
        assert!(matches!(producer.put_within(b"second", LONG), Err(QueueError::Gone { .. })));
    });
}
