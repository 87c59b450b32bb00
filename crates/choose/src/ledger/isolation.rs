//! Who dies of a crash, and whose memory it is: tried in processes of their own, as one of them does not survive it.

use std::{
    io,
    process::{Command, Stdio, abort},
    ptr,
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    thread,
};

use clap::ValueEnum;
use rustix::{
    mm::{MapFlags, ProtFlags, mmap_anonymous, munmap},
    process::{Pid, Resource, Rlimit, WaitOptions, setrlimit, waitpid},
};

use crate::own;

/// A process that is started to see what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Death {
    /// One of its threads aborts.
    Thread,
    /// One of its processes does.
    Process,
    /// It is that process.
    Itself,
    /// A child of it writes to its memory.
    Write,
}

/// What a process that has survived writes.
const SURVIVED: &str = "survived";

/// Plays its part; in the child process.
///
/// # Errors
/// What starting a child says.
pub fn die(part: Death) -> io::Result<()> {
    // Not a real crash: nobody wants its memory on disk.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    match part {
        Death::Itself => abort(),
        Death::Thread => {
            let crash: fn() = || abort();
            // It never comes to that.
            drop(thread::spawn(crash).join());
        }
        Death::Process => {
            let mut command = Command::new(own::program()?);
            command.args(["die", "itself"]).stderr(Stdio::null()).status()?;
        }
        Death::Write => {
            let [own, shared] = written()?;
            println!("{own} {shared}");
        }
    }
    println!("{SURVIVED}");
    Ok(())
}

fn play(part: &str) -> io::Result<String> {
    let mut command = Command::new(own::program()?);
    let output = command.args(["die", part]).stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program survives that one of its threads aborts, and one of its processes.
pub(super) fn survives() -> io::Result<[bool; 2]> {
    Ok([play("thread")?.contains(SURVIVED), play("process")?.contains(SURVIVED)])
}

/// Whether a write of a thread is seen.
pub(super) fn seen_by_thread() -> bool {
    let number = AtomicU32::new(0);
    thread::scope(|scope| drop(scope.spawn(|| number.store(1, SeqCst))));
    number.into_inner() == 1
}

/// Whether a write of a child is seen: to its parent's variable, and to memory that was asked for as shared.
pub(super) fn seen() -> io::Result<[bool; 2]> {
    match play("write")?.split_whitespace().collect::<Vec<_>>()[..] {
        [own, shared, SURVIVED] => Ok([own == "1", shared == "1"]),
        _ => Err(io::Error::other("the process whose child writes has ended early")),
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// What is in both places after a child has written 1 to each.
fn written() -> io::Result<[u32; 2]> {
    let size = size_of::<AtomicU32>();
    // SAFETY: a new mapping, of which nobody else knows.
    let page = unsafe {
        mmap_anonymous(ptr::null_mut(), size, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED)
    }?;
    // SAFETY: a page is aligned, large enough and zero, and stays mapped until the last use below.
    let shared = unsafe { &*page.cast::<AtomicU32>() };
    // SAFETY: the child calls only _exit(2), which is async-signal-safe.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {
            NUMBER.store(1, SeqCst);
            shared.store(1, SeqCst);
            // SAFETY: it ends this process and touches nothing.
            unsafe { libc::_exit(0) }
        }
        child => child,
    };
    waitpid(Pid::from_raw(child), WaitOptions::empty())?;
    let found = [NUMBER.load(SeqCst), shared.load(SeqCst)];
    // SAFETY: `shared` is not used any more.
    unsafe { munmap(page, size) }?;
    Ok(found)
}
