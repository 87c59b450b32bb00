//! How do two processes that only write and read wait for each other?
//!
//! A pipe holds so many bytes (64 KiB on Linux, unless told otherwise); who writes into a full one sleeps until somebody
//! reads. Give a program more than that on its stdin before reading its stdout, and let it answer as it goes: its stdout
//! fills up, so it stops reading, so its stdin fills up, so you stop writing. Two processes, two full pipes, each waits for
//! the other to read. It works with small input, which is why it comes up in production.
//!
//! A variant needs one pipe only: **waiting for a child to end before reading what it prints**. It cannot end before
//! somebody reads.
//!
//! Look at the bytes that stand in each pipe, and at what happens when somebody begins to read: the cure is applied to the
//! standing deadlock, and both go on. So: read while you write (a thread for one of the two), read to the end and *then*
//! wait; `wait_with_output` does. In Python: `Popen.communicate` in the place of `Popen.wait`, and `Queue.get` before
//! `Process.join`.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use lesson::search::{broken, fixed};
use lesson::{Lesson, Story};
use model::schedule::{Bounds, Program};
use rustix::{
    io::{Errno, ioctl_fionread},
    pipe::{PipeFlags, fcntl_getpipe_size, pipe_with},
};

use super::miniature::Channel;

pub(super) const LESSON: Lesson = Lesson {
    name: "pipes",
    question: "How do two processes that only write and read wait for each other?",
    python: &["subprocess.Popen.communicate", "subprocess.Popen.wait", "multiprocessing.Process.join"],
    run,
    scenes: &[("echo", echo), ("talk", talk)],
};

fn run(story: &mut Story) -> lesson::Result {
    let capacity = size(story)?;
    both_full(story, capacity)?;
    wait_first(story, capacity)?;
    schedules(story)
}

/// What a new pipe holds: what the kernel says, and what goes in.
fn size(story: &mut Story) -> Result<usize, io::Error> {
    let (_reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
    let said = fcntl_getpipe_size(&writer)?;
    let mut filled = 0;
    loop {
        match rustix::io::write(&writer, &[0; 512]) {
            Ok(written) => filled += written,
            Err(Errno::AGAIN) => break,
            Err(error) => return Err(error.into()),
        }
    }
    story.say("A pipe that nobody reads is filled without waiting, until it takes no more.");
    story.equal("it holds as many bytes as F_GETPIPE_SZ says", said, filled);
    Ok(said)
}

/// Passes on what comes, as it comes: like `cat`.
fn echo() {
    let passed = || -> io::Result<()> {
        // As files: no buffers of ours in between.
        let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let mut piece = [0; 4096];
        loop {
            match input.read(&mut piece)? {
                0 => return Ok(()),
                read => output.write_all(&piece[..read])?,
            }
        }
    };
    end_quietly(passed());
}

/// Reads a number, prints so many bytes.
fn talk() {
    let told = || -> io::Result<()> {
        let mut number = String::new();
        io::stdin().read_to_string(&mut number)?;
        let bytes = number.trim().parse().map_err(io::Error::other)?;
        File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(&vec![b'.'; bytes])
    };
    end_quietly(told());
}

/// The parent has gone: nobody is left to tell.
fn end_quietly(outcome: io::Result<()>) {
    if let Err(error) = outcome
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("{error}");
    }
}

/// A child with both ends; killed if the lesson fails in between.
struct Peer(Child);

