//! A child process is another program's run: it has to be started, waited for, and told everything.
//!
//! `Command` says what to run and with what; `spawn` starts it, `wait` gives its exit status, `output` runs it to its
//! end and collects what it prints. Our [`Child`] holds it by a descriptor, so that it can be waited for with a limit. The child inherits what is outside of the program: environment, directory,
//! standard input and output, limits, user. It inherits nothing of the inside: no variable, no thread, and no
//! descriptor either, since std opens all of them close-on-exec.
//!
//! A *function* runs in another process by starting this very program again: code is not sent, only the name of
//! the work and its input. The new process begins with an empty memory and at `main`, whose first line,
//! [`worker::enter`](crate::worker::enter), notices what it is and never returns. Look at what is sent
//! (`message.rs`) and at what a worker knows itself by (`mark.rs`).
//!
//! In Python: `multiprocessing.Process` with the start method `spawn`, where `if __name__ == "__main__"` is
//! what the first line of `main` is here. `exitcode` is -N for signal N; a program that fails exits with 1, one in Rust
//! with 101.

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::process::CommandExt,
    process::{self, Command, Stdio},
    sync::atomic::Ordering,
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    io::{FdFlags, fcntl_setfd},
    process::{Signal, getpid, kill_process},
};
use workload::{Timeline, Workers};

use super::{
    again::{THIS, again, nobody_left, until_input_ends},
    deeds::{COUNTER, Deed, Deeds},
};
use crate::{
    child::{Child, End, active_children},
    mark, proc, process_static,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "spawn",
    question: "How is another process started, and what does it get from the one that starts it?",
    python: &[
        "Process",
        "Process.exitcode",
        "Process.join",
        "subprocess.Popen",
        "get_context",
        "set_start_method",
    ],
    run,
    scenes: &[
        ("seven", || process::exit(7)),
        ("panics", || panic!("on purpose")),
        ("killed", killed),
        ("waits", until_input_ends),
        ("talks", talks),
        ("look", look),
        ("stray-variable", stray_variable),
    ],
};

fn run(story: &mut Story) -> lesson::Result {
    ends(story)?;
    inherits(story)?;
    runs_a_function(story)?;
    nobody_left(story);
    Ok(())
}

fn ends(story: &mut Story) -> lesson::Result {
    const A_MOMENT: Duration = Duration::from_millis(10);
    story.say("Five children: three end by themselves, one waits until it is let go, one cannot be started.");
    for (what, scene, expected) in [
        ("a child that exits with 7 has exit code 7", "spawn/seven", 7),
        ("one whose main panics has 101", "spawn/panics", 101),
        ("one that SIGTERM kills has none, but a signal: -15", "spawn/killed", -15),
    ] {
        let child = Child::spawn(again(scene).stdin(Stdio::null()).stderr(Stdio::null()))?;
        story.equal(what, Some(expected), child.join().exitcode());
    }
    // ANCHOR: held
    let mut child = Child::spawn(&mut again("spawn/waits"))?;
    story.equal("a child that still runs has no exit code yet", None, child.exitcode());
    story.equal("a join with a limit comes back without one", None, child.join_within(A_MOMENT));
    let active = active_children().iter().any(|active| active.pid() == child.pid());
    story.equal("it is among the active children", true, active);
    // Closes its input, which is what it waits for.
    drop(child.stdin.take());
    story.equal("join gives its end", End::Exited(0), child.join());
    // ANCHOR_END: held
    let missing = Command::new("/no/such/program").spawn();
    let missing = missing.map_or_else(|error| error.kind(), |_| ErrorKind::Other);
    story.equal("what is not there is an error of spawn", ErrorKind::NotFound, missing);

    let output = again("spawn/talks").stdin(Stdio::null()).output()?;
    let both = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    story.equal("output collects both streams, apart", ["fine\n", "well\n"].map(str::to_owned), both);
    Ok(())
}

