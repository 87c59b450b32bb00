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

fn run(story: &mut Story) -> lesson::Result {
    let open = fs::read_dir("/proc/self/fd")?.count();
    many(story)?;
    blocking(story)?;
    story.equal("as many descriptors are open as before", open, fs::read_dir("/proc/self/fd")?.count());
    Ok(())
}

fn many(story: &mut Story) -> lesson::Result {
    let (tasks, threads) = if story.is_timed() { (10_000, 1_000) } else { (500, 100) };
    let raised = Raised::to_the_most()?;
    let possible = tasks.min(raised.room()?);
    if possible < tasks {
        story.say(format!(
            "This process may have {} descriptors (RLIMIT_NOFILE): {possible} connections instead of {tasks}.",
            raised.limit
        ));
    }
    let mut tasks = Crowd::gather("tasks", possible)?;
    let mut threads = Crowd::gather("threads", threads.min(possible))?;
    for (crowd, what) in [(&tasks, "tasks"), (&threads, "threads")] {
        if let Some(why) = &crowd.fewer {
            story.say(format!("No more than {} connections with {what} here: {why}.", crowd.len()));
        }
    }
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
    story.equal("every connection got an answer, from tasks", tasks.len(), tasks.answered(tasks.len())?);
    story.equal("and from threads", threads.len(), threads.answered(threads.len())?);
    story.equal(
        "threads of the servers: one for all, one for each (and the first, which accepts)",
        (1, threads.len() + 1),
        (tasks.threads()?, threads.threads()?),
    );
    let ratio = threads.memory_each() as f64 / tasks.memory_each().max(1) as f64;
    story.claim(
        "memory for each connection: a thread takes several times what a task takes (the kernel's stack not counted)",
        "at least 3x",
        format!("{ratio:.1}x"),
        ratio >= 3.0,
    );
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
