//! What are threads good for when work waits?
//!
//! A thread that waits, for a network or a disk, takes no core. So many can wait at once, on a single core
//! even: the waits *overlap*. How many threads to take follows from the waiting, not from the cores: while a
//! document comes a set time after it was asked for, twice the threads take half the time, until there is one
//! for each document, or starting them takes longer than the wait.
//!
//! A second gain is worth as much: whoever hands the waiting to a thread stays *responsive*. The caller below
//! answers all its requests while a worker waits for a reply that does not come.
//!
//! And a trap: reading files is called I/O, but what was read before comes from memory (the *page cache*),
//! and nobody waits. That is work for cores: count on no more from threads than for any other copying of
//! memory.
//!
//! In Python: `ThreadPoolExecutor`, and the one case in which its global lock does no harm: a thread that
//! waits does not hold it.

mod cached;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio},
};
use workload::{
    Fetch, Fetched, RunError, Timeline, Workers, Workload,
    fetch::{body, checksum},
    sequential,
};

use crate::mechanisms::mechanism;

pub(super) const LESSON: Lesson = Lesson {
    name: "overlap",
    question: "What are threads good for when work waits?",
    python: &["concurrent.futures.ThreadPoolExecutor"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    fetch(story)?;
    faster(story)?;
    responsive(story)?;
    cached::tell(story)
}

// ANCHOR: fetched_by
/// All documents, by so many threads.
fn fetched_by(threads: usize, fetch: &Fetch) -> Result<Fetched, RunError> {
    match (threads, mechanism::<Fetch>("dynamic")) {
        (1, _) | (_, None) => sequential(fetch, &Timeline::off()),
        (_, Some(dynamic)) => (dynamic.run)(fetch, Workers::new(threads)?, &Timeline::off()),
    }
}
// ANCHOR_END: fetched_by

fn fetch(story: &mut Story) -> lesson::Result {
    let documents = 200;
    let latency = Duration::from_millis(if story.is_timed() { 10 } else { 1 });
    let (fetch, _server) = Fetch::local(documents, latency)?;
    story.say(format!(
        "A server on this machine has {documents} documents, and takes {latency:?} to answer. They are \
            fetched by ever more threads."
    ));
    let right = (0..documents).map(|number| (number, body(number))).fold(
        Fetched::default(),
        |mut all, (number, body)| {
            let one = Fetched { documents: 1, bytes: body.len() as u64, checksum: checksum(number, &body) };
            fetch.combine(&mut all, one);
            all
        },
    );
    let mut table = String::from("threads     took   at best\n");
    for threads in [8, 32, 64, 200] {
        let start = Instant::now();
        let fetched = fetched_by(threads, &fetch)?;
        let took = start.elapsed().as_millis();
        let best = (latency * documents.div_ceil(threads as u64) as u32).as_millis();
        table.push_str(&format!("{threads:7} {took:5} ms {best:6} ms\n"));
        story.equal(format!("{threads} threads get all documents, each once"), &right, &fetched);
    }
    if story.is_timed() {
        story.show(table);
    }
    Ok(())
}

fn faster(story: &mut Story) -> lesson::Result {
    let (fetch, _server) = Fetch::local(32, Duration::from_millis(5))?;
    let mut failed = None;
    let text = "32 threads fetch 32 documents many times as fast as one, on any number of cores";
    story.timed(text, Bound::AtLeast(5.0), 1, || {
        let (mut alone, mut together) = (Ok(Fetched::default()), Ok(Fetched::default()));
        let [one, many] =
            in_turn(5, [&mut || alone = fetched_by(1, &fetch), &mut || together = fetched_by(32, &fetch)]);
        failed = alone.err().or(together.err());
        ratio(&one, &many)
    });
    Ok(failed.map_or(Ok(()), Err)?)
}

/// Waits until the other side has said all it has to say.
fn ask(server: SocketAddr) -> io::Result<String> {
    let mut reply = String::new();
    TcpStream::connect(server)?.read_to_string(&mut reply)?;
    Ok(reply)
}

fn responsive(story: &mut Story) -> lesson::Result {
    const REQUESTS: usize = 1_000;
    story.say(format!(
        "A worker asks a server that does not answer. Meanwhile its caller has {REQUESTS} requests of others \
            to serve; only after the last one does the server answer."
    ));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let server = listener.local_addr()?;
    let worker = thread::spawn(move || ask(server));
    let (mut connection, _) = listener.accept()?;
    let served = (0..REQUESTS).filter(|_| !worker.is_finished()).count();
    connection.write_all(b"at last")?;
    drop(connection);
    let reply = worker.join().map_err(|payload| workload::panic_message(&*payload))??;
    story.equal("the caller served all of them while its worker waited", REQUESTS, served);
    story.equal("and the worker got its reply", "at last", &reply);
    Ok(())
}