fn inherits(story: &mut Story) -> lesson::Result {
    story.say("What does a child see? It is given a variable and a directory; two files are open here.");
    COUNTER.store(100, Ordering::Relaxed);
    let closed = memfd_create("closed-on-exec", MemfdFlags::CLOEXEC)?;
    let passed = memfd_create("passed-on", MemfdFlags::CLOEXEC)?;
    let mut command = again("spawn/look");
    command.stdin(Stdio::null()).env("COLOUR", "blue").current_dir("/");
    // SAFETY: between fork and exec one system call is made. Only there: here, a child that another thread starts
    // at this moment would get the descriptor too.
    unsafe { command.pre_exec(move || Ok(fcntl_setfd(&passed, FdFlags::empty())?)) };
    let seen = String::from_utf8_lossy(&command.output()?.stdout).into_owned();
    drop(closed);
    story.show(seen.trim_end());
    let field =
        |name: &str| seen.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
    story.equal("the environment is a copy, with what was added", "blue", &*field("COLOUR"));
    story.equal("so is the working directory", "/", &*field("directory"));
    story.equal(
        "a descriptor is close-on-exec, unless that is taken back",
        "passed-on",
        &*field("open files"),
    );
    story.equal("a variable that stands at 100 here is at its beginning there", "0", &*field("variable"));
    story.equal("it begins with one thread", "1", &*field("threads"));
    let seen = again("spawn/look").stdin(Stdio::null()).env_clear().output()?.stdout;
    let empty = String::from_utf8_lossy(&seen).contains("COLOUR     none\n");
    story.equal("env_clear gives it nothing but what is said", true, empty);
    Ok(())
}

fn runs_a_function(story: &mut Story) -> lesson::Result {
    story.say(
        "This program starts itself again, as a worker that is told a function's name. It adds 1 to its own variable, \
         three times, and reports.",
    );
    let seen = process_static::run(&Deeds(vec![Deed::Look; 3]), Workers::ONE, &Timeline::off())?;
    let [first, .., last] = seen[..] else { return Err("the worker saw nothing".into()) };
    story.equal("the worker's parent is the caller", process::id(), first.parent);
    story.claim(
        "it is another process",
        format!("not {}", process::id()),
        first.pid.to_string(),
        first.pid != process::id(),
    );
    story.equal(
        "its variable began at 0, and lives from piece to piece",
        [1, 3],
        [first.counter, last.counter],
    );
    story.equal("the caller's was not touched", 100, COUNTER.load(Ordering::Relaxed));
    story.say(
        "A worker is told by three things that must agree: its last argument, its parent's process id, and the first \
         message on its standard input. This program, started with a variable that looks like a worker's, is just \
         this program.",
    );
    let played = story.play("stray-variable", Duration::from_secs(10))?;
    story.equal("a stray environment variable makes no worker", "no worker", played.stdout.trim());
    Ok(())
}

fn killed() {
    // If it could not be sent the exit code would be 0, and the claim fail.
    let _ = kill_process(getpid(), Signal::TERM);
}

fn talks() {
    println!("fine");
    eprintln!("well");
}

/// What this process has.
fn look() {
    let directory =
        env::current_dir().map_or_else(|error| error.to_string(), |path| path.display().to_string());
    let descriptors = proc::descriptors().unwrap_or_default().into_iter();
    // "/memfd:passed-on (deleted)": a file in memory, which never had a name in a directory.
    let files: Vec<String> = descriptors
        .filter_map(|(_, target)| Some(target.strip_prefix("/memfd:")?.split(' ').next()?.to_owned()))
        .collect();
    println!("COLOUR     {}", env::var("COLOUR").as_deref().unwrap_or("none"));
    println!("directory  {directory}");
    println!("open files {}", files.join(" "));
    println!("variable   {}", COUNTER.load(Ordering::Relaxed));
    println!("threads    {}", fs::read_dir("/proc/self/task").map_or(0, Iterator::count));
}

/// Starts this program once more with the variable set, as a user's shell might.
fn stray_variable() {
    let again = Command::new(THIS)
        .arg("list")
        .env(mark::PARENT_VARIABLE, process::id().to_string())
        .stdin(Stdio::null())
        .output();
    // A worker would have complained that its input is no pipe; the program lists its lessons.
    let went_on = again.is_ok_and(|output| output.status.success() && output.stdout.starts_with(b"spawn"));
    println!("{}", if went_on { "no worker" } else { "something else" });
}
