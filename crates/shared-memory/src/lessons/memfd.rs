//! How do processes share memory that has no name, and that nobody can pull away?
//!
//! A name can be guessed, taken, forgotten. memfd_create(2) makes memory that is reached by a descriptor alone, and a
//! descriptor is *given*: a child inherits it, a socket carries it (SCM_RIGHTS, unix(7)), /proc/PID/fd shows it to the same
//! user. When the last descriptor and the last mapping are gone, so is the memory; SIGKILL closes both.
//!
//! A file can be made shorter while it is mapped, and then the access to a page beyond its end is a SIGBUS, which ends the
//! reader for what the other one did. A **seal** forbids it for ever, to all: F_SEAL_SHRINK. So memory from another process
//! is mapped only after a look at its seals.
//!
//! In Python `os.memfd_create`, `socket.send_fds`, `mmap.mmap(fd, size)`.

use std::{
    fs,
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    process::{self, Command},
    time::Duration,
};

use lesson::{Lesson, Story};
use model::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Release},
};
use rustix::{fs::ftruncate, io::Errno};

use crate::{
    Mapping, Memfd, MemfdError, Shared, futex,
    memfd::{Unsealed, inherit},
    pass,
    peer::{self, Cast},
    segment::names,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "memfd",
    question: "How do processes share memory that has no name, and that nobody can pull away?",
    python: &["os.memfd_create", "socket.send_fds", "mmap.mmap"],
    run,
    scenes: &[("shrunk", shrunk), ("writer", writer), ("giver", giver), ("echo", echo)],
};

const LIMIT: Duration = Duration::from_secs(20);
const LABEL: &str = "rust-memfd";
/// SIGBUS on all of Linux's common machines.
const SIGBUS: i32 = 7;

fn run(story: &mut Story) -> lesson::Result {
    seals(story)?;
    ways(story)?;
    gone(story)
}

fn seals(story: &mut Story) -> lesson::Result {
    story.say(
        "Broken: memory that is not sealed is mapped, made shorter through another descriptor, and read.",
    );
    let died = story.play("shrunk", LIMIT)?.status.and_then(|status| status.signal());
    story.equal("the reader is killed by SIGBUS", Some(SIGBUS), died);
    story.say("Detected: what comes from outside is refused unless it is sealed. Fixed: seal it.");
    let unsealed: OwnedFd = Unsealed::create(LABEL, 4096)?.into();
    let refused = Memfd::from_fd(unsealed).map(drop);
    story.equal("memory that could be made shorter is refused", Err(MemfdError::NotSealed), refused);
    let memory = Memfd::create(LABEL, 4096)?;
    let refused = [0, 100, 8192].map(|size| ftruncate(&memory, size) == Err(Errno::PERM));
    story.equal(
        "nobody can make sealed memory shorter or longer: 0, 100, 8192 bytes (EPERM)",
        [true; 3],
        refused,
    );
    Ok(())
}

fn ways(story: &mut Story) -> lesson::Result {
    story.say("Ways to another process. As its standard input:");
    let memory = Memfd::create(LABEL, 4096)?;
    let mapping = memory.map()?;
    let mut peer = Cast::scene("memfd", "writer").with_memory(&memory)?.start()?;
    peer.end(LIMIT)?;
    story.equal("what the child wrote is here", "written by the child", text(&mapping)?.as_str());

    // A program that knows nothing of shared memory will do: it reads a file.
    let mut cat = Command::new("sh");
    let number = inherit(&mut cat, memory.as_fd().try_clone_to_owned()?);
    cat.args(["-c", &format!("cat <&{number}")]);
    story.equal("inherited under its number", "written by the child", &printed(&mut cat)?);

    let path = format!("/proc/{}/fd/{}", process::id(), memory.as_fd().as_raw_fd());
    story.equal(
        "opened through /proc/PID/fd",
        "written by the child",
        &printed(Command::new("cat").arg(path))?,
    );
    Ok(())
}

fn gone(story: &mut Story) -> lesson::Result {
    story.say("Through a socket: a process makes memory, sends us the descriptor, and is killed by SIGKILL.");
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_read_timeout(Some(LIMIT))?;
    let mut giver = Cast::scene("memfd", "giver").with_memory(&theirs)?.start()?;
    drop(theirs);
    let memory = pass::receive(&ours)?;
    let status = giver.kill()?;
    let mapping = memory.map()?;
    story.equal(
        "it is dead, and its memory is here",
        (Some(9), "from the grave"),
        (status.signal(), text(&mapping)?.as_str()),
    );
    story.equal("no name was ever in /dev/shm", 0, names("rust-memfd")?.len());
    let before = holds("rust-memfd-given")?;
    drop((memory, mapping));
    let after = holds("rust-memfd-given")?;
    story.equal(
        "when we let go of descriptor and mapping nobody has it, so the kernel frees it",
        (true, false),
        (before, after),
    );
    Ok(())
}

/// Whether this process has memory with this label, open or mapped.
fn holds(label: &str) -> io::Result<bool> {
    let label = format!("/memfd:{label}");
    let open = processes::proc::descriptors()?.iter().any(|(_, target)| target.starts_with(&label));
    Ok(open || fs::read_to_string("/proc/self/maps")?.contains(&label))
}

/// The text at the start of the memory, up to the first zero.
fn text(mapping: &Mapping) -> Result<String, Box<dyn std::error::Error>> {
    let mut bytes = [0; 64];
    mapping.read(0, &mut bytes)?;
    Ok(String::from_utf8(bytes.into_iter().take_while(|byte| *byte != 0).collect())?)
}

fn printed(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\0').to_owned())
}

// ANCHOR: shrunk
/// Is killed by its own read, since the file ends before what it reads.
fn shrunk() {
    peer::leave_no_core();
    let file = Unsealed::create(LABEL, 4096).expect("memory");
    let mapping = Mapping::of(&file, 4096).expect("it is as long as that");
    ftruncate(&file, 0).expect("nothing forbids it");
    let _ = mapping.read(100, &mut [0]);
}
// ANCHOR_END: shrunk

/// Writes into the memory that it was given.
fn writer() {
    let memory = peer::memory().expect("given by the lesson");
    memory.map().expect("mapped").write(0, b"written by the child").expect("it fits");
}

/// Makes memory, sends it through the socket that it was given, and waits to be killed.
fn giver() {
    let memory = Memfd::create("rust-memfd-given", 4096).expect("memory");
    memory.map().expect("mapped").write(0, b"from the grave").expect("it fits");
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned().expect("a socket"));
    pass::send(&socket, &memory).expect("sent");
    let _ = socket.read(&mut [0]);
}

/// Answers each number with the same number, asleep in between: two processes and a word for each direction.
fn echo() {
    let words = Shared::<[AtomicU32; 2]>::attach(peer::memory().expect("given")).expect("built");
    let [question, answer] = &*words;
    let mut last = 0;
    loop {
        // Acquire and Release: what was written before the question is seen here, and so with the answer there.
        match question.load(Acquire) {
            u32::MAX => return,
            seen if seen == last => {
                // Why it returns does not matter: the word is looked at again.
                futex::wait_shared(question, last, None);
            }
            seen => {
                last = seen;
                answer.store(seen, Release);
                futex::wake_shared(answer, 1);
            }
        }
    }
}
