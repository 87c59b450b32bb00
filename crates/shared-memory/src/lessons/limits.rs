//! What if there is no memory left, and what does memory cost before the first byte is used?
//!
//! /dev/shm is a tmpfs: a file system in memory, as a rule half of it, in a container often 64 MiB. ftruncate(2) makes a
//! file long and takes nothing; each page is taken at its first access. If none is left then, there is no call that could
//! return an error: the access ends in **SIGBUS**. fallocate(2) takes all pages at once, and fails with ENOSPC. (A memfd
//! is in no tmpfs of a limited size; it counts against the memory of the machine and of the cgroup.)
//!
//! A page that is there is still not in the **page table** of a process that maps it. Its first access is a page fault, about a
//! microsecond, once for each page of 4 KiB and each process. One may pay beforehand (MADV_POPULATE_WRITE, madvise(2)), or
//! take **huge pages** of 2 MiB: a fault for each of those. A tmpfs has them if it was mounted with `huge=`; a memfd with
//! MFD_HUGETLB, from a pool that the administrator has reserved.
//!
//! On a machine with several memories (NUMA) a page lies where the processor is that touched it first: so let each process
//! write first what it will use most, and populate from there, not from the one that creates the segment.
//!
//! In Python `SharedMemory(create=True, size=...)` takes nothing either, and ends in the same SIGBUS.

