//! What is left in /dev/shm when a process is killed at the worst moment?
//!
//! SIGKILL runs no destructor. The kernel unmaps and closes, and knows nothing of names: a name that the dead one should have
//! taken away stays, with all its memory, until the machine is restarted. Four policies, each killed at each of its points:
//! - **name**: the owner takes it away on drop. Which does not happen.
//! - **name with guardian**: another process holds the end of a pipe, sees it close, and cleans up. It must be told before
//!   the segment is created, and whoever kills it too has the name left.
//! - **name unlinked early**: as soon as all have attached. What is left is the moment in between.
//! - **no name**: memfd. There is no such moment.
//!
//! In Python the guardian is `multiprocessing.resource_tracker`; kill it and the program, and the segment stays.

use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{self, Command},
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Memfd, Owner,
    guardian::{Guardian, guard},
    peer::{self, Cast},
    segment::{names, remove},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "leaks",
    question: "What is left in /dev/shm when a process is killed at the worst moment?",
    python: &["multiprocessing.resource_tracker", "SharedMemory.unlink"],
    run,
    scenes: &[("creator", creator), ("guardian", guardian)],
};

const LIMIT: Duration = Duration::from_secs(20);

/// Policy, where it is killed, names left, and what that means.
const CASES: [(&str, &str, usize, &str); 8] = [
    ("name", "created", 1, "a name alone is left"),
    ("guardian", "before", 0, "a guardian that was told of a name which never came does no harm"),
    ("guardian", "created", 0, "a guardian takes the name away"),
    ("no-guardian", "created", 1, "a guardian that was killed as well does not"),
    ("early", "created", 1, "a name that was to be unlinked early is left if the kill is earlier"),
    ("early", "unlinked", 0, "once it is unlinked nothing is left"),
    ("memfd", "created", 0, "without a name nothing is left"),
    ("memfd", "used", 0, "at no moment"),
];

fn run(story: &mut Story) -> lesson::Result {
    story.say("A process creates a segment under each policy and is killed by SIGKILL at a named point. Then we count.");
    let mut table = String::from("  policy        killed when   names left\n");
    let mut seen = Vec::new();
    for (policy, point, ..) in CASES {
        let left = killed(policy, point)?;
        table.push_str(&format!("  {policy:<13} {point:<13} {left}\n"));
        seen.push(left);
    }
    story.show(table);
    for ((.., expected, meaning), left) in CASES.into_iter().zip(seen) {
        story.equal(meaning, expected, left);
    }
    let ours = format!("rust-leaks-{}", process::id());
    story.equal("what was left has been removed by us, by its name", 0, names(&ours)?.len());
    Ok(())
}

/// How many names are left. They are removed.
fn killed(policy: &str, point: &str) -> Result<usize, Box<dyn std::error::Error>> {
    let name = format!("rust-leaks-{}-{policy}-{point}", process::id());
    let mut peer =
        Cast::scene("leaks", "creator").with_word(policy).with_word(&name).killed_at(point, 1).start()?;
    // The pipe of its standard output is the guardian's too: it ends when both are gone.
    let last = loop {
        match peer.line(LIMIT) {
            Ok(line) if line.starts_with("guardian") => {}
            Ok(line) => break Some(line),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break None,
            Err(error) => return Err(error.into()),
        }
    };
    let status = peer.end(LIMIT)?;
    let left = names(&name)?;
    for name in &left {
        remove(name)?;
    }
    match (last, status.signal()) {
        (None, Some(9)) => Ok(left.len()),
        (last, _) => Err(format!("{policy} was to be killed when {point}: {status}, {last:?}").into()),
    }
}

// ANCHOR: creator
/// Creates memory under a policy. It is killed on the way.
fn creator() {
    let word = |index| peer::word(index).expect("a policy and a name");
    let (policy, name) = (word(0), word(1));
    match policy.as_str() {
        "name" => {
            let _owner = Owner::create(&name, 4096).expect("created");
            peer::at("created");
        }
        "guardian" | "no-guardian" => {
            let program = &mut Command::new("/proc/self/exe");
            let mut guardian = Guardian::start(program.args(["--scene", "leaks/guardian"])).expect("started");
            guardian.watch(&name).expect("told");
            peer::at("before");
            let _owner = Owner::create(&name, 4096).expect("created");
            if policy == "no-guardian" {
                let id = Pid::from_raw(guardian.id().cast_signed()).expect("a process");
                kill_process(id, Signal::KILL).expect("it is our child");
            }
            peer::at("created");
        }
        "early" => {
            let owner = Owner::create(&name, 4096).expect("created");
            peer::at("created"); // the others attach
            let _memory = owner.unlink();
            peer::at("unlinked");
        }
        _ => {
            let memory = Memfd::create("rust-leaks", 4096).expect("created");
            peer::at("created"); // the others are given the descriptor
            let _mapping = memory.map().expect("mapped");
            peer::at("used");
        }
    }
    peer::say("not killed");
}
// ANCHOR_END: creator

/// Lives until the creator is gone, and says what it has removed.
fn guardian() {
    match guard(io::stdin().lock()) {
        Ok(removed) => peer::say(format!("guardian: removed {removed:?}")),
        Err(error) => peer::say(format!("guardian: {error}")),
    }
}
