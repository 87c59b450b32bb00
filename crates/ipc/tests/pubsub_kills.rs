//! Subscribers and publishers killed at random moments: the others lose nothing, everybody learns of it, nothing is left.
//!
//! `cargo test -p ipc --test pubsub_kills -- --ignored` kills a thousand.

mod mortal;

use std::{io::Read, thread, time::Instant};

use ipc::{
    Connection,
    pubsub::{Event, Limits, Policy, Publisher, SubscribeError, Subscriber},
};
use mortal::{BOUND, LONG, moment, started};
use testkit::LeakGuard;

/// One of three subscribers is killed while messages go out without pause: the others get each of them.
fn subscriber_killed(time: u64) {
    let publisher = Publisher::new(Limits { waiting: 8, longest: 100_000 });
    let [(mut victim, first), (mut other, second)] = [started("pubsub/listener"), started("pubsub/listener")];
    // Under any policy.
    let policy = [Policy::Drop, Policy::Block(LONG), Policy::Disconnect][time as usize % 3];
    publisher.admit(first, policy, LONG).unwrap();
    publisher.admit(second, Policy::Block(LONG), LONG).unwrap();
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let here = scope.spawn(|| {
            let mut subscriber = Subscriber::new(ours, &[""], LONG).unwrap();
            for number in 0u64.. {
                match subscriber.next(LONG).unwrap() {
                    Event::News { payload, .. } => assert!(payload.starts_with(&number.to_be_bytes())),
                    Event::End => return number,
                    Event::Missed(count) => panic!("{count} missed"),
                }
            }
            unreachable!("so many messages there are not")
        });
        publisher.admit(theirs, Policy::Block(LONG), LONG).unwrap();
        let killer = scope.spawn(move || {
            thread::sleep(moment(time));
            victim.kill().unwrap();
            victim.wait().unwrap();
            Instant::now()
        });
        let mut sent = 0u64;
        while publisher.subscribers() == 3 {
            let mut payload = vec![0; [100, 90_000][sent as usize % 2]];
            payload[..8].copy_from_slice(&sent.to_be_bytes());
            publisher.publish("number", &payload).unwrap();
            sent += 1;
        }
        let known = Instant::now();
        publisher.close(LONG);
        let took = known.saturating_duration_since(killer.join().unwrap());
        assert!(took < BOUND, "it was known after {took:?}");
        assert_eq!(here.join().unwrap(), sent);
        let mut told = String::new();
        other.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        other.wait().unwrap();
        assert_eq!(told, format!("got {sent} missed 0 end\n"));
    });
}

/// The publisher is killed: its subscriber is told that this is no end, and has no message twice or torn.
fn publisher_killed(time: u64) {
    let (mut child, connection) = started("pubsub/publisher");
    let mut subscriber = Subscriber::new(connection, &[""], LONG).unwrap();
    let killer = thread::spawn(move || {
        thread::sleep(moment(time));
        child.kill().unwrap();
        child.wait().unwrap();
        Instant::now()
    });
    let mut number = 0u64;
    let end = loop {
        match subscriber.next(LONG) {
            Ok(Event::News { payload, .. }) => {
                assert_eq!((&payload[..8], payload.len()), (&number.to_be_bytes()[..], 10_000));
                number += 1;
            }
            Ok(event) => panic!("{event:?}"),
            Err(error) => break error,
        }
    };
    let known = Instant::now();
    assert!(matches!(end, SubscribeError::CutOff), "{end}");
    let took = known.saturating_duration_since(killer.join().unwrap());
    assert!(took < BOUND, "it was known after {took:?}");
}

fn kill(times: u64) {
    // No file of ours has a name; those of other programs that run meanwhile are not ours.
    let guard = LeakGuard::new("rust-ipc-pubsub-kills");
    for time in 0..times {
        subscriber_killed(time);
        publisher_killed(time);
    }
    guard.check().unwrap();
}

#[test]
fn killed_at_random_moments() {
    kill(20);
}

#[test]
#[ignore = "a thousand kills: `just chaos`"]
fn a_thousand_killed_at_random_moments() {
    kill(500);
}
