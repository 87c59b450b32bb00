//! What is there when a message is no more than "something has happened"?
//!
//! **eventfd**: a counter in the kernel, with a descriptor: many writes, one read that takes the sum (or one at a time). The
//! cheapest way to wake another process that polls. **Signals**: a bit each; they are lost in numbers. A real-time signal is
//! queued and carries a number. Read them from a descriptor (signalfd): a handler interrupts whatever is running and may call
//! hardly anything. **POSIX message queue**: small messages with priorities and deadlines, kept by the kernel.
//!
//! All three can be polled beside sockets. In Python: `os.eventfd`, `signal.sigwaitinfo`; for queues `posix_ipc` from PyPI.

use std::{io, process, time::Duration};

use lesson::{Lesson, Story};
use rustix::{
    event::{EventfdFlags, PollFlags, eventfd},
    io::{Errno, read, write},
};

use super::{LIMIT, MOMENT};
use crate::{
    message_queue::MessageQueue,
    peer::{self, Peer},
    ready::{deadline, ready},
    signals::{self, Signals},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "events",
    question: "What is there when a message is no more than \"something has happened\"?",
    python: &["os.eventfd", "signal.sigwaitinfo", "posix_ipc.MessageQueue"],
    run,
    scenes: &[("waker", waker), ("queued", queued), ("poster", poster)],
};

fn run(story: &mut Story) -> lesson::Result {
    counters(story)?;
    let played = story.play("queued", LIMIT)?;
    let lines: Vec<&str> = played.stdout.lines().collect();
    story.say("A process blocks SIGUSR1 and a real-time signal, gets each three times, with 1, 2 and 3, and then looks.");
    story.equal(
        "the standard signal was seen once, the real-time signal three times, with its numbers",
        vec!["standard: 1", "real-time: 1 2 3"],
        lines,
    );
    queue(story)
}

// ANCHOR: counters
fn counters(story: &mut Story) -> lesson::Result {
    let counter = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let mut child = Peer::start("events", "waker", &counter, &[])?;
    story.equal(
        "a child that inherited the counter wakes us",
        true,
        ready(&counter, PollFlags::IN, deadline(LIMIT))?,
    );
    child.end(LIMIT)?;
    story.equal("it has written 3 and 4, and one read takes both", Ok(7), take(&counter));
    story.equal("and then there is nothing", Err(Errno::AGAIN), take(&counter));
    let permits = eventfd(2, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE)?;
    let taken = [take(&permits), take(&permits), take(&permits)];
    story.equal("as a semaphore: one at a time", [Ok(1), Ok(1), Err(Errno::AGAIN)], taken);
    let full = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    add(&full, u64::MAX - 1)?;
    story.equal("it does not overflow: the next write waits", Err(Errno::AGAIN), add(&full, 1));
    Ok(())
}

fn take(counter: impl std::os::fd::AsFd) -> Result<u64, Errno> {
    let mut bytes = [0; 8];
    read(counter, &mut bytes[..]).map(|_| u64::from_ne_bytes(bytes))
}

fn add(counter: impl std::os::fd::AsFd, number: u64) -> Result<(), Errno> {
    write(counter, &number.to_ne_bytes()).map(drop)
}
// ANCHOR_END: counters

fn queue(story: &mut Story) -> lesson::Result {
    let queue = match MessageQueue::create(4, 64) {
        Err(error) if error.raw_os_error() == Some(Errno::NOSYS.raw_os_error()) => {
            story.skip("a POSIX message queue", "messages by priority", "this kernel has none");
            return Ok(());
        }
        queue => queue?,
    };
    let mut child = Peer::start("events", "poster", &queue, &[])?;
    child.end(LIMIT)?;
    story.equal(
        "a child put four in and found the fifth without room within its time",
        "TimedOut",
        child.line(LIMIT)?.as_str(),
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (message, priority) = queue.receive(LIMIT)?;
        seen.push(format!("{priority} {}", String::from_utf8_lossy(&message)));
    }
    story.equal(
        "they come by priority, and in order within one",
        ["9 fire", "1 first", "1 second", "0 last"].map(String::from).to_vec(),
        seen,
    );
    let late = queue.receive(MOMENT).map(drop).map_err(|error| error.kind());
    story.equal("nothing comes: its time is up", Err(io::ErrorKind::TimedOut), late);
    let long = queue.send(&[0; 65], 0, LIMIT).map_err(|error| error.raw_os_error());
    story.equal("a longer one is refused (EMSGSIZE)", Err(Some(Errno::MSGSIZE.raw_os_error())), long);
    Ok(())
}

/// Adds twice to the counter that it was given.
fn waker() {
    let counter = peer::given().expect("a counter");
    add(&counter, 3).and(add(&counter, 4)).expect("added");
}

/// Sends itself signals and says which it has seen. A process of its own, since its signals are blocked.
fn queued() {
    let signals = [libc::SIGUSR1, signals::real_time()];
    let mut taken = Signals::take(&signals).expect("blocked");
    for signal in signals {
        for number in 1..=3 {
            signals::send(process::id(), signal, number).expect("sent");
        }
    }
    let (mut standard, mut numbers) = (0, String::new());
    while let Some((signal, number)) = taken.next_signal().expect("read") {
        if signal == libc::SIGUSR1 {
            standard += 1;
        } else {
            numbers.push_str(&format!(" {number}"));
        }
    }
    peer::say(format!("standard: {standard}"));
    peer::say(format!("real-time:{numbers}"));
}

/// Puts four messages into the queue that it was given, and one more.
fn poster() {
    let queue = MessageQueue::from_fd(peer::given().expect("a queue")).expect("a queue");
    for (message, priority) in [("last", 0), ("first", 1), ("fire", 9), ("second", 1)] {
        queue.send(message.as_bytes(), priority, LIMIT).expect("room");
    }
    let fifth = queue.send(b"too much", 0, Duration::from_millis(10));
    peer::say(fifth.map_or_else(|error| format!("{:?}", error.kind()), |()| "sent".into()));
}
