//! Items: in order, each once, and again only if who had it has gone.

use std::{collections::BTreeSet, sync::Mutex, thread, time::Duration};

use ipc::{
    Connection,
    auth::prove,
    frame::MAXIMUM,
    queue::{
        Delivery,
        wire::{Answer, Request},
    },
};
use rustix::net::{Shutdown, shutdown};

use super::{LONG, consumer, first, key, producer, server};

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
    // It is back as soon as the server has noticed the death.
    while server.len() < 2 {
        thread::yield_now();
    }
    let mut lives = consumer(&server);
    let again = Delivery { bytes: b"2".to_vec(), attempt: 2 };
    assert_eq!(lives.get_within(LONG).unwrap(), Some(again), "it was before the others");
    assert_eq!(lives.get_within(LONG).unwrap(), first(b"3"));
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

#[test]
fn what_waits_together_goes_in_messages_that_can_be_sent() {
    // Together more than the longest message. There is room for one, so that they wait with the producer.
    let server = server("together", 1);
    let (mut producer, mut consumer) = (producer(&server), consumer(&server));
    let item = vec![7; 4 << 20];
    let count = MAXIMUM / item.len() + 8;
    for _ in 0..count {
        producer.put(&item).unwrap();
    }
    for number in 0..count {
        let got = consumer.get_within(LONG).unwrap().unwrap();
        assert!(got.attempt == 1 && got.bytes == item, "{number}");
    }
    producer.close(LONG).unwrap();
}

#[test]
fn who_goes_while_it_waits_takes_nobodys_turn_along() {
    let server = server("line", 0);
    let mut producer = producer(&server);
    for round in 0..10_u8 {
        let mut waits =
            [(); 2].map(|()| prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap());
        for consumer in &mut waits {
            consumer.send(&Request::Get { limit: None }.encode()).unwrap();
        }
        let [mut goes, mut stays] = waits;
        shutdown(&goes, Shutdown::Write).unwrap();
        assert!(matches!(goes.receive_within(LONG), Ok(None)), "the server has seen it go");
        producer.put_within(&[round], LONG).unwrap();
        let item = stays.receive_within(LONG).unwrap().unwrap();
        assert_eq!(Answer::decode(item), Ok(Answer::Item { attempt: 1, bytes: &[round] }));
        stays.send(&Request::Done.encode()).unwrap();
    }
    producer.join_within(LONG).unwrap();
}
