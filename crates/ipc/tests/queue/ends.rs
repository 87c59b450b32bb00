//! A queue that is closed, a server that dies or is none, and strangers.

use std::thread;

use ipc::{
    Address, Connection, Listener,
    auth::{AuthError, Door, Key, prove},
    fields::FieldError,
    queue::{
        Consumer, Delivery, LONGEST, Producer, QueueError,
        wire::{Answer, Request},
    },
};

use super::{LONG, SHORT, consumer, first, key, producer, server};

#[test]
fn closed_it_gives_what_it_has_and_what_comes_back_and_then_the_end() {
    let server = server("closed", 0);
    let (mut producer, mut holds, mut waits) = (producer(&server), consumer(&server), consumer(&server));
    producer.put_within(b"1", LONG).unwrap();
    producer.put_within(b"2", LONG).unwrap();
    assert_eq!(holds.get().unwrap(), first(b"1"));
    server.close();
    assert!(matches!(producer.put_within(b"3", LONG), Err(QueueError::Closed)));
    assert!(matches!(producer.put(b"3"), Err(QueueError::Closed)));
    assert!(matches!(producer.close(LONG), Ok(()) | Err(QueueError::Closed)));
    assert_eq!(waits.get().unwrap(), first(b"2"));
    // One is still held by another: no end yet. It dies, and its item comes.
    assert!(matches!(waits.get_within(SHORT), Err(QueueError::Empty(_))));
    drop(holds);
    assert_eq!(waits.get().unwrap(), Some(Delivery { bytes: b"1".to_vec(), attempt: 2 }));
    assert_eq!(waits.get().unwrap(), None);
    assert_eq!(waits.get().unwrap(), None);
}

#[test]
fn closed_in_the_middle_of_a_batch_it_says_how_many_it_has_taken() {
    let server = server("batch", 1);
    let mut producer = prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap();
    producer.send(&Request::Put { limit: None, items: vec![b"1", b"2", b"3"] }.encode()).unwrap();
    while server.is_empty() {
        thread::yield_now();
    }
    server.close();
    let answer = Answer::decode(producer.receive_within(LONG).unwrap().unwrap()).unwrap();
    assert_eq!(answer, Answer::Accepted(1));
    assert_eq!(consumer(&server).get().unwrap(), first(b"1"));
}

#[test]
fn closed_in_the_middle_of_a_batch_its_producer_is_told() {
    let server = server("told", 1);
    let (mut producer, mut consumer) = (producer(&server), consumer(&server));
    for item in [b"0", b"1", b"2", b"3", b"4"] {
        producer.put(item).unwrap();
    }
    assert_eq!([(); 2].map(|()| consumer.get().unwrap()), [first(b"0"), first(b"1")]);
    while server.is_empty() {
        thread::yield_now();
    }
    server.close();
    assert_eq!([(); 2].map(|()| consumer.get().unwrap()), [first(b"2"), None]);
    // Two of those that went together were not accepted.
    let told = producer.close(LONG);
    assert!(matches!(told, Err(QueueError::Closed)), "{told:?}");
}

#[test]
fn the_server_dies_and_everybody_is_told() {
    let server = server("dies", 1);
    let (mut full, mut producer, mut consumer) = (producer(&server), producer(&server), consumer(&server));
    full.put_within(b"1", LONG).unwrap();
    consumer.get().unwrap();
    full.put_within(b"2", LONG).unwrap();
    for _ in 0..3 {
        producer.put(b"waits").unwrap();
    }
    let mut waits = self::consumer(&server);
    thread::scope(|scope| {
        let puts = scope.spawn(|| full.put_within(b"3", LONG));
        let joins = scope.spawn(|| producer.join_within(LONG));
        let server = server;
        drop(server);
        assert!(matches!(puts.join().unwrap(), Err(QueueError::Gone { .. })));
        assert!(matches!(joins.join().unwrap(), Err(QueueError::Gone { .. })));
        // It had taken nothing, or the second one.
        assert!(matches!(waits.get().and_then(|_| waits.get()), Err(QueueError::Gone { .. })));
    });
    assert!(matches!(consumer.get(), Err(QueueError::Gone { .. })));
    assert!(matches!(producer.close(LONG), Err(QueueError::Gone { unaccepted: 3 })));
}

