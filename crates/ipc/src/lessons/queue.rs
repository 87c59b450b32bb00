//! How do several processes share a queue, when any of them may die at any moment?
//!
//! CPython's `multiprocessing.Queue` is a pipe. `put` hands the item to a feeder thread, so that it never waits, and a process
//! that ends waits for its feeder. A pipe holds 64 KiB: with more, the feeder waits for a reader. If that reader first waits
//! for the process to end (`join` before draining), both wait for ever. And an item that a consumer has read is gone with it.
//!
//! Here a server holds the items. It takes what the feeders bring, so a producer can end though nobody reads; it gives each
//! item to one consumer, and to another if that one goes before it has said that it is done.
//!
//! Look at the attempts: 2 says that somebody had it before. He may have done the work and not have said so.
//!
//! In Python: `multiprocessing.Queue`, `JoinableQueue`, `join_thread`, `cancel_join_thread`.

use std::{
    io::{PipeReader, Read, Write},
    num::NonZeroUsize,
    thread,
    time::Instant,
};

use lesson::{Lesson, Story};
use processes::ended::ended_within;
use rustix::{io::ioctl_fionread, pipe::fcntl_getpipe_size};

use super::{LIMIT, MOMENT, introduce};
use crate::{
    Address,
    auth::Key,
    peer::{self, Peer},
    queue::{Consumer, Producer, QueueError, QueueServer},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "queue",
    question: "How do several processes share a queue, when any of them may die at any moment?",
    python: &["multiprocessing.Queue", "multiprocessing.JoinableQueue", "Queue.join_thread"],
    run,
    scenes: &[("feeder", feeder), ("producer", producer), ("bounded", bounded), ("holder", holder)],
};

const ITEMS: usize = 16;
const ITEM: usize = 64 << 10;

fn run(story: &mut Story) -> lesson::Result {
    broken(story)?;
    let key = Key::random()?;
    let address = Address::Abstract(format!("rust-ipc-queue-{}", std::process::id()));
    let server = QueueServer::start(&address, key.clone(), NonZeroUsize::new(ITEMS))?;
    cured(story, &server, &key)?;
    killed(story, &server, &key)?;
    ends(story, server, &key)
}

// ANCHOR: broken
fn broken(story: &mut Story) -> lesson::Result {
    let (mut reader, writer) = std::io::pipe()?;
    let holds = fcntl_getpipe_size(&writer)?;
    let mut child = Peer::start("queue", "feeder", &writer, &[])?;
    drop(writer);
    story.say(format!("Broken, in Python's manner: a child puts 1 MiB into a pipe of {holds} bytes, by a feeder thread that it waits for at its end. We wait for the child before we read."));
    wait_until_full(&reader, holds)?;
    story.equal("the child does not end", false, ended_within(child.id(), MOMENT)?);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    story.equal("drained first, it does", (ITEMS * ITEM, true), (bytes.len(), child.end(LIMIT)?.success()));
    Ok(())
}
// ANCHOR_END: broken

/// From there on the child can only wait.
fn wait_until_full(reader: &PipeReader, holds: usize) -> lesson::Result {
    let start = Instant::now();
    while ioctl_fionread(reader)? < holds as u64 {
        if start.elapsed() > LIMIT {
            return Err("the pipe is not filled".into());
        }
        thread::yield_now();
    }
    Ok(())
}

fn cured(story: &mut Story, server: &QueueServer, key: &Key) -> lesson::Result {
    let at = server.address().to_string();
    let (mut child, _line) = introduce::start("queue", "producer", key, &[&at])?;
    story.say("Cured: the same child, and the server takes its items though nobody reads. We join it, then we drain.");
    story.equal(
        "the child ends at once, and all it put is there",
        (true, ITEMS),
        (child.end(LIMIT)?.success(), server.len()),
    );
    story.say(format!("The queue is bounded: {ITEMS} items. A second child finds it full."));
    let (mut child, _line) = introduce::start("queue", "bounded", key, &[&at])?;
    let told = [child.line(LIMIT)?, child.line(LIMIT)?];
    let said = [QueueError::Full(MOMENT).to_string(), QueueError::Unaccepted(3).to_string()];
    story.equal("it gets an error instead of a wait without end, and ends", said, told);
    child.end(LIMIT)?;

    let mut consumer = Consumer::connect(server.address(), key)?;
    let mut bytes = 0;
    for _ in 0..ITEMS {
        bytes += consumer.get_within(LIMIT)?.map_or(0, |item| item.bytes.len());
    }
    consumer.task_done()?;
    story.equal("what was accepted comes out, and nothing else", (ITEMS * ITEM, 0), (bytes, server.len()));
    Ok(())
}