impl Peer {
    fn start(scene: &str) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--scene", &format!("pipes/{scene}")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = ends.ok_or_else(|| io::Error::other("both were asked for"))?;
        Ok((Self(child), stdin, stdout))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Where it has ended already, there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `is_so`, which another process brings about; not for ever.
fn until(what: &str, mut is_so: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let start = Instant::now();
    while !is_so()? {
        if start.elapsed() > Duration::from_secs(20) {
            return Err(io::Error::other(format!("it does not come about that {what}")));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

// ANCHOR: both_full
fn both_full(story: &mut Story, capacity: usize) -> lesson::Result {
    let much = 8 * capacity;
    story.say(format!("A child passes on what it reads. {much} bytes are written to it before any is read:"));
    let (mut child, mut to_child, mut from_child) = Peer::start("echo")?;
    let (down, up) = (to_child.as_fd().try_clone_to_owned()?, from_child.as_fd().try_clone_to_owned()?);
    let fill = || io::Result::Ok((ioctl_fionread(&down)? as usize, ioctl_fionread(&up)? as usize));
    let writer = thread::spawn(move || to_child.write_all(&vec![b'.'; much]));
    until("both pipes are full", || Ok(fill()? == (capacity, capacity)))?;
    // ANCHOR_END: both_full
    let (in_down, in_up) = fill()?;
    story.show(format!(
        "this process --writes--> [ {in_down:6} of {capacity} bytes ] --reads too little--> child\nthis process <-reads \
         nothing- [ {in_up:6} of {capacity} bytes ] <--writes-- child"
    ));
    story.claim(
        "both pipes are full, both processes write, neither has done: each waits for the other to read",
        format!("{capacity} bytes in each"),
        format!(
            "{in_down} and {in_up} bytes; the writer has {}",
            if writer.is_finished() { "ended" } else { "not ended" }
        ),
        (in_down, in_up) == (capacity, capacity) && !writer.is_finished() && child.0.try_wait()?.is_none(),
    );
    // The end that was copied only to look would keep the child's stdin open.
    drop(down);
    let mut answer = Vec::new();
    from_child.read_to_end(&mut answer)?;
    writer.join().map_err(|_| "the writer panicked")??;
    story.equal("as soon as this process reads, both go on, and all of it comes back", much, answer.len());
    story.equal("and the child ends", true, child.0.wait()?.success());
    Ok(())
}

fn wait_first(story: &mut Story, capacity: usize) -> lesson::Result {
    story.say("A child prints and ends. Its parent waits for the end before it reads: with as much as fits, and one byte more.");
    for bytes in [capacity, capacity + 1] {
        let (mut child, mut to_child, mut from_child) = Peer::start("talk")?;
        write!(to_child, "{bytes}")?;
        drop(to_child);
        until("the pipe is full", || Ok(ioctl_fionread(&from_child)? as usize == capacity))?;
        if bytes == capacity {
            story.equal("what fits does not hold it up: wait returns", true, child.0.wait()?.success());
            continue;
        }
        let waiter = thread::spawn(move || child.0.wait().map(|status| (child, status.success())));
        // It cannot have ended: a byte is left to be written, and the pipe stays full until somebody reads.
        let stuck = !waiter.is_finished() && ioctl_fionread(&from_child)? as usize == capacity;
        story.equal("one byte more, and wait does not return while nobody reads", true, stuck);
        let mut answer = Vec::new();
        from_child.read_to_end(&mut answer)?;
        let (_, ended_well) = waiter.join().map_err(|_| "the waiter panicked")??;
        story.equal(
            "read first, wait then: all bytes, and the child's end",
            (bytes, true),
            (answer.len(), ended_well),
        );
    }
    Ok(())
}

// ANCHOR: schedules
/// The same in small, under every schedule: pipes for one byte, four bytes to pass on.
fn schedules(story: &mut Story) -> lesson::Result {
    let processes = |in_turn: bool| {
        move |program: &mut Program| {
            let (down, up) = (Channel::new("down", 1), Channel::new("up", 1));
            let (input, output) = (down.clone(), up.clone());
            program.thread("child", move || (0..4).for_each(|_| output.send(input.receive())));
            program.thread("parent", move || {
                for byte in 0..4 {
                    down.send(byte);
                    if in_turn {
                        assert_eq!(up.receive(), byte);
                    }
                }
                if !in_turn {
                    (0..4).for_each(|byte| assert_eq!(up.receive(), byte));
                }
            });
        }
    };
    // ANCHOR_END: schedules
    story.say("In small, under a scheduler that tries all orders: pipes for one byte, four bytes.");
    let bounds = Bounds::preemptions(2);
    broken(story, "both-full", "write all, then read: a deadlock", 0, &bounds, processes(false))?;
    fixed(story, "write one, read one: none", &bounds, processes(true));
    Ok(())
}