#[test]
fn strangers_and_giants_stay_outside() {
    let server = server("strangers", 0);
    let wrong = Key::new("another");
    let refused = Consumer::connect(server.address(), &wrong).unwrap_err();
    assert!(matches!(refused, QueueError::Auth(AuthError::Refused)), "{refused}");
    assert!(matches!(Producer::connect(server.address(), &wrong), Err(QueueError::Auth(AuthError::Refused))));
    let mut producer = producer(&server);
    let giant = producer.put(&vec![0; LONGEST + 1]);
    assert!(matches!(giant, Err(QueueError::TooLong(_))));
    producer.put_within(&vec![0; LONGEST], LONG).unwrap();
    assert_eq!(consumer(&server).get().unwrap().map(|item| item.bytes.len()), Some(LONGEST));
}

#[test]
fn who_speaks_nonsense_is_sent_away_and_nobody_else() {
    let server = server("nonsense", 0);
    let (mut producer, mut consumer) = (producer(&server), consumer(&server));
    for nonsense in [&b""[..], b"G", b"X\0\0\0\0\0\0\0\0", b"P\0\0\0\0\0\0\0\0\xff\xff\xff\xff1"] {
        let mut stranger = prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap();
        stranger.send(nonsense).unwrap();
        assert!(matches!(stranger.receive_within(LONG), Ok(None)), "{nonsense:?}");
    }
    // Out of turn: it asks while it waits.
    let mut stranger = prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap();
    for _ in 0..2 {
        stranger.send(&[&b"G"[..], &[0xff; 8]].concat()).unwrap();
    }
    assert!(!matches!(stranger.receive_within(LONG), Ok(Some(_))));
    producer.put_within(b"sense", LONG).unwrap();
    assert_eq!(consumer.get().unwrap(), first(b"sense"));
}

/// Somebody who knows the key and answers whatever is asked with these bytes.
fn impostor<T>(answer: &[u8], ask: impl FnOnce(&Address) -> T + Send) -> T
where
    T: Send,
{
    let name = format!("rust-ipc-queue-{}-impostor", std::process::id());
    let mut door = Door::new(Listener::bind(&Address::Abstract(name)).unwrap(), key());
    let address = door.address().clone();
    thread::scope(|scope| {
        let asks = scope.spawn(|| ask(&address));
        let mut inside = door.accept_within(LONG).unwrap();
        inside.receive_within(LONG).unwrap().unwrap();
        inside.send(answer).unwrap();
        asks.join().unwrap()
    })
}

#[test]
fn a_server_that_speaks_nonsense_is_an_error_with_its_place_and_the_end() {
    for (answer, expected) in [
        (&b"x"[..], Some(FieldError::Unknown { offset: 0, found: b'x' })),
        (b"i\0\0", Some(FieldError::Cut { offset: 1, needed: 8, have: 2 })),
        (b"c!", Some(FieldError::Trailing { offset: 1, count: 1 })),
        // An answer, but to another question.
        (b"j", None),
    ] {
        let told = |error: &QueueError| match error {
            QueueError::Message(why) => assert_eq!(Some(*why), expected),
            QueueError::Strange => assert_eq!(None, expected),
            other => panic!("{answer:?}: {other}"),
        };
        impostor(answer, |address| {
            let mut consumer = Consumer::connect(address, &key()).unwrap();
            told(&consumer.get_within(LONG).unwrap_err());
            // What comes now may be the rest of the nonsense.
            assert!(matches!(consumer.get_within(LONG), Err(QueueError::Silent)));
        });
        // To a producer "all is done" says that this one is too.
        if expected.is_some() {
            impostor(answer, |address| {
                let mut producer = Producer::connect(address, &key()).unwrap();
                told(&producer.put_within(b"item", LONG).unwrap_err());
                assert!(matches!(producer.put(b"item"), Err(QueueError::Gone { .. })));
            });
        }
    }
}
