//! How do two processes that know only a name find the same memory, and who takes the name away?
//!
//! A segment is a file in /dev/shm: shm_open(3) makes the name, mmap(2) maps the bytes, shm_unlink(3) takes the name away.
//! The name and the memory are two things. The memory stays until the last who has mapped it is gone; the name stays until
//! somebody removes it, or the machine is restarted.
//!
//! First through the crate `shared_memory`. It is enough for programs that end well. What it lacks:
//! - the name goes when the owner drops the mapping, and there is no other way: so after SIGKILL it stays, and the next
//!   start fails at it;
//! - whoever attaches gets a pointer and a length, and nobody looks whether it is what both think it is;
//! - memory is taken at the first access, so a full /dev/shm is a SIGBUS: see the lesson `limits`.
//!
//! Then ours, on the same system calls: [`Owner`] and [`Attached`] are two types. The owner takes the name away (on drop, or
//! early), and who has attached cannot. In Python both are one `SharedMemory`, and a program that merely had attached takes
//! the name away from all others at its end: see the lesson `python`. That a borrow cannot outlive the mapping
//! (`BufferError` there) is checked by the compiler: see [`Shared`].

use std::{
    io::{self, BufRead},
    os::unix::process::ExitStatusExt,
    process,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::process::{Signal, getpid, kill_process};
use shmem::{ShmemConf, ShmemError};

use crate::{
    Attached, Owner, SegmentError, Shared,
    peer::{self, Cast, Peer},
    segment::names,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "segment",
    question: "How do two processes that know only a name find the same memory, and who takes the name away?",
    python: &["shared_memory.SharedMemory", "SharedMemory.close", "SharedMemory.unlink"],
    run,
    scenes: &[("adder", adder), ("creator", creator), ("crate-killed", crate_killed)],
};

/// Far above what any step takes: to pass it means that it hangs.
const LIMIT: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    let name = format!("rust-segment-{}", process::id());
    story.say("Through the crate shared_memory: one creates, another attaches by the name.");
    let conf = || ShmemConf::new().os_id(format!("/{name}"));
    let created = conf().size(4096).create()?;
    let opened = conf().open()?;
    // SAFETY: both mappings have 4096 bytes, begin on a page, and nobody else knows the name.
    let words = unsafe { [&*created.as_ptr().cast::<AtomicU64>(), &*opened.as_ptr().cast::<AtomicU64>()] };
    words[0].store(42, Relaxed);
    story.equal("what one writes the other reads", 42, words[1].load(Relaxed));
    let taken = matches!(conf().size(4096).create(), Err(ShmemError::MappingIdExists));
    story.equal("a name is taken once", true, taken);
    drop(created);
    story.equal("when the owner drops it the name goes", 0, count(&name)?);
    drop(opened);

    after_sigkill(story, &name)?;
    ours(story, &name)?;
    race(story, &name)
}

/// The crate's owner is killed: nobody drops anything.
fn after_sigkill(story: &mut Story, name: &str) -> lesson::Result {
    story.say("Now a process creates the segment in the same way and is killed by SIGKILL.");
    let status = Cast::scene("segment", "crate-killed").with_word(name).start()?.end(LIMIT)?;
    story.equal("it was killed", Some(9), status.signal());
    story.equal("the name is left in /dev/shm", 1, count(name)?);
    let conf = || ShmemConf::new().os_id(format!("/{name}"));
    let again = conf().size(4096).create().map(drop);
    let observed = format!("{again:?}");
    let holds = matches!(again, Err(ShmemError::MappingIdExists));
    story.claim("the next start fails at it", "Err(MappingIdExists)", observed, holds);
    story.say("The crate's only way out: attach, declare oneself the owner, drop.");
    conf().open()?.set_owner(true);
    story.equal("then the name is gone", 0, count(name)?);
    Ok(())
}

fn ours(story: &mut Story, name: &str) -> lesson::Result {
    story.say("Ours. An owner creates the segment; another process attaches, adds 1, and ends.");
    let owner = Owner::create(name, Shared::<AtomicU64>::size(0))?;
    let shared = Shared::<AtomicU64>::create(&owner, |_, _| ())?;
    let ended = Cast::scene("segment", "adder").with_word(name).start()?.end(LIMIT)?;
    story.equal("it could", (true, 1), (ended.success(), shared.load(Relaxed)));
    story.equal("and the name is still there: who attaches never takes it away", 1, count(name)?);
    let too_small = Attached::open_at_least(name, 1 << 20).map(drop);
    story.equal("who needs more is told", true, matches!(too_small, Err(SegmentError::TooSmall { .. })));
    drop(owner);
    story.equal("the owner takes it away", 0, count(name)?);
    let missing = Attached::open(name).map(drop);
    story.equal("now nobody finds it", true, matches!(missing, Err(SegmentError::NotFound(_))));
    story.equal("but the memory is there as long as it is mapped", 2, shared.fetch_add(1, Relaxed) + 1);
    let bad = ["", "a/b", ".."].map(|name| Owner::create(name, 1).map(drop));
    let all_bad = bad.iter().all(|made| matches!(made, Err(SegmentError::BadName(_))));
    story.equal("no name: empty, with a slash, `..`", true, all_bad);
    Ok(())
}

fn race(story: &mut Story, name: &str) -> lesson::Result {
    story.say("Six processes create the same name at once (O_EXCL: one step in the kernel).");
    let start = || Cast::scene("segment", "creator").with_word(name).start();
    let mut peers = (0..6).map(|_| start()).collect::<io::Result<Vec<Peer>>>()?;
    // All have tried before any of them may end, for the winner's end frees the name.
    let said = peers.iter_mut().map(|peer| peer.line(LIMIT)).collect::<io::Result<Vec<_>>>()?;
    let number = |word: &str| said.iter().filter(|said| *said == word).count();
    story.equal("one creates it, all others are told", (1, 5), (number("created"), number("taken")));
    for peer in &mut peers {
        peer.end(LIMIT)?;
    }
    story.equal("and when that one ends, nothing is left", 0, count(name)?);
    Ok(())
}

fn count(name: &str) -> io::Result<usize> {
    Ok(names(name)?.len())
}

/// Attaches by name and adds 1.
fn adder() {
    let name = peer::word(0).expect("a name");
    let shared = Attached::open(&name).map(|segment| Shared::<AtomicU64>::attach(&segment));
    shared.expect("created by the lesson").expect("built by the lesson").fetch_add(1, Relaxed);
}

/// Tries to create a segment, says if it could, and waits to be told to end.
fn creator() {
    let created = Owner::create(&peer::word(0).expect("a name"), 4096);
    peer::say(match &created {
        Ok(_) => "created".to_owned(),
        Err(SegmentError::NameTaken(_)) => "taken".to_owned(),
        Err(other) => other.to_string(),
    });
    // Its end is the sign to go.
    let _ = io::stdin().lock().read_line(&mut String::new());
}

/// Creates a segment through the crate, and is killed.
fn crate_killed() {
    let name = peer::word(0).expect("a name");
    let _segment = ShmemConf::new().os_id(format!("/{name}")).size(4096).create().expect("the name is free");
    // One may always signal oneself.
    let _ = kill_process(getpid(), Signal::KILL);
}