fn killed(story: &mut Story, server: &QueueServer, key: &Key) -> lesson::Result {
    let mut producer = Producer::connect(server.address(), key)?;
    producer.put(b"one")?;
    producer.put(b"two")?;
    let at = server.address().to_string();
    let (mut holder, _line) = introduce::start("queue", "holder", key, &[&at])?;
    let has = holder.line(LIMIT)?;
    story.say(format!("A consumer in another process {has}. It is killed before it says that it is done."));
    let early = producer.join_within(MOMENT).map_err(|error| error.to_string());
    let unfinished = QueueError::Unfinished(MOMENT).to_string();
    story.equal("`join` waits for what is not done", Err(unfinished), early);
    holder.kill()?;
    let mut consumer = Consumer::connect(server.address(), key)?;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let item = consumer.get_within(LIMIT)?.ok_or("the queue was closed")?;
        seen.push((String::from_utf8(item.bytes)?, item.attempt));
    }
    consumer.task_done()?;
    seen.sort();
    story.equal(
        "its item goes to another, who is told that it is the second attempt",
        vec![("one".to_owned(), 2), ("two".to_owned(), 1)],
        seen,
    );
    story.equal("and `join` returns", true, producer.join_within(LIMIT).is_ok());
    producer.close(LIMIT)?;
    Ok(())
}

fn ends(story: &mut Story, server: QueueServer, key: &Key) -> lesson::Result {
    let (mut producer, mut consumer) =
        (Producer::connect(server.address(), key)?, Consumer::connect(server.address(), key)?);
    producer.put_within(b"last", LIMIT)?;
    server.close();
    let last = consumer.get_within(LIMIT)?.map(|item| item.bytes);
    let (end, closed) = (consumer.get_within(LIMIT)?, producer.put_within(b"more", LIMIT).is_err());
    story.equal(
        "closed: what is there comes, then the end; and nothing more goes in",
        (Some(b"last".to_vec()), None, true),
        (last, end, closed),
    );
    drop(server);
    let gone = consumer.get_within(LIMIT).map_err(|error| error.to_string());
    let told = QueueError::Gone { unaccepted: 0 }.to_string();
    story.equal("the server dies, and the queue with it: an error at once", Err(told), gone);
    Ok(())
}

/// As CPython's `Queue` does: a feeder thread writes into the pipe, and the process waits for it at its end.
fn feeder() {
    let mut pipe = std::fs::File::from(peer::given().expect("a pipe"));
    let feeder = thread::spawn(move || {
        for _ in 0..ITEMS {
            pipe.write_all(&[7; ITEM]).expect("written");
        }
    });
    feeder.join().expect("fed");
}

fn connected() -> Producer {
    let (_, key) = introduce::key();
    let address: Address = peer::word(0).expect("an address").parse().expect("an address");
    Producer::connect(&address, &key).expect("a queue")
}

fn producer() {
    let mut queue = connected();
    for _ in 0..ITEMS {
        queue.put(&[7; ITEM]).expect("put");
    }
    queue.close(LIMIT).expect("accepted");
}

fn bounded() {
    let mut queue = connected();
    peer::say(queue.put_within(b"late", MOMENT).expect_err("it is full"));
    for _ in 0..3 {
        queue.put(b"waits").expect("`put` never waits");
    }
    peer::say(queue.close(MOMENT).expect_err("it is full"));
}

/// Takes an item, and is killed.
fn holder() {
    let (mut starter, key) = introduce::key();
    let address: Address = peer::word(0).expect("an address").parse().expect("an address");
    let mut queue = Consumer::connect(&address, &key).expect("a queue");
    let item = queue.get().expect("an item").expect("an item");
    peer::say(format!("has {:?}", String::from_utf8_lossy(&item.bytes)));
    introduce::stay(&mut starter);
}
