//! How does one wait for several at once: messages, newcomers, ends of processes, a moment?
//!
//! A thread for each of them is one way. The other is to ask the kernel about all descriptors with one call (poll, epoll): a
//! connection, a listener, a process (pidfd) and a timer (timerfd) are descriptors alike. Two traps are in it. The kernel
//! knows bytes: half a message makes a descriptor readable, and whoever then asks for the whole waits, and with him all the
//! others that he was to watch. And who serves the first that is ready, and asks again, never comes to the second if the
//! first one always speaks.
//!
//! Look at the two columns: what the kernel says, and what may be received without waiting.
//!
//! In Python: `multiprocessing.connection.wait`, `Process.sentinel`, `selectors`.

use std::{
    error::Error,
    io::Write,
    os::{fd::AsFd, unix::net::UnixStream},
    process::{Command, Stdio},
    time::Duration,
};

use lesson::{Lesson, Story};
use processes::child::Child;

use super::LIMIT;
use crate::{
    Address, Connection, Listener,
    wait::{Source, Timer, wait},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "wait",
    question: "How does one wait for several at once: messages, newcomers, ends of processes, a moment?",
    python: &["multiprocessing.connection.wait", "Process.sentinel"],
    run,
    scenes: &[],
};

/// Only to look.
const NOW: Option<Duration> = Some(Duration::ZERO);

fn run(story: &mut Story) -> lesson::Result {
    kinds(story)?;
    half(story)?;
    hidden(story)
}

fn kinds(story: &mut Story) -> lesson::Result {
    let address = Address::Abstract(format!("rust-ipc-wait-{}", std::process::id()));
    let mut listener = Listener::bind(&address)?;
    let (mut connection, mut other) = Connection::pair()?;
    let mut child = Child::spawn(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()))?;
    let process = child.handle();
    let mut timer = Timer::after(Duration::from_millis(1))?;
    let mut later = Timer::after(LIMIT)?;
    let names = ["timer", "process", "connection", "listener", "later"];
    let mut now = |within| -> Result<Vec<&str>, Box<dyn Error>> {
        let sources: &mut [&mut dyn Source] =
            &mut [&mut timer, &mut child, &mut connection, &mut listener, &mut later];
        Ok(wait(sources, within)?.into_iter().map(|place| names[place]).collect())
    };
    story.say(
        "Watched with one call: a timer, a process, a connection, a listener, and a timer that is far away.",
    );
    story.equal("the timer ends the wait", vec!["timer"], now(Some(LIMIT))?);
    other.send(b"message")?;
    let newcomer = Connection::connect(&address)?;
    story.equal(
        "all that are ready come back, in the order given",
        vec!["timer", "connection", "listener"],
        now(NOW)?,
    );
    drop((other, newcomer));
    process.kill()?;
    let mut seen = now(Some(LIMIT))?;
    while !seen.contains(&"process") {
        seen = now(Some(LIMIT))?;
    }
    story.equal(
        "a process that was killed is ready, and so is a connection whose other end has gone",
        vec!["timer", "process", "connection", "listener"],
        seen,
    );
    Ok(())
}

fn half(story: &mut Story) -> lesson::Result {
    let (ours, mut theirs) = UnixStream::pair()?;
    let mut kernel = ours.as_fd().try_clone_to_owned()?;
    let mut connection = Connection::new(ours)?;
    story.say("A message of two bytes comes in three pieces: its length, one byte, the other byte.");
    let mut rows = vec!["piece       kernel: readable   wait: ready".to_owned()];
    let mut seen = Vec::new();
    for (name, piece) in [("length", &b"\0\0\0\x02"[..]), ("one byte", b"a"), ("the other", b"b")] {
        theirs.write_all(piece)?;
        let both =
            (!wait(&mut [&mut kernel], NOW)?.is_empty(), !wait(&mut [&mut connection], NOW)?.is_empty());
        rows.push(format!("{name:<11} {:<18} {}", both.0, both.1));
        seen.push(both);
    }
    story.show(rows.join("\n"));
    story.equal(
        "ours is ready when `receive` does not wait, and not before",
        vec![(true, false), (true, false), (true, true)],
        seen,
    );
    story.equal("and it does not", Some(&b"ab"[..]), connection.receive()?);
    Ok(())
}

const ROUNDS: usize = 100;

// ANCHOR: hidden
fn hidden(story: &mut Story) -> lesson::Result {
    let [first_only, all] = [false, true].map(|all| -> Result<[usize; 2], Box<dyn Error>> {
        let (mut loud, mut talker) = Connection::pair()?;
        let (mut quiet, mut shy) = Connection::pair()?;
        shy.send(b"please")?;
        let mut served = [0; 2];
        for _ in 0..ROUNDS {
            talker.send(b"me!")?;
            let mut ready = wait(&mut [&mut loud, &mut quiet], Some(LIMIT))?;
            if !all {
                ready.truncate(1);
            }
            for place in ready {
                [&mut loud, &mut quiet][place].receive()?;
                served[place] += 1;
            }
        }
        Ok(served)
    });
    story.say("One speaks in every round, the other has spoken once. Broken: serve the first that is ready, ask again.");
    story.equal("the other waits for as long as the first one speaks", [ROUNDS, 0], first_only?);
    story.equal("cured: all that are ready are served before the next question", [ROUNDS, 1], all?);
    Ok(())
}
// ANCHOR_END: hidden
