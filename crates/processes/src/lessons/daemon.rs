//! What a program has started does not end with it, unless somebody sees to that.
//!
//! | way | works when the parent is killed | does not work |
//! |---|---|---|
//! | kill it on drop, at exit | no: a killed process drops nothing | SIGKILL, abort, `process::exit` |
//! | PR_SET_PDEATHSIG | yes, at once, by the kernel | the *thread* that started it ends too early; a parent that died before it was asked for; grandchildren |
//! | a pipe that closes | yes, also for grandchildren | for a child that does not look, or while anybody else has the other end |
//!
//! So a worker has both: the pipe through which its work comes, and PDEATHSIG for when it is busy. Look at
//! [`parent_death`](crate::parent_death), which is what an engineer copies.
//!
//! In Python `Process.daemon` is the first way: at a normal end children are terminated; after a SIGKILL they go on.

use std::{
    io::{self, Read},
    os::unix::process::ExitStatusExt,
    process::{self, Child, Stdio},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::process::{Signal, getpid, set_parent_process_death_signal};

use super::again::{Adopting, Said, again, nobody_left, until_input_ends};
use crate::{
    ended::ended_within,
    parent_death::{die_with_parent, watch_parent},
    start::fork,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "daemon",
    question: "What must end with its parent, and how?",
    python: &["Process.daemon", "parent_process", "multiprocessing.util.Finalize"],
    run,
    scenes: &[
        ("plain", || parent(false, Stdio::inherit())),
        ("signal", || parent(true, Stdio::inherit())),
        ("pipe", || parent(false, Stdio::piped())),
        ("thread", thread_ends),
        ("child", child),
    ],
};

/// Long enough that passing it means "never".
const LONG: Duration = Duration::from_secs(20);
const KILLED: Option<i32> = Some(Signal::KILL.as_raw());

fn run(story: &mut Story) -> lesson::Result {
    killed_parent(story)?;
    ended_thread(story)?;
    race(story)?;
    nobody_left(story);
    Ok(())
}

/// Reads until the end of its input, and ends.
fn child() {
    until_input_ends();
}

/// Starts a child, says its id and lives on.
fn parent(signal: bool, input: Stdio) {
    let mut command = again("daemon/child");
    command.stdin(input).stdout(Stdio::null());
    if signal {
        die_with_parent(&mut command);
    }
    if let Ok(child) = command.spawn() {
        println!("{}", child.id());
        until_input_ends();
        // Only reached if the lesson ends first.
        drop(child);
    }
}

/// A parent and its child's id.
fn family(scene: &str) -> io::Result<(Child, u32)> {
    let mut parent = again(scene).spawn()?;
    let id = Said::by(&mut parent.stdout)?.ids()?.first().copied().ok_or(io::ErrorKind::InvalidData)?;
    Ok((parent, id))
}

fn killed_parent(story: &mut Story) -> lesson::Result {
    const A_WHILE: Duration = Duration::from_millis(100);
    story.say("Three parents, each with a child, are killed by SIGKILL. What becomes of the children?");
    let adopting = Adopting::begin()?;
    for (scene, what, lives, signal) in [
        ("daemon/plain", "a child without any precaution goes on", true, None),
        ("daemon/signal", "one with PR_SET_PDEATHSIG is killed with it", false, KILLED),
        ("daemon/pipe", "one that reads from the parent's pipe ends by itself", false, None),
    ] {
        let (mut parent, child) = family(scene)?;
        // Kept open: only the parent's own pipe closes with it.
        let input = parent.stdin.take();
        parent.kill()?;
        parent.wait()?;
        let ended = ended_within(child, if lives { A_WHILE } else { LONG })?;
        drop(input);
        let seen = (ended, adopting.wait(child)?);
        story.equal(format!("{what} (ended with it, by a signal)"), (!lives, signal), seen);
    }
    Ok(())
}

/// A thread starts a child with PDEATHSIG and ends; the process lives on.
fn thread_ends() {
    let started = thread::spawn(|| {
        let mut command = again("daemon/child");
        die_with_parent(command.stdin(Stdio::inherit()).stdout(Stdio::null())).spawn()
    });
    let Ok(Ok(mut child)) = started.join() else { return };
    let status = child.wait().ok().and_then(|status| status.signal());
    println!("{status:?}");
}

fn ended_thread(story: &mut Story) -> lesson::Result {
    story.say("A parent starts a child from a thread that ends, and waits for it.");
    let mut parent = again("daemon/thread").spawn()?;
    let said = Said::by(&mut parent.stdout)?.line()?;
    story.equal(
        "the parent of PDEATHSIG is the thread: the child was killed",
        &*format!("{KILLED:?}"),
        &*said,
    );
    story.equal("though the process lived on to see it", Some(0), parent.wait()?.code());
    Ok(())
}

/// A parent that ends before its child asks for the signal: forced, as the child waits for that end.
fn race(story: &mut Story) -> lesson::Result {
    story.say("A parent ends after fork and before its child's prctl. The signal never comes; only a look at getppid tells.");
    let adopting = Adopting::begin()?;
    let (mut reader, report) = io::pipe()?;
    let parent = fork(|| {
        let (parent, id) = (getpid(), process::id());
        let child = fork(|| {
            // Not by a pipe that closes: that comes a little before the child is given to another parent.
            let gone = matches!(ended_within(id, LONG), Ok(true));
            let asked = set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
            let noticed = matches!(watch_parent(parent), Ok(false));
            let said = [u8::from(gone && asked), u8::from(noticed)];
            u8::from(rustix::io::write(&report, &said).is_err())
        });
        // Not waited for: forgotten, this parent ends first.
        child.map_or(1, |child| {
            let told = rustix::io::write(&report, &child.id().to_ne_bytes()).is_err();
            std::mem::forget(child);
            u8::from(told)
        })
    })?;
    drop(report);
    let mut id = [0; 4];
    reader.read_exact(&mut id)?;
    let child = u32::from_ne_bytes(id);
    parent.wait()?;
    let mut said = [0; 2];
    reader.read_exact(&mut said)?;
    story.equal("prctl says that all is well, getppid that it is too late", [1, 1], said);
    story.equal("no signal came: the child ended by itself", None, adopting.wait(child)?);
    Ok(())
}
