//! One publishes and many listen: what if one of them is slow?
//!
//! Then somebody pays, and the publisher decides who. To wait for all makes everybody as slow as the slowest; to keep what one
//! does not take needs memory without end. So each subscriber has a queue of a few messages and a **policy** for the day when
//! it is full. **Drop**: the oldest goes, and the subscriber is told how many it missed, where they are missing; right for
//! prices and positions. **Block**: the publisher waits, with a limit; right for an order of jobs. **Disconnect**: it is cut
//! off, and can tell that from the end; right where it can come back and ask for everything.
//!
//! Look at the numbers of the slow one: what it got and what it missed is what was published, to the last message.
//!
//! In Python nothing of the standard library does this; ZeroMQ's PUB drops and does not tell, Redis disconnects.

use std::{thread, time::Duration};

use lesson::{Lesson, Story};
use processes::proc;

use super::LIMIT;
use crate::{
    Connection,
    peer::{self, Peer},
    pubsub::{Event, Limits, Policy, Published, Publisher, SubscribeError, Subscriber},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "pubsub",
    question: "One publishes and many listen: what if one of them is slow?",
    python: &[],
    run,
    scenes: &[("listener", listener), ("publisher", publishes)],
};

/// How many messages are published, each of this many bytes: far more than queues and sockets hold.
const MANY: usize = 20_000;
const SIZE: usize = 1024;
/// How many may wait.
const WAITING: usize = 64;

fn run(story: &mut Story) -> lesson::Result {
    topics(story)?;
    dropping(story)?;
    blocking(story)?;
    disconnecting(story)?;
    killed(story)
}

fn publisher() -> Publisher {
    Publisher::new(Limits { waiting: WAITING, longest: 64 << 10 })
}

/// Another process, subscribed: it says at its end what it got.
fn subscribed(
    publisher: &Publisher,
    policy: Policy,
    prefix: &str,
) -> Result<Peer, Box<dyn std::error::Error>> {
    let (peer, connection) = Peer::connected("pubsub", "listener", &[prefix])?;
    publisher.admit(connection, policy, LIMIT)?;
    Ok(peer)
}

fn topics(story: &mut Story) -> lesson::Result {
    let publisher = publisher();
    let patient = Policy::Block(LIMIT);
    let mut all = subscribed(&publisher, patient, "")?;
    let mut weather = subscribed(&publisher, patient, "weather/")?;
    publisher.publish("weather/rain", b"")?;
    publisher.publish("sports/chess", b"")?;
    let mut late = subscribed(&publisher, patient, "")?;
    publisher.publish("weather/sun", b"")?;
    publisher.close(LIMIT);
    story.equal(
        "each of three processes gets what it asked for, the late one what came after it",
        ["got 3 missed 0 end", "got 2 missed 0 end", "got 1 missed 0 end"].map(String::from),
        [all.line(LIMIT)?, weather.line(LIMIT)?, late.line(LIMIT)?],
    );
    Ok(())
}

/// A subscriber in this process that reads when it is told to: as slow as one can be.
fn slow(publisher: &Publisher, policy: Policy) -> Result<Subscriber, Box<dyn std::error::Error>> {
    let (ours, theirs) = Connection::pair()?;
    thread::scope(|scope| {
        let subscriber = scope.spawn(|| Subscriber::new(ours, &[""], LIMIT));
        publisher.admit(theirs, policy, LIMIT)?;
        Ok(subscriber.join().map_err(|_| "the subscriber panicked")??)
    })
}

