//! Ten thousand connections: a thread each, or tasks?
//!
//! A thread that waits for its connection costs its stack: some pages of it in this process, as many again in the kernel, and
//! a place in the scheduler. A **task** that waits is a state machine of a few hundred bytes; one thread asks the kernel for all
//! of them at once which of their connections have something (epoll), and goes on with those. So tasks are for many
//! connections that mostly wait, and for little else: a single exchange is no faster, and a task that *computes or blocks*
//! stops all the others of its thread. Threads do not know that trouble.
//!
//! Look at the memory for each connection, and at the task that blocks.
//!
//! In Python: `asyncio.start_unix_server` against `socketserver.ThreadingUnixStreamServer`.

mod crowd;
mod limits;
mod servers;

use std::{
    fs,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
};

use lesson::{Bound, Lesson, Story, measure};

use super::{LIMIT, MOMENT};
use crate::peer::Peer;
use crowd::{Crowd, MESSAGE};
use limits::Raised;

pub(super) const LESSON: Lesson = Lesson {
    name: "async",
    question: "Ten thousand connections: a thread each, or tasks?",
    python: &["asyncio.start_unix_server", "socketserver.ThreadingUnixStreamServer"],
    run,
    scenes: &[("threads", servers::threads), ("tasks", servers::tasks)],
};

/// Connections below which a server's memory says nothing about one of them: it grows by whole pages.
const ENOUGH: usize = 50;

fn run(story: &mut Story) -> lesson::Result {
    let open = fs::read_dir("/proc/self/fd")?.count();
    many(story)?;
    blocking(story)?;
    story.equal("as many descriptors are open as before", open, fs::read_dir("/proc/self/fd")?.count());
    Ok(())
}

fn many(story: &mut Story) -> lesson::Result {
    let wanted = if story.is_timed() { [10_000, 1_000] } else { [500, 100] };
    let raised = Raised::to_the_most()?;
    // Both servers' connections are open at once, in this process.
    let room = raised.room()?;
    let mut threads = Crowd::gather("threads", wanted[1].min(room / 2))?;
    let mut tasks = Crowd::gather("tasks", wanted[0].min(room.saturating_sub(threads.len())))?;
    story.show(format!(
        "           connections   threads   memory each (bytes)\n\
         tasks      {:>11}   {:>7}   {:>19}\n\
         threads    {:>11}   {:>7}   {:>19}",
        tasks.len(),
        tasks.threads()?,
        tasks.memory_each(),
        threads.len(),
        threads.threads()?,
        threads.memory_each(),
    ));
    for (crowd, wanted, what) in [(&mut tasks, wanted[0], "tasks"), (&mut threads, wanted[1], "threads")] {
        let text = format!("{wanted} connections at once, with {what}: each got its answer");
        let (open, answered) = (crowd.len(), crowd.answered(crowd.len())?);
        if open < wanted {
            let limit = format!("this process may have {} descriptors", raised.limit);
            let why = crowd.fewer.as_ref().unwrap_or(&limit);
            story.skip(text, wanted.to_string(), format!("no more than {open} here: {why}"));
        } else {
            story.equal(text, wanted, answered);
        }
    }
    story.equal(
        "threads of the servers: one for all, one for each (and the first, which accepts)",
        (1, threads.len() + 1),
        (tasks.threads()?, threads.threads()?),
    );
    let text =
        "memory for each: a thread takes several times what a task takes (the kernel's stack not counted)";
    let ratio = threads.memory_each() as f64 / tasks.memory_each().max(1) as f64;
    if threads.len().min(tasks.len()) < ENOUGH {
        story.skip(text, "at least 3x", format!("fewer than {ENOUGH} connections are here: too few to tell"));
    } else {
        story.claim(text, "at least 3x", format!("{ratio:.1}x"), ratio >= 3.0);
    }
    let among = threads.len();
    story.timed_all(
        [
            ("one exchange at a time: tasks are no faster and not much slower".into(), Bound::AtMost(2.0)),
            ("all of them at once: threads take longer".into(), Bound::AtLeast(1.1)),
        ],
        1,
        || {
            let [slow, fast] =
                measure::in_turn(5, [&mut || tasks.one_by_one(200), &mut || threads.one_by_one(200)]);
            let single = measure::ratio(&slow, &fast);
            let [slow, fast] =
                measure::in_turn(5, [&mut || threads.burst(among), &mut || tasks.burst(among)]);
            [single, measure::ratio(&slow, &fast)]
        },
    );
    Ok(())
}

// ANCHOR: blocking
/// One task waits for something without `.await`, in the middle of others.
fn blocking(story: &mut Story) -> lesson::Result {
    for (how, expected) in [(b'B', false), (b'S', true)] {
        // The server's standard input is what the task will wait for.
        let (mut gate, theirs) = UnixStream::pair()?;
        let crowd = Crowd::with(
            Peer::start("async", "tasks", OwnedFd::from(theirs), &[&crowd::name("gate")])?,
            "gate",
        )?;
        let (mut blocks, mut other) = (crowd.connect()?, crowd.connect()?);
        let mut message = [0; MESSAGE];
        message[..5].copy_from_slice(&[0, 0, 0, MESSAGE as u8 - 4, how]);
        blocks.write_all(&message)?;
        // It says so before it waits.
        blocks.read_exact(&mut message)?;
        other.set_read_timeout(Some(MOMENT))?;
        other.write_all(&crowd::message(0))?;
        let meanwhile = other.read_exact(&mut message).is_ok();
        gate.write_all(&[0])?;
        other.set_read_timeout(Some(LIMIT))?;
        let after = meanwhile || other.read_exact(&mut message).is_ok();
        let what = match how {
            b'B' => "a task that blocks stops the others, until it is let go",
            _ => "on a thread for such things (spawn_blocking) it stops nobody",
        };
        story.equal(
            format!("{what}: the other one was answered meanwhile, and after"),
            (expected, true),
            (meanwhile, after),
        );
    }
    Ok(())
}
// ANCHOR_END: blocking
