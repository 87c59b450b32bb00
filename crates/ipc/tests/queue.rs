//! The queue by its public ends: order, bounds, limits, ends; and nothing that was accepted is lost.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::Shutdown,
    num::NonZeroUsize,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    sync::Mutex,
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection,
    auth::{AuthError, Key, prove},
    queue::{Consumer, Delivery, LONGEST, Producer, QueueError, QueueServer},
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(10);

fn key() -> Key {
    Key::new("the key of these tests")
}

fn server(name: &str, capacity: usize) -> QueueServer {
    let address = Address::Abstract(format!("rust-ipc-queue-{}-{name}", std::process::id()));
    QueueServer::start(&address, key(), NonZeroUsize::new(capacity)).unwrap()
}

fn producer(server: &QueueServer) -> Producer {
    Producer::connect(server.address(), &key()).unwrap()
}

fn consumer(server: &QueueServer) -> Consumer {
    Consumer::connect(server.address(), &key()).unwrap()
}

fn first(bytes: &[u8]) -> Option<Delivery> {
    Some(Delivery { bytes: bytes.into(), attempt: 1 })
}

#[test]
fn items_come_in_order_whatever_their_size() {
    for capacity in [0, 1, 7] {
        let server = server(&format!("order-{capacity}"), capacity);
        let sizes = [0, 1, 100, 5_000, 70_000, 3 << 20];
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut producer = producer(&server);
                for round in 0..10_u8 {
                    for size in sizes {
                        producer.put(&vec![round; size]).unwrap();
                    }
                    producer.put_within(&[round], LONG).unwrap();
                }
                producer.close(LONG).unwrap();
            });
            let mut consumer = consumer(&server);
            for round in 0..10_u8 {
                for size in sizes {
                    assert_eq!(consumer.get().unwrap(), first(&vec![round; size]), "{round} {size}");
                }
                assert_eq!(consumer.get_within(LONG).unwrap(), first(&[round]));
            }
        });
    }
}

#[test]
fn many_put_and_many_take_and_each_item_is_taken_once() {
    const EACH: u32 = 500;
    for capacity in [0, 3] {
        let server = server(&format!("many-{capacity}"), capacity);
        let taken = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let producers = [0_u32, 1, 2, 3].map(|me| {
                let mut producer = producer(&server);
                scope.spawn(move || {
                    for number in 0..EACH {
                        producer.put(&(me * EACH + number).to_be_bytes()).unwrap();
                    }
                    producer.close(LONG).unwrap();
                })
            });
            for mut consumer in [(); 4].map(|()| consumer(&server)) {
                let taken = &taken;
                scope.spawn(move || {
                    let mut last = [None; 4];
                    while let Some(item) = consumer.get().unwrap() {
                        assert_eq!(item.attempt, 1);
                        let number = u32::from_be_bytes(item.bytes[..].try_into().unwrap());
                        let of = &mut last[(number / EACH) as usize];
                        assert!(*of < Some(number), "{number} after {of:?}: out of order");
                        *of = Some(number);
                        taken.lock().unwrap().push(number);
                    }
                });
            }
            for producer in producers {
                producer.join().unwrap();
            }
            server.close();
        });
        let mut taken = taken.into_inner().unwrap();
        taken.sort_unstable();
        assert_eq!(taken, (0..4 * EACH).collect::<Vec<_>>());
    }
}

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
fn what_one_had_and_was_not_done_with_goes_to_another_first() {
    let server = server("again", 0);
    let mut producer = producer(&server);
    for item in [b"1", b"2", b"3"] {
        producer.put_within(item, LONG).unwrap();
    }
    let mut dies = consumer(&server);
    assert_eq!(dies.get().unwrap(), first(b"1"));
    dies.task_done().unwrap();
    assert_eq!(dies.get().unwrap(), first(b"2"));
    drop(dies);
    let mut lives = consumer(&server);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let item = lives.get_within(LONG).unwrap().unwrap();
        seen.push((item.bytes, item.attempt));
    }
    // The server may have noticed the death after it gave out the third.
    seen.sort();
    assert_eq!(seen, [(b"2".to_vec(), 2), (b"3".to_vec(), 1)]);
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

#[test]
fn consumers_that_go_at_any_moment_lose_no_item_and_no_turn() {
    let server = server("storm", 2);
    let done = Mutex::new(BTreeSet::new());
    let number = |item: &Delivery| u32::from_be_bytes(item.bytes[..].try_into().unwrap());
    thread::scope(|scope| {
        // It waits without a limit: were a turn lost with one who has gone, nobody would wake it.
        let mut steady = consumer(&server);
        scope.spawn(|| {
            let mut steady = move || steady.get();
            while let Some(item) = steady().unwrap() {
                done.lock().unwrap().insert(number(&item));
            }
        });
        // They take and go, some with an item and some while they wait. The next request says that the last is done.
        for times in 1..=3 {
            let (server, done) = (&server, &done);
            scope.spawn(move || {
                for _ in 0..100 {
                    let mut consumer = consumer(server);
                    let mut held = None;
                    for _ in 0..times {
                        done.lock().unwrap().extend(held.take());
                        let got = consumer.get_within(Duration::from_micros(100 * times));
                        held = got.ok().flatten().as_ref().map(number);
                    }
                }
            });
        }
        let mut producer = producer(&server);
        for number in 0..500_u32 {
            producer.put_within(&number.to_be_bytes(), LONG).unwrap();
        }
        let joined = producer.join_within(LONG);
        server.close();
        joined.unwrap();
    });
    assert_eq!(done.into_inner().unwrap(), (0..500).collect());
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
        assert_eq!(consumer(&server).get_within(LONG).unwrap(), first(b"first"));
        drop(holding);
        // Nobody has accepted this one, whatever is said about the first.
        assert!(matches!(producer.put_within(b"second", LONG), Err(QueueError::Gone { .. })));
    });
}