fn numbered(publisher: &Publisher, number: usize) -> Result<Published, Box<dyn std::error::Error>> {
    let mut payload = [0; SIZE];
    payload[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Ok(publisher.publish("number", &payload)?)
}

// ANCHOR: dropping
fn dropping(story: &mut Story) -> lesson::Result {
    let publisher = publisher();
    let mut quick = subscribed(&publisher, Policy::Block(LIMIT), "")?;
    let mut slow = slow(&publisher, Policy::Drop)?;
    let before = proc::memory(std::process::id())?.uss;
    let mut most = 0;
    for number in 0..MANY {
        numbered(&publisher, number)?;
        most = most.max(publisher.waiting());
    }
    let grown = proc::memory(std::process::id())?.uss.saturating_sub(before) >> 10;
    let close = thread::spawn(move || publisher.close(LIMIT));
    let (mut got, mut missed, mut in_place) = (0_u64, 0, true);
    loop {
        match slow.next(LIMIT)? {
            Event::News { payload, .. } => {
                // Its number is how many came before it: got, or told to be missing.
                in_place &= payload.starts_with(&(got + missed).to_be_bytes());
                got += 1;
            }
            Event::Missed(count) => missed += count,
            Event::End => break,
        }
    }
    close.join().map_err(|_| "the publisher panicked")?;
    story.say(format!(
        "Drop: of {MANY} messages the slow subscriber got {got}, and was told of {missed} that it missed."
    ));
    story.equal(
        "what it got and what it missed is all, each hole in its place, and it did miss some",
        (MANY as u64, true, true),
        (got + missed, in_place, missed > 0),
    );
    story.equal(
        "a quick one beside it missed nothing",
        format!("got {MANY} missed 0 end"),
        quick.line(LIMIT)?,
    );
    story.claim(
        format!(
            "the publisher kept no more than its queues, of {} KiB that were published",
            (MANY * SIZE) >> 10
        ),
        format!("at most {WAITING} messages, and 1024 KiB more than before"),
        format!("{most} messages, {grown} KiB more"),
        most <= WAITING && grown <= 1024,
    );
    Ok(())
}
// ANCHOR_END: dropping

fn blocking(story: &mut Story) -> lesson::Result {
    let publisher = publisher();
    let mut slow = slow(&publisher, Policy::Block(LIMIT))?;
    let published = thread::spawn(move || {
        let sent =
            (0..MANY).filter(|number| numbered(&publisher, *number).is_ok_and(|sent| sent.to == 1)).count();
        publisher.close(LIMIT);
        sent
    });
    let mut got = 0;
    while let Event::News { .. } = slow.next(LIMIT)? {
        got += 1;
    }
    let sent = published.join().map_err(|_| "the publisher panicked")?;
    story.equal(
        "Block: the publisher goes as slowly as its reader, and nothing is missed",
        (MANY, MANY),
        (sent, got),
    );
    Ok(())
}

fn disconnecting(story: &mut Story) -> lesson::Result {
    for (what, policy) in [
        ("Block, and the limit passes", Policy::Block(Duration::from_millis(20))),
        ("Disconnect", Policy::Disconnect),
    ] {
        let publisher = publisher();
        let mut stuck = slow(&publisher, policy)?;
        let mut rest = (0..MANY).map(|number| numbered(&publisher, number));
        // It does not read: at some message its socket and its queue are full.
        let cut = rest.find_map(|sent| sent.map(|sent| (sent.cut == 1).then_some(sent)).transpose());
        let cut = cut.transpose()?.is_some();
        let end = loop {
            match stuck.next(LIMIT) {
                Ok(Event::News { .. }) => {}
                other => break matches!(other, Err(SubscribeError::CutOff)),
            }
        };
        story.equal(
            format!("{what}: a subscriber that is stuck is cut off, and knows that this is not the end"),
            (true, true, 0),
            (cut, end, publisher.subscribers()),
        );
    }
    Ok(())
}

fn killed(story: &mut Story) -> lesson::Result {
    let publisher = publisher();
    let mut others = [
        subscribed(&publisher, Policy::Block(LIMIT), "")?,
        subscribed(&publisher, Policy::Block(LIMIT), "")?,
    ];
    let mut victim = subscribed(&publisher, Policy::Block(LIMIT), "")?;
    let mut cut = 0;
    for number in 0..MANY {
        if number == MANY / 2 {
            victim.kill()?;
        }
        cut += numbered(&publisher, number)?.cut;
    }
    publisher.close(LIMIT);
    let all = format!("got {MANY} missed 0 end");
    story.equal(
        "one is killed by SIGKILL in the middle: it is let go, and the others have everything",
        (1, all.clone(), all),
        (cut, others[0].line(LIMIT)?, others[1].line(LIMIT)?),
    );
    Ok(())
}

/// Subscribes to its word, and says at the end what it got.
fn listener() {
    let prefix = peer::word(0).unwrap_or_default();
    let connection = peer::connection().expect("started by the lesson");
    let mut subscriber = Subscriber::new(connection, &[&prefix], LIMIT).expect("admitted");
    let (mut got, mut missed) = (0, 0);
    let end = loop {
        match subscriber.next(LIMIT) {
            Ok(Event::News { .. }) => got += 1,
            Ok(Event::Missed(count)) => missed += count,
            Ok(Event::End) => break "end".to_owned(),
            Err(error) => break error.to_string(),
        }
    };
    peer::say(format!("got {got} missed {missed} {end}"));
}

/// Publishes without end to whom it is connected with, until it is killed.
fn publishes() {
    let publisher = publisher();
    let connection = peer::connection().expect("started with a connection");
    publisher.admit(connection, Policy::Block(LIMIT), LIMIT).expect("a subscriber");
    for number in 0u64.. {
        let mut payload = [0; 10_000];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        if publisher.publish("number", &payload).is_ok_and(|published| published.cut > 0) {
            return;
        }
    }
}
