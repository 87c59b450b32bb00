//! Who notices when two processes lock two files in opposite orders?
//!
//! It depends on the kind of lock. For **record locks** (POSIX, `fcntl` with `F_SETLKW`) the kernel follows who waits for
//! whom before it lets somebody sleep, and the one who would close the circle gets `EDEADLK` at once: a wait-for graph, kept
//! for you, across processes. For **flock**, which is what `std::fs::File::lock` is on Linux, nobody looks: both sleep for
//! ever.
//!
//! But the kernel shows who waits: `/proc/locks` lists the holders and, behind an arrow, those who are blocked. The lesson
//! draws the cycle from there, as you could for a program that hangs in production. The cure is the same as for mutexes:
//! an order. Mind that a record lock belongs to the *process*: its threads do not exclude each other, and closing any
//! descriptor of the file gives it up (fcntl(2), flock(2)).
//!
//! In Python: `fcntl.lockf` is the record lock, `fcntl.flock` the other one.

mod peer;

use std::{env, fs, io, os::unix::fs::MetadataExt, path::PathBuf, process, thread, time::Duration};

use lesson::{Lesson, Story};
use model::schedule::{Bounds, Mutex, Program};

use lesson::search::{broken, fixed};
use peer::{Answer, Kind, Peer};

pub(super) const LESSON: Lesson = Lesson {
    name: "files",
    question: "Who notices when two processes lock two files in opposite orders?",
    python: &["fcntl.lockf", "fcntl.flock"],
    run,
    scenes: &[("peer", peer::scene)],
};

fn run(story: &mut Story) -> lesson::Result {
    let files = Files::new()?;
    record_locks(story, &files)?;
    flocks(story, &files)?;
    in_order(story, &files)?;
    schedules(story)
}

/// Two files in a directory of their own, gone with it.
struct Files {
    directory: PathBuf,
    paths: [PathBuf; 2],
}

