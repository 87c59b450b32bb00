//! What does a thread cost, in time and in memory?
//!
//! Time: creating a thread and joining it takes tens of microseconds: a tenth or less of a process, but
//! hundreds of times what rayon takes to offer half of the work to threads that are there already. Hence
//! pools.
//!
//! Memory: each thread has a stack, 2 MiB unless told otherwise. That is *address space*: the system gives a
//! page of memory only when it is first touched. So a thread that does little takes some ten KiB, whatever
//! the size of its stack, and a large one costs nothing until it is used. A stack that runs over ends the
//! whole process.
//!
//! In Python: `threading.stack_size` sets it for all later threads; here `Builder::stack_size` does for one,
//! and the variable `RUST_MIN_STACK` for those that do not say.

use std::{
    fs,
    hint::black_box,
    io,
    process::{Command, Stdio},
    thread::{self, Builder},
    time::Duration,
};

use crossbeam_channel::unbounded;
use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio, seconds},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "cost",
    question: "What does a thread cost, in time and in memory?",
    python: &["threading.stack_size"],
    run,
    scenes: &[("stack-overflow", stack_overflow), ("nothing", || {})],
};

const MIB: u64 = 1 << 20;

fn run(story: &mut Story) -> lesson::Result {
    time(story);
    memory(story)?;
    depth(story)
}

// ANCHOR: time
fn time(story: &mut Story) {
    let threads = |count: u32| (0..count).for_each(|_| drop(thread::spawn(|| ()).join()));
    let joins = |count: u32| {
        for _ in 0..count {
            black_box(rayon::join(|| (), || ()));
        }
    };
    if story.is_timed() {
        story.say(format!(
            "Just now a thread took {:.0} us from spawn to the end of join.",
            seconds(|| threads(200)) / 200.0 * 1e6
        ));
    }
    match child() {
        Ok(()) => {
            story.timed("a process costs many times as much as a thread", Bound::AtLeast(8.0), 2, || {
                let process = &mut || (0..10).for_each(|_| drop(child()));
                let [processes, threads] = in_turn(7, [process, &mut || threads(10)]);
                ratio(&processes, &threads)
            });
        }
        Err(why) => {
            story.skip("a process costs many times as much as a thread", "at least 8x", why.to_string())
        }
    }
    story.timed("a thread costs hundreds of times as much as a rayon join", Bound::AtLeast(100.0), 2, || {
        const JOINS_A_THREAD: u32 = 1000;
        // On a thread of the pool, since a join from outside first has to get in.
        rayon::scope(|_| {
            let [threads, joins] = in_turn(7, [&mut || threads(50), &mut || joins(50 * JOINS_A_THREAD)]);
            ratio(&threads, &joins) * f64::from(JOINS_A_THREAD)
        })
    });
}
// ANCHOR_END: time

/// This very program, told to do nothing, as a process of its own.
fn child() -> io::Result<()> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(["--scene", "cost/nothing"]).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("the child ended with {status}"))) }
}

/// What threads that have started and wait take, in bytes each.
struct Taken {
    address_space: u64,
    resident: u64,
}

fn memory(story: &mut Story) -> lesson::Result {
    const THREADS: usize = 64;
    const STACK: u64 = 16 * MIB;
    // Less than the whole, as threads that have ended before may give back theirs meanwhile.
    const MOST_OF_IT: u64 = STACK / 8 * 7;
    let text = ["a thread's stack is address space", "of which it takes only what it touches"];
    let expected = [
        format!("at least {} KiB a thread", MOST_OF_IT >> 10),
        format!("below {} KiB a thread", STACK >> 14),
    ];
    let Some(taken) = taken_by(THREADS, STACK as usize)? else {
        for (text, expected) in text.into_iter().zip(expected) {
            story.skip(text, expected, "only Linux shows it in /proc/self/status");
        }
        return Ok(());
    };
    story.say(format!(
        "{THREADS} threads with a stack of {} MiB each start, touch little of it, and wait.",
        STACK / MIB
    ));
    let seen = |bytes: u64| format!("{} KiB a thread", bytes >> 10);
    let [reserved, touched] = text;
    let [all, little] = expected;
    story.claim(reserved, all, seen(taken.address_space), taken.address_space >= MOST_OF_IT);
    story.claim(touched, little, seen(taken.resident), taken.resident < STACK >> 4);
    Ok(())
}

/// `None` where the system does not show it.
fn taken_by(threads: usize, stack: usize) -> io::Result<Option<Taken>> {
    let Some((space, resident)) = status() else { return Ok(None) };
    let (ready, all_ready) = unbounded();
    // Nothing is ever sent: the waiting ends when `release` is dropped, also on the way out with an error.
    let (release, wait) = unbounded::<()>();
    let mut handles = Vec::new();
    for _ in 0..threads {
        let (ready, wait) = (ready.clone(), wait.clone());
        handles.push(Builder::new().stack_size(stack).spawn(move || {
            let _ = ready.send(());
            let _ = wait.recv();
        })?);
    }
    all_ready.iter().take(threads).for_each(drop);
    let after = status();
    drop(release);
    handles.into_iter().for_each(|handle| drop(handle.join()));
    let each = |before: u64, after: u64| after.saturating_sub(before) / threads as u64;
    Ok(after.map(|(space_now, resident_now)| Taken {
        address_space: each(space, space_now),
        resident: each(resident, resident_now),
    }))
}

/// Address space and resident memory of this process in bytes: `proc_pid_status(5)`.
fn status() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let bytes = |field: &str| {
        let line = text.lines().find(|line| line.starts_with(field))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
    };
    Some((bytes("VmSize:")?, bytes("VmRSS:")?))
}

/// A kilobyte of stack and more for each step.
fn descend(steps: u32) -> u32 {
    let frame = black_box([1_u8; 1024]);
    if steps == 0 { 0 } else { u32::from(black_box(&frame)[0]) + descend(steps - 1) }
}

const STEPS: u32 = 16 * 1024;
const TOO_SMALL: usize = 1 << 20;
const LARGE: usize = 64 << 20;

fn depth(story: &mut Story) -> lesson::Result {
    story.say(
        "A function calls itself 16,384 times, with a kilobyte on the stack each time: on a stack of \
        64 MiB, then on one of 1 MiB.",
    );
    let deep = Builder::new().stack_size(LARGE).spawn(|| descend(STEPS))?.join();
    story.equal("deep recursion takes a stack as large as it needs", Some(STEPS), deep.ok());
    let played = story.play("stack-overflow", Duration::from_secs(20))?;
    story.show(played.stderr.lines().filter(|line| !line.is_empty()).take(3).collect::<Vec<_>>().join("\n"));
    let ended = played.status.map_or("still running".to_owned(), |status| status.to_string());
    story.claim(
        "a stack that runs over ends the process, and no thread can catch it",
        "no success, and nothing printed after it",
        format!("{ended}, stdout {:?}", played.stdout),
        played.status.is_some_and(|status| !status.success()) && played.stdout == "before\n",
    );
    Ok(())
}

fn stack_overflow() {
    println!("before");
    let small = Builder::new().name("small".into()).stack_size(TOO_SMALL).spawn(|| descend(STEPS));
    println!("after: {:?}", small.map(|thread| thread.join().is_ok()));
}
