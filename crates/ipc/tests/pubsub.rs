//! Subscribers that are slow, stuck, gone or hostile, under each policy: what they get adds up, and nobody else pays.

use std::{os::unix::net::UnixStream, thread, time::Duration};

use ipc::{
    Connection,
    fields::FieldError,
    pubsub::{Event, Limits, Policy, PublishError, Published, Publisher, SubscribeError, Subscriber},
};
use testkit::watchdog;

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// A limit that is to pass.
const SHORT: Duration = Duration::from_millis(20);
/// Longer than what a socket holds, so that one of them fills it.
const MUCH: usize = 1 << 20;

fn publisher(waiting: usize) -> Publisher {
    Publisher::new(Limits { waiting, longest: 2 * MUCH })
}

fn subscribe(publisher: &Publisher, policy: Policy, prefixes: &[&str]) -> Subscriber {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let subscriber = scope.spawn(|| Subscriber::new(ours, prefixes, LONG).unwrap());
        publisher.admit(theirs, policy, LONG).unwrap();
        subscriber.join().unwrap()
    })
}

/// Publishes one that its subscriber's socket has no room for, and waits until nothing waits behind it: from here on what
/// is published stays in the queue until the subscriber reads.
fn fill(publisher: &Publisher) {
    publisher.publish("much", &vec![0; MUCH]).unwrap();
    while publisher.waiting() > 0 {
        thread::yield_now();
    }
}

/// All that comes until the end: topics, and `?n` for n that were missed.
fn all(mut subscriber: Subscriber) -> (Vec<String>, String) {
    let mut events = Vec::new();
    loop {
        match subscriber.next(LONG) {
            Ok(Event::News { topic, .. }) => events.push(topic.to_owned()),
            Ok(Event::Missed(count)) => events.push(format!("?{count}")),
            Ok(Event::End) => return (events, "end".into()),
            Err(error) => return (events, error.to_string()),
        }
    }
}

const CUT: &str = "cut off: too slow, or the publisher has died";

#[test]
fn each_gets_what_it_asked_for_from_now_on() {
    let publisher = publisher(100);
    let two = subscribe(&publisher, Policy::Disconnect, &["a/", "b"]);
    let none = subscribe(&publisher, Policy::Disconnect, &[]);
    publisher.publish("a/1", b"").unwrap();
    publisher.publish("a", b"").unwrap();
    let late = subscribe(&publisher, Policy::Disconnect, &[""]);
    assert_eq!(publisher.publish("b2", b"").unwrap(), Published { to: 2, dropped: 0, cut: 0 });
    assert_eq!(publisher.publish("c/b", b"").unwrap().to, 1, "a prefix is at the beginning");
    publisher.close(LONG);
    let got = |events: &[&str]| (events.iter().map(|event| event.to_string()).collect(), "end".to_owned());
    assert_eq!(all(two), got(&["a/1", "b2"]));
    assert_eq!(all(none), got(&[]));
    assert_eq!(all(late), got(&["b2", "c/b"]));
}

#[test]
fn drop_loses_the_oldest_and_says_where() {
    let publisher = publisher(3);
    let slow = subscribe(&publisher, Policy::Drop, &[""]);
    fill(&publisher);
    for number in 1..=3 {
        assert_eq!(publisher.publish(&number.to_string(), b"").unwrap().dropped, 0);
    }
    for number in 4..=10 {
        let published = publisher.publish(&number.to_string(), b"").unwrap();
        assert_eq!(published, Published { to: 1, dropped: 1, cut: 0 });
    }
    assert_eq!(publisher.waiting(), 3);
    let closing = thread::spawn(move || publisher.close(LONG));
    assert_eq!(all(slow), (["much", "?7", "8", "9", "10"].map(String::from).into(), "end".into()));
    closing.join().unwrap();
}

#[test]
fn disconnect_cuts_off_the_slow_one_alone() {
    let publisher = publisher(3);
    let slow = subscribe(&publisher, Policy::Disconnect, &[""]);
    let mut other = subscribe(&publisher, Policy::Disconnect, &["1", "2", "3", "4"]);
    fill(&publisher);
    for topic in ["1", "2", "3"] {
        assert_eq!(publisher.publish(topic, b"").unwrap(), Published { to: 2, dropped: 0, cut: 0 });
    }
    for topic in ["1", "2", "3"] {
        assert_eq!(other.next(LONG).unwrap(), Event::News { topic, payload: b"" });
    }
    assert_eq!(publisher.publish("4", b"").unwrap(), Published { to: 1, dropped: 0, cut: 1 });
    assert_eq!(publisher.subscribers(), 1);
    // The big one was half sent.
    assert_eq!(all(slow), (vec![], CUT.into()));
    publisher.close(LONG);
    assert_eq!(all(other), (vec!["4".into()], "end".into()));
}

