//! `a | b | c`: each process writes into a pipe from which the next one reads. A pipe ends when *all* its writing ends
//! are closed, and it is short: 64 KiB.
//!
//! What goes wrong, in the order in which everybody meets it:
//! - **No end.** One writing end that is still open somewhere, and the reader waits for ever. In Rust it is often the
//!   `Command` itself that holds it, until it is dropped.
//! - **Nobody reads any more.** The writer gets SIGPIPE and ends: that is why `yes | head` does. Rust ignores the
//!   signal: the write is an error (EPIPE), and `println!` panics on it.
//! - **Nobody reads yet.** Who waits for a child before reading what it prints waits for ever, if it prints more than
//!   a pipe holds. So read first, or let `output` do both.
//!
//! In Python: `subprocess.Popen` with `stdout=PIPE`, where `wait` deadlocks and `communicate` does not.

use std::{
    io::{self, BufRead, PipeReader, Read, Write, pipe},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use lesson::{Lesson, Story};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::ioctl_fionread,
    pipe::fcntl_getpipe_size,
    time::Timespec,
};

use super::again::{again, nobody_left};
use crate::ended::ended_within;

pub(super) const LESSON: Lesson = Lesson {
    name: "pipeline",
    question: "How are processes chained, and when does the chain hang?",
    python: &["subprocess.Popen", "Popen.communicate", "Popen.wait", "subprocess.PIPE", "BrokenPipeError"],
    run,
    scenes: &[
        ("numbers", || (1..=10).for_each(|number| println!("{number}"))),
        ("squares", squares),
        ("sum", sum),
        ("endless", endless),
        ("careless", careless),
        ("mebibyte", mebibyte),
    ],
};

/// Long enough that passing it means "never".
const LONG: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    by_hand(story)?;
    forgotten_end(story)?;
    nobody_reads(story)?;
    undrained(story)?;
    nobody_left(story);
    Ok(())
}

// ANCHOR: by_hand
fn by_hand(story: &mut Story) -> lesson::Result {
    story.say("numbers | squares | sum: three processes and two pipes.");
    let (from_numbers, to_squares) = pipe()?;
    let (from_squares, to_sum) = pipe()?;
    // Each `Command` goes at the end of its line, and the ends of the pipes that it holds go with it.
    let mut numbers = again("pipeline/numbers").stdin(Stdio::null()).stdout(to_squares).spawn()?;
    let mut squares = again("pipeline/squares").stdin(from_numbers).stdout(to_sum).spawn()?;
    let sum = again("pipeline/sum").stdin(from_squares).stdout(Stdio::piped()).spawn()?;
    let sum = sum.wait_with_output()?;
    let fine = [numbers.wait()?, squares.wait()?, sum.status].map(|status| status.success());
    story.equal("1 + 4 + 9 ... + 100", "385", String::from_utf8_lossy(&sum.stdout).trim());
    story.equal("each of the three has ended, and well", [true; 3], fine);
    Ok(())
}
// ANCHOR_END: by_hand

fn squares() {
    for number in io::stdin().lock().lines().map_while(Result::ok).flat_map(|line| line.parse::<u64>()) {
        println!("{}", number * number);
    }
}

fn sum() {
    let lines = io::stdin().lock().lines().map_while(Result::ok);
    println!("{}", lines.flat_map(|line| line.parse::<u64>()).sum::<u64>());
}

// ANCHOR: forgotten_end
fn forgotten_end(story: &mut Story) -> lesson::Result {
    story.say("Once more the first of them alone, but with its `Command` kept in a variable:");
    let (mut reader, writer) = pipe()?;
    let mut command = again("pipeline/numbers");
    command.stdin(Stdio::null()).stdout(writer);
    command.spawn()?.wait()?;
    let (mut text, mut chunk) = (Vec::new(), [0; 64]);
    while ready(&reader)?.contains(PollFlags::IN) {
        let count = reader.read(&mut chunk)?;
        text.extend_from_slice(&chunk[..count]);
    }
    story.equal("all its lines have come", 10, text.split(|byte| *byte == b'\n').count() - 1);
    story.equal(
        "it has ended, and yet the pipe has not: a reader would wait for ever",
        PollFlags::empty(),
        ready(&reader)?,
    );
    drop(command);
    story.equal("the `Command` had the other end", PollFlags::HUP, ready(&reader)?);
    Ok(())
}

