//! How does one ask a thread to stop?
//!
//! A thread cannot be stopped from outside, in Rust as in Python: it could hold a lock, or have half a record
//! written. It can be *asked*, and has to look:
//! - a **flag** is seen at the next look. A thread that is blocked, in a receive or a read, does not look;
//! - a **closed channel** is seen by a blocked receiver too, and only after everything sent before has been
//!   received: nothing that was accepted is lost.
//!
//! Whoever asks may wait for the end with a **time limit** (`crates/threads/src/join.rs`: any number may
//! join, `std`'s handle has neither). A thread whose handle is dropped is **detached**: it goes on, until it
//! ends or `main` does. Python's interpreter waits at its end for all but **daemon** threads; a guard in
//! `main` does the same (`crates/threads/src/registry.rs`).
//!
//! In Python: `Event` as flag, `Queue.shutdown`, `join(timeout)`, `is_alive`, `daemon`, `enumerate`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::channel,
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::{
    join::{self, JoinError},
    registry::{Kind, Registry},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "stop",
    question: "How does one ask a thread to stop?",
    python: &[
        "Thread.join(timeout)",
        "Thread.is_alive",
        "Thread.daemon",
        "threading.active_count",
        "threading.enumerate",
    ],
    run,
    scenes: &[("guarded", guarded)],
};

/// How long a thread must go on to be called blocked.
const MOMENT: Duration = Duration::from_millis(30);
/// Passed only on failure.
const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    by_flag(story)?;
    by_closing_the_channel(story)?;
    joined_by_many(story)?;
    detached(story)?;
    register(story)
}

fn by_flag(story: &mut Story) -> lesson::Result {
    story.say(
        "A thread that looks at a flag before each step, and one that waits for a message: the flag is \
        raised for both.",
    );
    let stop = Arc::new(AtomicBool::new(false));
    let (stepped, steps) = channel();
    let theirs = Arc::clone(&stop);
    let looking = join::spawn("looking", move || {
        // Relaxed: nothing else is read because of the flag. Where something is, Release and Acquire.
        while !theirs.load(Ordering::Relaxed) {
            let _ = stepped.send(());
            thread::yield_now();
        }
        "stopped between two steps"
    })?;
    let (sender, messages) = channel::<()>();
    let theirs = Arc::clone(&stop);
    let (waits, is_waiting) = channel();
    let blocked = join::spawn("blocked", move || {
        while !theirs.load(Ordering::Relaxed) {
            let _ = waits.send(());
            if messages.recv().is_err() {
                return "the channel was closed";
            }
        }
        "saw the flag"
    })?;
    // The flag is raised when one has made a step and the other one has looked and goes to wait.
    steps.recv()?;
    is_waiting.recv()?;
    stop.store(true, Ordering::Relaxed);
    story.equal("who looks at the flag stops", Ok(&"stopped between two steps"), looking.join_timeout(LIMIT));
    story.equal(
        "who waits for a message does not see it",
        Err(JoinError::TimedOut),
        blocked.join_timeout(MOMENT),
    );
    story.equal("and is alive", true, !blocked.is_finished());
    drop(sender);
    story.equal("a closed channel wakes it", Ok(&"the channel was closed"), blocked.join_timeout(LIMIT));
    Ok(())
}

// ANCHOR: by_closing_the_channel
fn by_closing_the_channel(story: &mut Story) -> lesson::Result {
    story.say("A worker is given 100 messages, and the channel is closed before it has taken the first.");
    let (sender, messages) = channel();
    let (go, start) = channel::<()>();
    let worker = join::spawn("worker", move || {
        let _ = start.recv();
        messages.iter().sum::<u32>()
    })?;
    for number in 1..=100 {
        sender.send(number)?;
    }
    drop(sender);
    drop(go);
    story.equal(
        "it takes what was sent before, then ends: nothing is lost",
        Ok(&5_050),
        worker.join_timeout(LIMIT),
    );
    Ok(())
}
// ANCHOR_END: by_closing_the_channel

fn joined_by_many(story: &mut Story) -> lesson::Result {
    let (sender, messages) = channel::<()>();
    let worker = join::spawn("worker", move || messages.iter().count())?;
    let joiners: Vec<_> =
        (0..3).map(|_| worker.clone()).map(|worker| thread::spawn(move || worker.join().copied())).collect();
    drop(sender);
    let got: Vec<_> = joiners.into_iter().map(|joiner| joiner.join().ok().and_then(Result::ok)).collect();
    story.equal("any number may wait for the same thread", vec![Some(0); 3], got);
    Ok(())
}

fn detached(story: &mut Story) -> lesson::Result {
    let (release, released) = channel::<()>();
    let (sender, signs) = channel();
    drop(thread::spawn(move || {
        let _ = released.recv();
        let _ = sender.send("still here");
    }));
    // Only now it may go on.
    drop(release);
    story.equal("a thread whose handle was dropped goes on", Ok("still here"), signs.recv_timeout(LIMIT));
    Ok(())
}

fn register(story: &mut Story) -> lesson::Result {
    story.say("A register knows who is alive.");
    let threads = Registry::new();
    let (release, released) = channel::<()>();
    threads.spawn("saver", Kind::Joined, move || while released.recv().is_ok() {})?;
    threads.spawn("heartbeat", Kind::Daemon, || {
        loop {
            thread::park()
        }
    })?;
    let names =
        |threads: &Registry| threads.enumerate().into_iter().map(|entry| entry.name).collect::<Vec<_>>();
    story.equal(
        "active_count and enumerate",
        (2, vec!["saver".into(), "heartbeat".into()]),
        (threads.active_count(), names(&threads)),
    );
    drop(release);
    threads.join_all();
    story.equal("it waits for all but daemons", vec!["heartbeat".to_owned()], names(&threads));

    story.say("The same in a main that returns while both are at work:");
    let played = story.play("guarded", LIMIT)?;
    story.show(&played.stdout);
    story.equal(
        "with a guard in main, threads are joined at its end, and daemons cut off",
        (Some(0), "main: its last line\nsaver: saved\n"),
        (played.status.and_then(|status| status.code()), &played.stdout),
    );
    Ok(())
}

fn guarded() {
    let threads = Registry::new();
    let _at_the_end = threads.join_on_drop(); // first, so dropped last
    let (main_is_over, wait) = channel::<()>();
    let saver = threads.spawn("saver", Kind::Joined, move || {
        let _ = wait.recv();
        println!("saver: saved");
    });
    let daemon = threads.spawn("heartbeat", Kind::Daemon, || {
        let (_sender, silence) = channel::<()>();
        let _ = silence.recv();
        println!("heartbeat: cannot be reached");
    });
    if saver.and(daemon).is_err() {
        println!("no thread could be started");
    }
    println!("main: its last line");
    // Here `main_is_over` is dropped, and only then does the saver go on.
    let _main_is_over = main_is_over;
}
