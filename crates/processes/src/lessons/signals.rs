//! A signal goes to a process or to a whole group; one of its threads runs the handler, and a handler may do next to
//! nothing. It does not interrupt a lock, a join or a Condvar.
//!
//! - **Groups.** Children are born into their parent's group, and Ctrl-C goes to all in the terminal's foreground
//!   group. `process_group(0)` makes a child the leader of a new one: then the family can be ended as one.
//! - **Ending.** SIGTERM asks, SIGKILL does not. First the one, then a grace time, then the other ([`group::end`]).
//! - **Handlers** interrupt the program anywhere, also in the middle of malloc: no allocation, no lock, no println
//!   (signal-safety(7)). So they set a flag or write a byte, and an ordinary thread does the work: that is what
//!   signal-hook is for.
//! - **SIGCHLD** says that *some* children have ended: signals of one kind are not counted while one is pending.
//!
//! In Python handlers run between two bytecodes of the main thread: one that waits in `Thread.join` or
//! `Condition.wait` is interrupted since 3.2, and every other thread is not.

mod scenes;

use std::{
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, ExitStatus},
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::process::{Signal, kill_process};

use super::again::{Adopting, Said, again, nobody_left};
use crate::{
    ended::{ended_within, pid},
    group, proc,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "signals",
    question: "Who gets a signal, and what can he do about it?",
    python: &[
        "signal.signal",
        "signal.set_wakeup_fd",
        "os.killpg",
        "Process.terminate",
        "Process.kill",
        "Process.interrupt",
    ],
    run,
    scenes: scenes::SCENES,
};

/// Long enough that passing it means "never".
const LONG: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    groups(story)?;
    grace(story)?;
    handlers(story)?;
    waits(story)?;
    nobody_left(story);
    Ok(())
}

/// Starts `scene` as the leader of a new group, and waits until it says its first line.
fn leader(scene: &str) -> io::Result<(Child, Said, String)> {
    let mut child = again(scene).process_group(0).spawn()?;
    let mut said = Said::by(&mut child.stdout)?;
    let first = said.line()?;
    Ok((child, said, first))
}

fn groups(story: &mut Story) -> lesson::Result {
    story.say("A process with two children of its own, in a group of its own. First the process alone gets SIGTERM, then its group.");
    let adopting = Adopting::begin()?;
    let (mut parent, _said, ids) = leader("signals/family")?;
    let children: Vec<u32> = ids.split(' ').flat_map(str::parse).collect();
    story.equal("it has two children", 2, children.len());
    kill_process(pid(parent.id())?, Signal::TERM)?;
    story.equal("kill ends the process", true, ended_within(parent.id(), LONG)?);
    let living = |child: &&u32| proc::state(**child).is_some_and(|state| state != 'Z');
    story.equal("and not its children", 2, children.iter().filter(living).count());
    group::signal(&parent, Signal::TERM)?;
    let mut ended = Vec::new();
    for child in &children {
        ended.push(adopting.wait(*child)?);
    }
    story.equal("kill of the group ends those, too", vec![Some(Signal::TERM.as_raw()); 2], ended);
    story.equal("the first was killed by the first", Some(Signal::TERM.as_raw()), parent.wait()?.signal());
    Ok(())
}

fn grace(story: &mut Story) -> lesson::Result {
    const GRACE: Duration = Duration::from_millis(100);
    story.say(
        "SIGTERM, a grace time, SIGKILL: one process tidies up, one has no handler, one will not hear of it.",
    );
    let told = |status: ExitStatus| {
        status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
    };
    for (scene, grace, expected) in [
        ("signals/polite", LONG, "exit status: 0"),
        ("signals/plain", LONG, "signal 15"),
        ("signals/stubborn", GRACE, "signal 9"),
    ] {
        let (mut child, mut said, _) = leader(scene)?;
        let status = group::end(&mut child, grace)?;
        let name = scene.trim_start_matches("signals/");
        story.equal(format!("the {name} one ends by"), expected, &*told(status));
        if name == "polite" {
            story.equal("and it had time to tidy up", "tidied up", &*said.line()?);
        }
    }
    Ok(())
}

fn handlers(story: &mut Story) -> lesson::Result {
    story.say("Handlers, each in a process of its own:");
    let played = story.play("coalesce", LONG)?;
    story.equal(
        "three children ended while SIGCHLD was blocked: the handler ran once",
        "3 ended, 1 signal",
        played.stdout.trim(),
    );
    let played = story.play("whose", LONG)?;
    story.equal(
        "a signal to the process is handled by a thread that lets it in",
        "the other thread",
        played.stdout.trim(),
    );
    Ok(())
}

fn waits(story: &mut Story) -> lesson::Result {
    const A_WHILE: Duration = Duration::from_millis(100);
    story.say("Two processes wait on a Condvar for the order to end. One has a handler that sets a flag; in the other a thread waits for signals and tells the Condvar.");
    let (mut deaf, mut said, _) = leader("signals/deaf")?;
    kill_process(pid(deaf.id())?, Signal::INT)?;
    story.equal("the flag is set by the handler", "handled", &*said.line()?);
    let ended = ended_within(deaf.id(), A_WHILE)?;
    story.equal("but that does not end the wait: a Condvar is not interrupted", false, ended);
    deaf.kill()?;
    deaf.wait()?;
    let (mut hears, mut said, _) = leader("signals/hears")?;
    kill_process(pid(hears.id())?, Signal::INT)?;
    story.equal(
        "a thread that waits for signals can take the lock, and tell",
        "stopped, and tidied up",
        &*said.line()?,
    );
    story.equal("it ends by itself, with 128 + 2", Some(130), hears.wait()?.code());
    Ok(())
}