/// What could be read from the pipe at this moment: something (IN), its end (HUP), or nothing yet.
fn ready(pipe: &PipeReader) -> io::Result<PollFlags> {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default()))?;
    Ok(fds[0].revents())
}
// ANCHOR_END: forgotten_end

/// Prints for ever, and says in its exit code what stopped it.
fn endless() {
    let mut out = io::stdout();
    let stopped = (0_u64..).find_map(|number| writeln!(out, "{number}").err());
    std::process::exit(match stopped.map(|error| error.kind()) {
        Some(io::ErrorKind::BrokenPipe) => 32,
        _ => 1,
    });
}

/// The same with `println`, which has nowhere to put an error.
fn careless() {
    for number in 0_u64.. {
        println!("{number}");
    }
}

fn nobody_reads(story: &mut Story) -> lesson::Result {
    story.say("Three writers without end, whose reader reads a line and goes away:");
    // SAFETY: between fork and exec one system call is made, which installs no handler.
    let with_signal = |command: &mut Command| unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            Ok(())
        });
    };
    let (mut seen, mut rows) = (Vec::new(), Vec::new());
    for (program, scene) in
        [("Rust, errors looked at", "pipeline/endless"), ("Rust, println", "pipeline/careless")]
    {
        let mut child = again(scene).stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut first = String::new();
        if let Some(out) = child.stdout.take() {
            io::BufReader::new(out).read_line(&mut first)?;
        }
        let output = child.wait_with_output()?;
        seen.push((
            first,
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).contains("Broken pipe"),
        ));
        rows.push(format!("{program:<24}{}", output.status));
    }
    story.show(rows.join("\n"));
    let line = "0\n".to_owned();
    story.equal(
        "Rust ignores SIGPIPE: a write is an error (EPIPE, 32)",
        (line.clone(), Some(32), false),
        seen[0].clone(),
    );
    story.equal("on which println panics", (line, Some(101), true), seen[1].clone());
    let mut other = Command::new("yes");
    with_signal(other.stdin(Stdio::null()).stdout(Stdio::piped()));
    match other.spawn() {
        Ok(mut child) => {
            drop(child.stdout.take());
            story.equal(
                "a program that does not ignore it is killed by it",
                Some(libc::SIGPIPE),
                child.wait()?.signal(),
            );
        }
        Err(error) => story.skip(
            "a program that does not ignore it is killed by it",
            "Some(13)",
            format!("yes: {error}"),
        ),
    }
    Ok(())
}

const MEBIBYTE: usize = 1 << 20;

fn mebibyte() {
    // An error here is a shorter output there, and a claim that fails.
    let _ = io::stdout().write_all(&vec![b'x'; MEBIBYTE]);
}

// ANCHOR: undrained
fn undrained(story: &mut Story) -> lesson::Result {
    const A_WHILE: Duration = Duration::from_millis(100);
    story.say("A child prints a mebibyte. Its parent waits for its end first, and would read then.");
    let mut child = again("pipeline/mebibyte").stdin(Stdio::null()).spawn()?;
    let Some(mut output) = child.stdout.take() else { return Err("the output was not piped".into()) };
    let (holds, deadline) = (fcntl_getpipe_size(&output)? as u64, Instant::now() + LONG);
    while ioctl_fionread(&output)? < holds && Instant::now() < deadline {
        std::thread::yield_now();
    }
    story.equal("the pipe is full", holds, ioctl_fionread(&output)?);
    let waited = ended_within(child.id(), A_WHILE)?;
    story.equal("and so the child does not end: parent and child wait for each other", false, waited);
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes)?;
    story.equal("whoever reads first gets it all", MEBIBYTE, bytes.len());
    story.equal("and the child ends", Some(0), child.wait()?.code());
    let both = again("pipeline/mebibyte").stdin(Stdio::null()).output()?;
    story.equal("`output` does both at once", MEBIBYTE, both.stdout.len());
    Ok(())
}
// ANCHOR_END: undrained
