//! How do many processes read what one writes, without a lock, and never get half of it?
//!
//! A value of several words cannot be written in one step. A reader that copies it meanwhile gets some words of the old
//! value and some of the new: a **torn** read, of a value that never was. A sequence lock puts a number beside it, odd
//! while it is written: a reader that finds the same even number before and after its copy has one state, else it copies
//! again. Readers write nothing, so they do not slow each other, and the writer waits for nobody.
//!
//! Between threads the writer gets done, sooner or later. A process may be killed with the number odd, and then all readers
//! would try again for ever: after waiting for a moment they ask the kernel whether it lives.
//!
//! In Python a `SharedMemory` is read as it is, torn or not.

use std::{sync::atomic::AtomicU64, sync::atomic::Ordering::Relaxed, time::Duration};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Program};
use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::{
    Memfd,
    peer::{self, Cast},
    seqlock::{self, Reader, SeqError, Writer},
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "seqlock",
    question: "How do many processes read what one writes, without a lock, and never get half of it?",
    python: &["multiprocessing.shared_memory.SharedMemory"],
    run,
    scenes: &[("writer", writer), ("halting", halting)],
};

const LIMIT: Duration = Duration::from_secs(20);
/// All its words are equal, as long as it is whole.
type Value = [u64; 8];
const POINTS: fn(&'static str) = peer::at;

fn run(story: &mut Story) -> lesson::Result {
    story.say("Broken: copied as it is, beside a writer. Two words will do:");
    broken(story, "torn", "a copy is torn", 1, &Bounds::all(), |program| copy(program, false))?;
    story.say("Fixed: the number before and after. (The orderings: tests/seqlock_model.rs, with loom.)");
    fixed(story, "a copy between two equal, even numbers is whole", &Bounds::all(), |program| {
        copy(program, true)
    });
    killed(story)?;
    stopped(story)
}

/// A writer of two words, and a reader that wants them equal.
fn copy(program: &mut Program, looks: bool) {
    let number = Atomic::new("number", 0);
    let words = ["left", "right"].map(|name| Atomic::new(name, 0));
    let torn = Atomic::new("torn", 0);
    let (odd, written) = (number.clone(), words.clone());
    program.thread("writer", move || {
        odd.store(1);
        written.iter().for_each(|word| word.store(7));
        odd.store(2);
    });
    let seen = torn.clone();
    program.thread("reader", move || {
        let before = if looks { number.load() } else { 0 };
        let [left, right] = [words[0].load(), words[1].load()];
        let taken = !looks || (before % 2 == 0 && number.load() == before);
        if taken && left != right {
            seen.store(1);
        }
    });
    program.expect("torn", 0, move || torn.load());
}

fn killed(story: &mut Story) -> lesson::Result {
    story.say("A writer is killed in the middle of its third write.");
    let memory = snapshot()?;
    let mut peer = Cast::scene("seqlock", "writer").with_memory(&memory)?.killed_at("half", 3).start()?;
    let id = peer.id();
    peer.end(LIMIT)?;
    let reader = Reader::<Value>::attach(&memory)?;
    story.equal(
        "without the number: half of the third, half of the second",
        [3, 3, 3, 3, 2, 2, 2, 2],
        reader.read_torn(),
    );
    story.equal(
        "with it, in place of a wait without end",
        Err(SeqError::WriterDied { id }),
        reader.read(LIMIT),
    );
    let mut next = Writer::<Value>::attach(&memory)?;
    story.equal(
        "another has taken its place, and not written yet",
        Err(SeqError::Stale),
        reader.read(Duration::ZERO),
    );
    next.write(&[4; 8]);
    story.equal("it has written", Ok([4; 8]), reader.read(LIMIT));
    drop(next);

    let mut peer = Cast::scene("seqlock", "writer").with_memory(&memory)?.killed_at("ended", 3).start()?;
    peer.end(LIMIT)?;
    story.equal("killed when the number was even again: the third, whole", Ok([3; 8]), reader.read(LIMIT));
    Ok(())
}

fn stopped(story: &mut Story) -> lesson::Result {
    story.say("A writer is stopped in the middle (SIGSTOP). It is not dead, and may go on at any time.");
    let memory = snapshot()?;
    let mut peer = Cast::scene("seqlock", "halting").with_memory(&memory)?.start()?;
    let said = peer.line(LIMIT)?;
    let reader = Reader::<Value>::attach(&memory)?;
    story.equal(
        "readers say so when their time is over",
        ("half".to_owned(), Err(SeqError::Stale)),
        (said, reader.read(Duration::from_millis(5))),
    );
    let pid = Pid::from_raw(peer.id().cast_signed()).ok_or("no process")?;
    // Again and again: it may not have stopped yet, and then this would be too early.
    while reader.try_read().is_none() {
        kill_process(pid, Signal::CONT)?;
        std::thread::yield_now();
    }
    story.equal("it goes on, and there is a whole one", Ok([1; 8]), reader.read(LIMIT));
    story.equal("and it ends well", true, peer.end(LIMIT)?.success());
    Ok(())
}

fn snapshot() -> Result<Memfd, Box<dyn std::error::Error>> {
    let memory = Memfd::create("snapshot", seqlock::size::<Value>())?;
    seqlock::create::<Value>(&memory, &[0; 8])?;
    Ok(memory)
}

/// Writes 1, 2, 3, ... until it is killed, or as many as its first word says.
fn writer() {
    peer::leave_no_core();
    let mut writer = Writer::attach_with(peer::memory().expect("given"), POINTS).expect("a snapshot");
    let count = peer::word(0).and_then(|word| word.parse().ok()).unwrap_or(u64::MAX);
    for number in 1..=count {
        writer.write(&[number; 8]);
    }
}

// ANCHOR: halting
/// Writes once, and stops in the middle until it is told to go on.
fn halting() {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let halt: fn(&'static str) = |point| {
        if point == "half" && PASSED.fetch_add(1, Relaxed) == 0 {
            peer::say("half");
            let _ = kill_process(getpid(), Signal::STOP);
        }
    };
    let mut writer = Writer::attach_with(peer::memory().expect("given"), halt).expect("a snapshot");
    writer.write(&[1_u64; 8]);
}
// ANCHOR_END: halting