#[test]
fn block_waits_for_room_and_no_longer_than_its_limit() {
    let _hangs = watchdog(LONG);
    let publisher = publisher(1);
    let mut slow = subscribe(&publisher, Policy::Block(LONG), &[""]);
    fill(&publisher);
    publisher.publish("1", b"").unwrap();
    thread::scope(|scope| {
        // It can only return because the subscriber reads, and nobody waits for anything else.
        let blocked = scope.spawn(|| publisher.publish("2", b"").unwrap());
        assert!(matches!(slow.next(LONG).unwrap(), Event::News { topic: "much", .. }));
        assert_eq!(blocked.join().unwrap(), Published { to: 1, dropped: 0, cut: 0 });
    });
    assert_eq!(slow.next(LONG).unwrap(), Event::News { topic: "1", payload: b"" });
    assert_eq!(slow.next(LONG).unwrap(), Event::News { topic: "2", payload: b"" });

    let publisher = self::publisher(1);
    let stuck = subscribe(&publisher, Policy::Block(SHORT), &[""]);
    fill(&publisher);
    assert_eq!(publisher.publish("1", b"").unwrap(), Published { to: 1, dropped: 0, cut: 0 });
    assert_eq!(publisher.publish("2", b"").unwrap(), Published { to: 0, dropped: 0, cut: 1 });
    assert_eq!(all(stuck), (vec![], CUT.into()));
}

#[test]
fn one_that_has_gone_is_let_go_also_while_it_is_waited_for() {
    let _hangs = watchdog(LONG);
    let publisher = publisher(1);
    let gone = subscribe(&publisher, Policy::Block(100 * LONG), &[""]);
    fill(&publisher);
    publisher.publish("1", b"").unwrap();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| publisher.publish("2", b"").unwrap());
        drop(gone);
        assert_eq!(blocked.join().unwrap(), Published { to: 0, dropped: 0, cut: 1 });
    });
    assert_eq!(publisher.subscribers(), 0);
}

#[test]
fn to_drop_a_publisher_is_no_end() {
    let _hangs = watchdog(LONG);
    let publisher = publisher(1);
    let stuck = subscribe(&publisher, Policy::Drop, &[""]);
    fill(&publisher);
    drop(publisher);
    assert_eq!(all(stuck), (vec![], CUT.into()));
    // One that has everything is cut off as well; often, since an end could slip in between two steps.
    for _ in 0..300 {
        let publisher = self::publisher(1);
        let idle = subscribe(&publisher, Policy::Drop, &[""]);
        drop(publisher);
        assert_eq!(all(idle), (vec![], CUT.into()));
    }
}

#[test]
fn closing_waits_no_longer_than_it_should() {
    let _hangs = watchdog(LONG);
    let publisher = publisher(1);
    let stuck = subscribe(&publisher, Policy::Drop, &[""]);
    fill(&publisher);
    publisher.close(SHORT);
    assert_eq!(all(stuck), (vec![], CUT.into()));
}

#[test]
fn who_says_nothing_or_nonsense_is_not_admitted() {
    let publisher = publisher(1);
    let (ours, theirs) = Connection::pair().unwrap();
    let silent = publisher.admit(theirs, Policy::Drop, SHORT).unwrap_err();
    assert!(matches!(&silent, PublishError::Stream(error) if error.is_timeout()), "{silent}");
    drop(ours);
    let say = |message: &[u8]| {
        let (mut ours, theirs) = Connection::pair().unwrap();
        ours.send(message).unwrap();
        drop(ours);
        publisher.admit(theirs, Policy::Drop, LONG).unwrap_err().to_string()
    };
    assert_eq!(say(b"\x07"), "not a subscription: at byte 0: 7 stands for nothing here");
    assert_eq!(say(b"\x01\x03ab"), "not a subscription: at byte 2: a field of 3 bytes, of which 2 are there");
    assert_eq!(say(b"\x01\x01\xff"), "not a subscription: at byte 2: text that is not UTF-8");
    assert_eq!(say(&[1; 5000]), "at byte 0: a message of 5000 bytes, where at most 4096 are allowed");
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(ours);
    let gone = publisher.admit(Connection::new(theirs).unwrap(), Policy::Drop, LONG);
    assert!(matches!(gone, Err(PublishError::Gone)));
    assert_eq!(publisher.subscribers(), 0);
}

#[test]
fn what_is_too_long_is_not_published() {
    let publisher = Publisher::new(Limits { waiting: 1, longest: 10 });
    assert!(matches!(publisher.publish("topic", &[0; 4]), Err(PublishError::TooLong { length: 11, .. })));
    assert!(matches!(
        publisher.publish(&"t".repeat(256), b""),
        Err(PublishError::TooLong { topic: 256, .. })
    ));
    publisher.publish("topic", &[0; 3]).unwrap();
}

#[test]
fn a_publisher_that_talks_nonsense_is_an_error() {
    let told = |messages: &[&[u8]]| {
        let (ours, mut theirs) = Connection::pair().unwrap();
        for message in messages {
            theirs.send(message).unwrap();
        }
        match Subscriber::new(ours, &[""], LONG) {
            Ok(mut subscriber) => subscriber.next(LONG).map(|event| format!("{event:?}")),
            Err(error) => Err(error),
        }
    };
    let welcome = &b"\x02"[..];
    assert!(matches!(told(&[b"\x05"]), Err(SubscribeError::OutOfPlace)));
    assert!(matches!(told(&[welcome, welcome]), Err(SubscribeError::OutOfPlace)));
    assert!(matches!(
        told(&[welcome, b"\x01"]),
        Err(SubscribeError::Message(FieldError::Unknown { offset: 0, found: 1 }))
    ));
    assert!(matches!(
        told(&[welcome, b"\x05\x05"]),
        Err(SubscribeError::Message(FieldError::Trailing { offset: 1, count: 1 }))
    ));
    assert_eq!(told(&[welcome, b"\x04\0\0\0\0\0\0\x01\0"]).unwrap(), "Missed(256)");
}
