//! A process that has ended stays in the table until its parent has waited for it: a zombie. One whose parent has
//! ended gets another parent.
//!
//! A zombie has no memory and no descriptor, but its number, which cannot be given to another, and its exit status,
//! which somebody may still ask for. `drop(Child)` does not wait: a program that starts children and forgets them
//! fills the table. Cures: `wait`; ignore SIGCHLD, so that the kernel forgets them at once; or the **double fork**,
//! in which the child starts the grandchild and ends, so that the grandchild is adopted by somebody who waits: process
//! 1, or the nearest ancestor that has asked for it with PR_SET_CHILD_SUBREAPER.
//!
//! An orphan just goes on. In Python, `daemon=True` children outlive a parent that is killed; `active_children()` waits
//! for those that have ended.

use std::{
    fs, io,
    process::{self, Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use lesson::{Lesson, Story};
use rustix::{
    io::Errno,
    process::{WaitId, WaitIdOptions, WaitOptions, waitid, waitpid},
};

use super::again::{Adopting, Said, again, nobody_left, until_input_ends};
use crate::{ended::pid, proc};

pub(super) const LESSON: Lesson = Lesson {
    name: "zombies",
    question: "What is left of a child that nobody waits for, and of one whose parent ends?",
    python: &["active_children", "Process.join", "Process.close", "os.waitpid"],
    run,
    scenes: &[("nothing", || {}), ("waits", until_input_ends), ("forgets", forgets), ("middle", middle)],
};

fn run(story: &mut Story) -> lesson::Result {
    zombie(story)?;
    forgotten(story)?;
    orphan(story)?;
    nobody_left(story);
    Ok(())
}

/// Waits until `child` has ended, and leaves its status where it is.
fn has_ended(child: &Child) -> io::Result<()> {
    waitid(WaitId::Pid(pid(child.id())?), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(())
}

fn zombie(story: &mut Story) -> lesson::Result {
    // ANCHOR: zombie
    let child = again("zombies/nothing").stdin(Stdio::null()).spawn()?;
    let id = child.id();
    has_ended(&child)?;
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let lines = status.lines().filter(|line| {
        ["Name", "State", "Pid", "PPid"].iter().any(|name| line.starts_with(&format!("{name}:")))
    });
    story.say("A child has ended. Nobody has waited for it, and /proc says of it:");
    story.show(lines.collect::<Vec<_>>().join("\n"));
    story.equal("it is a zombie", Some('Z'), proc::state(id));
    story.equal("without memory", 0, proc::status(id, "VmRSS")?);
    story.equal(
        "and without descriptors",
        0,
        fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count),
    );
    drop(child);
    story.equal("dropping the `Child` does not change that", Some('Z'), proc::state(id));
    waitpid(Some(pid(id)?), WaitOptions::empty())?;
    story.equal("waiting does", None, proc::state(id));
    // ANCHOR_END: zombie
    Ok(())
}

fn forgotten(story: &mut Story) -> lesson::Result {
    let mut child = again("zombies/forgets").spawn()?;
    let said = Said::by(&mut child.stdout)?.line()?;
    child.wait()?;
    story.say("Another process says beforehand that it does not want to know: it ignores SIGCHLD.");
    story.equal(
        "then no zombie is left, and no status either",
        "no such process, no child to wait for",
        &*said,
    );
    Ok(())
}

/// Ignores SIGCHLD and starts a child.
fn forgets() {
    // SAFETY: no handler is installed, so nothing is called in the middle of anything.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let Ok(child) = again("zombies/nothing").stdin(Stdio::null()).spawn() else { return };
    // wait(2) waits until the last one is gone, and then says that there is none.
    let waited = pid(child.id()).map(|id| waitpid(Some(id), WaitOptions::empty()));
    // It says so a moment before the kernel has removed the last of it.
    let deadline = Instant::now() + Duration::from_secs(10);
    while proc::state(child.id()).is_some() && Instant::now() < deadline {
        thread::yield_now();
    }
    let state =
        proc::state(child.id()).map_or("no such process".to_owned(), |state| format!("state {state}"));
    let waited = if matches!(waited, Ok(Err(Errno::CHILD))) { "no child to wait for" } else { "a status" };
    println!("{state}, {waited}");
}

fn orphan(story: &mut Story) -> lesson::Result {
    story.say(
        "The double fork: a child starts a grandchild and ends. Then once more, after this process has asked to \
         adopt such orphans.",
    );
    let (mut child, grandchild) = family()?;
    let parent = proc::parent(grandchild);
    let someone = parent.is_some_and(|parent| parent != child.id() && parent != process::id());
    story.claim(
        "an orphan lives on, with somebody else as its parent (process 1, as a rule)",
        format!("neither {} nor {}", child.id(), process::id()),
        format!("{parent:?}"),
        someone,
    );
    // Its input ends, and so does it; its new parent waits for it.
    drop(child.stdin.take());

    let adopting = Adopting::begin()?;
    let (mut child, grandchild) = family()?;
    story.equal(
        "adopted by a subreaper, its parent is this process",
        Some(process::id()),
        proc::parent(grandchild),
    );
    story.equal("which did not start it", true, grandchild != child.id());
    drop(child.stdin.take());
    story.equal("and has to wait for it: it ended by itself", None, adopting.wait(grandchild)?);
    Ok(())
}

/// A child that is about to end when it has said the id of its own child, which lives as long as our end of the input.
fn family() -> io::Result<(Child, u32)> {
    let mut child = again("zombies/middle").spawn()?;
    // `Child::wait` would close the input, the grandchild's too: kept apart, and put back.
    let input = child.stdin.take();
    let id = Said::by(&mut child.stdout)?.ids()?.first().copied().ok_or(io::ErrorKind::InvalidData)?;
    child.wait()?;
    child.stdin = input;
    Ok((child, id))
}

/// Starts a child of its own, says so, and ends.
fn middle() {
    if let Ok(child) = again("zombies/waits").stdin(Stdio::inherit()).stdout(Stdio::null()).spawn() {
        println!("{}", child.id());
    }
}