use std::{
    ffi::c_void,
    io,
    os::unix::process::ExitStatusExt,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

use lesson::{Bound, Lesson, Story, measure};
use rustix::mm::{Advice, madvise};
use shmem::ShmemConf;

use crate::{
    Mapping, Memfd, Owner,
    mapping::MapError,
    peer::{self, Cast},
    segment::{SegmentError, names},
};

mod own_shm;
use own_shm::has_own_shm;

pub(super) const LESSON: Lesson = Lesson {
    name: "limits",
    question: "What if there is no memory left, and what does memory cost before the first byte is used?",
    python: &["SharedMemory(create=True)", "mmap.MAP_POPULATE", "mmap.mmap.madvise"],
    run,
    scenes: &[("touched", touched), ("reserved", reserved), ("huge", huge)],
};

const LIMIT: Duration = Duration::from_secs(20);
const PAGE: usize = 4096;
const MIB: usize = 1 << 20;
const SIGBUS: i32 = 7;

fn run(story: &mut Story) -> lesson::Result {
    full(story)?;
    faults(story)?;
    huge_pages(story)
}

fn full(story: &mut Story) -> lesson::Result {
    const BROKEN: &str = "memory that is taken at the first access: the access is killed by SIGBUS";
    const FIXED: &str =
        "memory that is taken at the start: an error, nothing left behind, and less is still to be had";
    story.say("In a mount namespace of its own a process has a /dev/shm of 1 MiB. It creates a segment of 2 MiB there.");
    let mut touched = Cast::scene("limits", "touched").start()?;
    let first = touched.line(LIMIT)?;
    if let Some(why) = first.strip_prefix("skipped: ") {
        story.skip(BROKEN, "SIGBUS", why);
        story.skip(FIXED, "ENOSPC", why);
        return Ok(());
    }
    let died = touched.end(LIMIT)?.signal();
    story.equal(BROKEN, ("created", Some(SIGBUS)), (first.as_str(), died));
    let mut reserved = Cast::scene("limits", "reserved").start()?;
    story.equal(FIXED, "ENOSPC, 0 names left, half of it: true", reserved.line(LIMIT)?.as_str());
    reserved.end(LIMIT)?;
    Ok(())
}

fn faults(story: &mut Story) -> lesson::Result {
    let pages = 4 * MIB / PAGE;
    story.say(format!("Memory of 4 MiB, {pages} pages, all of them taken already. Each is written, twice; the faults are counted."));
    let memory = Memfd::create("limits", 4 * MIB)?;
    let mapping = memory.map()?;
    let first = faults_of(|| write_pages(&mapping))?;
    let second = faults_of(|| write_pages(&mapping))?;
    let holds = (pages / 512..=pages).contains(&first);
    story.claim(
        "the first time a fault for each page (fewer where pages are large)",
        format!("{} to {pages}", pages / 512),
        format!("{first}"),
        holds,
    );
    story.equal("the second time none", 0, second);
    let mapping = memory.map()?;
    match populate(&mapping) {
        Ok(()) => story.equal("populated beforehand: none", 0, faults_of(|| write_pages(&mapping))?),
        Err(why) => story.skip("populated beforehand: none", "0", format!("{why} (it needs Linux 5.14)")),
    }
    if story.is_timed() {
        let mut fresh = Vec::new();
        for _ in 0..9 {
            fresh.push(memory.map()?);
        }
        let mut next = fresh.iter();
        story.timed("the first pass takes longer than the second", Bound::AtLeast(3.0), 1, || {
            let [first, second] = measure::in_turn(
                4,
                [&mut || write_pages(next.next().unwrap_or(&mapping)), &mut || write_pages(&mapping)],
            );
            measure::ratio(&first, &second)
        });
    }
    Ok(())
}

fn huge_pages(story: &mut Story) -> lesson::Result {
    const CLAIM: &str = "in a tmpfs with huge pages 8 MiB take four faults instead of 2048";
    story.say("Now in a /dev/shm that was mounted with huge=always.");
    let mut huge = Cast::scene("limits", "huge").start()?;
    let line = huge.line(LIMIT)?;
    huge.end(LIMIT)?;
    match (line.strip_prefix("skipped: "), line.parse::<usize>()) {
        (Some(why), _) => story.skip(CLAIM, "4", why),
        (_, Ok(faults)) => story.claim(CLAIM, "4 to 16", line, (4..=16).contains(&faults)),
        _ => return Err(line.into()),
    }
    Ok(())
}

fn write_pages(mapping: &Mapping) {
    for offset in (0..mapping.len()).step_by(PAGE) {
        // An offset below its length is inside.
        if let Ok(byte) = mapping.at::<AtomicU8>(offset) {
            byte.store(1, Relaxed);
        }
    }
}

/// Faults that needed no disk, of this thread, while `work` ran.
fn faults_of(work: impl FnOnce()) -> io::Result<usize> {
    let before = minor_faults()?;
    work();
    Ok((minor_faults()? - before) as usize)
}

fn minor_faults() -> io::Result<i64> {
    // SAFETY: zeros are a valid rusage, numbers all of it.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: it points to a rusage, which is filled.
    match unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) } {
        0 => Ok(usage.ru_minflt),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Puts all pages into this process's page table at once.
fn populate(mapping: &Mapping) -> io::Result<()> {
    // SAFETY: the range is mapped, and the advice changes nothing in what it holds.
    let done =
        unsafe { madvise(mapping.as_ptr().cast::<c_void>(), mapping.len(), Advice::LinuxPopulateWrite) };
    done.map_err(io::Error::from)
}

/// The broken form: more than there is, taken page by page.
fn touched() {
    if has_own_shm(c"size=1m") {
        peer::leave_no_core();
        let segment = ShmemConf::new().size(2 * MIB).create().expect("it takes no memory yet");
        peer::say("created");
        for offset in (0..segment.len()).step_by(PAGE) {
            // SAFETY: inside of the mapping. Which does not help: there is no memory behind it.
            unsafe { segment.as_ptr().add(offset).write_volatile(1) };
        }
    }
}

/// The fixed form: more than there is, taken at once.
fn reserved() {
    if has_own_shm(c"size=1m") {
        let error = Owner::create("rust-limits", 2 * MIB).map(drop);
        let said = match error {
            Err(SegmentError::Map(MapError::Full { .. })) => "ENOSPC".to_owned(),
            other => format!("{other:?}"),
        };
        let left = names("rust-limits").map_or(usize::MAX, |names| names.len());
        let half = Owner::create("rust-limits", MIB / 2).and_then(|half| Ok(half.map()?));
        let half = half.as_ref().map(write_pages).is_ok();
        peer::say(format!("{said}, {left} names left, half of it: {half}"));
    }
}

fn huge() {
    if has_own_shm(c"size=64m,huge=always") {
        let segment = Owner::create("rust-limits", 8 * MIB).expect("there is room");
        let mapping = segment.map().expect("mapped");
        match faults_of(|| write_pages(&mapping)) {
            Ok(faults) => peer::say(faults),
            Err(why) => peer::say(why),
        }
    }
}