impl Files {
    fn new() -> io::Result<Self> {
        let directory = env::temp_dir().join(format!("deadlock-files-{}", process::id()));
        fs::create_dir_all(&directory)?;
        let paths = ["first", "second"].map(|name| directory.join(name));
        paths.iter().try_for_each(|path| fs::write(path, ""))?;
        Ok(Self { directory, paths })
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // What is left behind in a temporary directory is the system's to clean.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A holds the first file and B the second; then each asks for the other's.
fn crossed(kind: Kind, files: &Files) -> io::Result<[Peer; 2]> {
    let [first, second] = &files.paths;
    let (mut a, mut b) = (Peer::start()?, Peer::start()?);
    for (peer, own) in [(&mut a, first), (&mut b, second)] {
        peer.ask(kind, own)?;
        if peer.answer()? != Answer::Held {
            return Err(io::Error::other("nobody else holds it"));
        }
    }
    a.ask(kind, second)?;
    b.ask(kind, first)?;
    Ok([a, b])
}

fn record_locks(story: &mut Story, files: &Files) -> lesson::Result {
    story.say("Process A locks the first file, process B the second; then each asks for the other's. With record locks:");
    let [mut a, mut b] = crossed(Kind::Record, files)?;
    // One of the two gets its answer while the other one still waits, and which one is open: it is whoever asked last.
    let refused_is_a = loop {
        if let Some(answer) = a.answered() {
            break answer == Answer::WouldDeadlock;
        }
        if let Some(answer) = b.answered() {
            break answer != Answer::WouldDeadlock;
        }
        thread::sleep(Duration::from_millis(1));
        a.in_time()?;
    };
    let (refused, other) = if refused_is_a { (a, &mut b) } else { (b, &mut a) };
    story.say(format!(
        "{} is told at once: EDEADLK. It gives up what it has, by ending.",
        if refused_is_a { "A" } else { "B" }
    ));
    refused.end()?;
    story.equal(
        "the kernel refuses exactly one of the two, and the other one gets its lock",
        Answer::Held,
        other.answer()?,
    );
    Ok(())
}

// ANCHOR: flocks
fn flocks(story: &mut Story, files: &Files) -> lesson::Result {
    story.say("With flock (std's File::lock) nobody is told anything. The kernel's list of locks:");
    let [a, mut b] = crossed(Kind::Flock, files)?;
    let names = [(a.id(), "A"), (b.id(), "B")];
    let waits = loop {
        let locks = fs::read_to_string("/proc/locks")?;
        let waits = who_waits(&locks, files, &names)?;
        if waits.len() == 2 {
            break waits;
        }
        thread::sleep(Duration::from_millis(1));
        a.in_time()?;
    };
    // ANCHOR_END: flocks
    for Wait { who, file, holder } in &waits {
        story.show(format!("{who} --waits for--> {file} --held by--> {holder}"));
    }
    let is_cycle = waits[0].holder == waits[1].who && waits[1].holder == waits[0].who;
    story.claim(
        "both sleep, each waits for what the other one holds: a cycle that the kernel lists and does not break",
        "A waits for B, B waits for A",
        waits.iter().map(|wait| format!("{} waits for {}", wait.who, wait.holder)).collect::<Vec<_>>().join(", "),
        is_cycle,
    );
    a.end()?;
    story.equal("A is killed: its lock is free, and B goes on", Answer::Held, b.answer()?);
    Ok(())
}

/// An edge of the wait-for graph.
#[derive(Debug)]
struct Wait {
    who: String,
    file: String,
    holder: String,
}

/// The edges among `names` on our files, from the kernel's list (proc_locks(5)): `1: FLOCK ADVISORY WRITE 4711
/// 00:21:99 0 EOF`, with `->` before FLOCK for one that waits.
fn who_waits(locks: &str, files: &Files, names: &[(u32, &str)]) -> io::Result<Vec<Wait>> {
    let mut waits = Vec::new();
    for (path, file) in files.paths.iter().zip(["first", "second"]) {
        let inode = format!(":{}", fs::metadata(path)?.ino());
        let (mut holder, mut waiting) = (None, Vec::new());
        for line in locks.lines() {
            let words: Vec<&str> = line.split_whitespace().filter(|word| *word != "->").collect();
            if words.get(5).is_none_or(|place| !place.ends_with(&inode)) {
                continue;
            }
            let name =
                names.iter().find(|(id, _)| words[4] == id.to_string()).map(|(_, name)| (*name).to_owned());
            if line.contains("->") { waiting.extend(name) } else { holder = name }
        }
        if let Some(holder) = holder {
            let wait = |who| Wait { who, file: file.to_owned(), holder: holder.clone() };
            waits.extend(waiting.into_iter().map(wait));
        }
    }
    Ok(waits)
}

fn in_order(story: &mut Story, files: &Files) -> lesson::Result {
    story.say("Cured: both ask for the first file first.");
    let [first, second] = &files.paths;
    let (mut a, mut b) = (Peer::start()?, Peer::start()?);
    a.ask(Kind::Flock, first)?;
    let mut answers = vec![a.answer()?];
    b.ask(Kind::Flock, first)?;
    a.ask(Kind::Flock, second)?;
    answers.push(a.answer()?);
    a.end()?;
    answers.push(b.answer()?);
    b.ask(Kind::Flock, second)?;
    answers.push(b.answer()?);
    story.equal("A gets both while B waits, then B gets both", vec![Answer::Held; 4], answers);
    Ok(())
}

fn schedules(story: &mut Story) -> lesson::Result {
    let processes = |ordered: bool| {
        move |program: &mut Program| {
            let files = [Mutex::new("first", ()), Mutex::new("second", ())];
            for (name, mine) in [("A", 0), ("B", if ordered { 0 } else { 1 })] {
                let files = files.clone();
                program.thread(name, move || {
                    let _one = files[mine].lock();
                    let _other = files[1 - mine].lock();
                });
            }
        }
    };
    story.say("All orders of the steps of two processes, with two locks:");
    broken(story, "crossed", "locked crosswise: a deadlock", 1, &Bounds::all(), processes(false))?;
    fixed(story, "locked in one order: none", &Bounds::all(), processes(true));
    Ok(())
}
