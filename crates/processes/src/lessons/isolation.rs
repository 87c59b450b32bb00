//! A process's memory is its own, and so is its end: what it writes no other sees, what kills it kills no other.
//!
//! Threads share both. A thread's panic ends that thread alone, as it unwinds; but a segmentation fault, an abort, a
//! stack that runs over, memory that cannot be had: each of them ends the *process*, with all its threads. So what
//! may do that (C libraries, `unsafe` of others, input of unknown size) belongs in a process of its own.
//!
//! Look at the addresses: the same number in two processes names two places. Only a page that both map on purpose
//! is one place (the crate `shared-memory` is about that).
//!
//! In Python, too, a crash in an extension ends the interpreter; a `ProcessPoolExecutor` then says
//! `BrokenProcessPool`.

use std::{
    fs::File,
    hint::black_box,
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    process,
    ptr::{self, NonNull},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use rustix::{
    mm::{MapFlags, ProtFlags, mmap_anonymous, munmap},
    process::{Resource, Rlimit, getrlimit, setrlimit},
};

use super::again::nobody_left;
use crate::{proc, start::fork};

pub(super) const LESSON: Lesson = Lesson {
    name: "isolation",
    question: "Whose memory is it, and who dies of a crash?",
    python: &["Process", "BrokenProcessPool", "faulthandler"],
    run,
    scenes: &[
        ("segfault", segfault),
        ("abort", abort),
        ("overflow", overflow),
        ("exhaust", exhaust),
        ("segfault-in-a-thread", || in_a_thread(segfault)),
        ("abort-in-a-thread", || in_a_thread(abort)),
        ("overflow-in-a-thread", || in_a_thread(overflow)),
        ("exhaust-in-a-thread", || in_a_thread(exhaust)),
    ],
};

const PAGE: usize = 4096;
const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

fn run(story: &mut Story) -> lesson::Result {
    memory(story)?;
    crashes(story)?;
    nobody_left(story);
    Ok(())
}

// ANCHOR: memory
fn memory(story: &mut Story) -> lesson::Result {
    story.say("A forked child, a copy of this process, writes 2 where 1 stands: once in its own memory, once in a page that both map.");
    let (mut own, shared) = (Box::new(1_u32), SharedWord::new(1)?);
    let (reader, writer) = io::pipe()?;
    let child = fork(|| {
        *own = 2;
        shared.word().store(2, Ordering::Relaxed);
        u8::from(write!(&writer, "{:p} {own}", &raw const *own).is_err())
    })?;
    drop(writer);
    let (mut said, status) = (String::new(), child.wait()?);
    File::from(std::os::fd::OwnedFd::from(reader)).read_to_string(&mut said)?;
    let here = format!("{:p} {}", &raw const *own, black_box(&own));
    story.show(format!("child   {said}\nparent  {here}"));
    story.equal("the child did its work", Some(0), status.code());
    let address = |said: &str| said.split(' ').next().unwrap_or_default().to_owned();
    story.equal("the address is the same in both", address(&here), address(&said));
    story.equal("the child sees what it wrote, the parent does not", (true, 1), (said.ends_with(" 2"), *own));
    story.equal("what is written to a shared page, both see", 2, shared.word().load(Ordering::Relaxed));
    Ok(())
}
// ANCHOR_END: memory

fn crashes(story: &mut Story) -> lesson::Result {
    story.say(
        "Now four ways to crash, each in a child, and then each in a thread of a child whose main would say so if it \
         lived on.",
    );
    let limit = Duration::from_secs(20);
    for (what, scene, signal, complaint) in [
        ("a write to memory that is not there", "segfault", SIGSEGV, None),
        ("an abort", "abort", SIGABRT, None),
        ("a stack that runs over", "overflow", SIGABRT, Some("has overflowed its stack")),
        ("memory that cannot be had, under a limit", "exhaust", SIGABRT, Some("memory allocation of")),
    ] {
        let child = story.play(scene, limit)?;
        let killed_by = child.status.and_then(|status| status.signal());
        // That this line is reached is the rest of the claim.
        story.equal(
            format!("{what} kills the child, and the parent lives to see it"),
            Some(signal),
            killed_by,
        );
        if let Some(complaint) = complaint {
            let mut lines = child.stderr.lines();
            let line = lines.find(|line| line.contains(complaint)).unwrap_or("nothing of that");
            story.claim(format!("{what}: Rust says why"), complaint, line, line.contains(complaint));
        }
        if scene == "exhaust" {
            let asked = child.stdout.trim().to_owned();
            story.equal("one who asks first (`try_reserve`) gets an error", "try_reserve: an error", &*asked);
        }
        let threads = story.play(&format!("{scene}-in-a-thread"), limit)?;
        let killed_by = threads.status.and_then(|status| status.signal());
        let main = (threads.stdout.contains("main begins"), threads.stdout.contains("main goes on"));
        story.equal(
            format!("{what} in a thread kills all threads (begun, gone on, signal)"),
            (true, false, Some(signal)),
            (main.0, main.1, killed_by),
        );
    }
    Ok(())
}

fn in_a_thread(deed: fn()) {
    println!("main begins");
    // Whether it ended well or panicked: either way main goes on. If it can.
    let _ = thread::spawn(deed).join();
    println!("main goes on");
}

/// These crashes are on purpose, and shall leave no core file.
fn no_core() {
    // If it is refused there may be a file more.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

fn segfault() {
    no_core();
    // SAFETY: none; that is the point. Nothing may be written to a page without rights, and the kernel sees to it.
    unsafe {
        if let Ok(page) = mmap_anonymous(ptr::null_mut(), PAGE, ProtFlags::empty(), MapFlags::PRIVATE) {
            page.cast::<u8>().write_volatile(1);
        }
    }
}

fn abort() {
    no_core();
    process::abort();
}

fn overflow() {
    no_core();
    black_box(deeper(1));
}

/// Needs a frame more each time, and never comes back.
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if black_box(depth) == 0 { 0 } else { deeper(depth + 1) + frame[63] }
}

fn exhaust() {
    const SOME: u64 = 256 << 20;
    const MORE: usize = 1 << 30;
    no_core();
    let taken = proc::status(process::id(), "VmSize").unwrap_or(0);
    let maximum = getrlimit(Resource::As).maximum;
    // If the limit cannot be set, 1 GiB of address space is there, nothing crashes, and the claims fail.
    let _ = setrlimit(Resource::As, Rlimit { current: Some(taken + SOME), maximum });
    if Vec::<u8>::new().try_reserve_exact(MORE).is_err() {
        println!("try_reserve: an error");
    }
    black_box(Vec::<u8>::with_capacity(MORE));
}

/// One word in a page that children made by fork share with their parent.
struct SharedWord(NonNull<AtomicU32>);

impl SharedWord {
    fn new(value: u32) -> io::Result<Self> {
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses an address at which nothing is.
        let page = unsafe { mmap_anonymous(ptr::null_mut(), PAGE, both, MapFlags::SHARED)? };
        let shared = Self(NonNull::new(page.cast()).ok_or(io::ErrorKind::OutOfMemory)?);
        shared.word().store(value, Ordering::Relaxed);
        Ok(shared)
    }

    fn word(&self) -> &AtomicU32 {
        // SAFETY: mapped, zeroed and aligned as long as `self` lives; an atomic may be written by anybody.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedWord {
    fn drop(&mut self) {
        // SAFETY: nothing borrows from it any more. It could only fail for a wrong address.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), PAGE) };
    }
}
