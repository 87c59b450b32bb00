//! How do processes exclude each other, and what if one is killed while it holds the lock?
//!
//! A lock of std's is for threads: it sleeps on a *private* futex, whose queue belongs to one process. Put into shared memory it
//! excludes, as its word is there, but whoever waits in another process is never woken. A lock between processes says so
//! to the kernel, and needs something more: a process can be killed, and a dead one unlocks nothing. A **robust** lock
//! knows its holder. The next to lock is told (`OwnerDied`), repairs what is half written, and all goes on. Two of them:
//! - the C library's (`PTHREAD_PROCESS_SHARED`, `PTHREAD_MUTEX_ROBUST`), where the kernel notices the death;
//! - ours on one futex, with the holder's id and time of birth in the word, where a waiter looks every 10 ms.
//!
//! Look at what the next one finds: the half-written value, and a chance to repair it. Who cannot says so by dropping the guard:
//! then nobody gets the lock any more, which is better than a wrong value.
//!
//! In Python `multiprocessing.Lock` is a semaphore without an owner: a killed holder leaves it locked for ever.

use std::{
    fs, io,
    path::Path,
    sync::{
        Mutex as StdMutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Program};
use rustix::thread::futex::{Flags, wait, wake};

use crate::{
    Memfd, Shared,
    lock::{LockError, Mutex, pthread::Robust},
    peer::{self, Cast, Peer},
};
use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "mutex",
    question: "How do processes exclude each other, and what if one is killed while it holds the lock?",
    python: &["multiprocessing.Lock", "multiprocessing.RLock"],
    run,
    scenes: &[("std", std_waiter), ("sleeper", sleeper), ("holder", holder)],
};

const LIMIT: Duration = Duration::from_secs(20);

/// The two are always equal, outside of the lock.
type Pair = [u64; 2];

fn run(story: &mut Story) -> lesson::Result {
    private(story)?;
    python(story);
    story.say(
        "Who holds a lock must be known at every moment. If the id is written after the lock is taken, there is one at \
         which it is not. The search kills the holder at every step:",
    );
    broken(story, "nobody", "killed in between, it is held by nobody", 1, &Bounds::all(), |program| {
        two_words(program, false);
    })?;
    fixed(story, "one word that is the holder: known at every moment", &Bounds::all(), |program| {
        two_words(program, true);
    });

    let memory = Memfd::create("rust-mutex", Robust::<Pair>::size())?;
    // SAFETY: the lesson and its scene are all who have this memory.
    let lock = unsafe { Robust::<Pair>::create(&memory)? };
    killed(story, "pthread", &memory, &|repairs| match lock.lock_within(LIMIT) {
        Ok(pair) => ("Ok", Some(*pair)),
        Err(LockError::OwnerDied(mut pair)) => {
            let found = *pair;
            if repairs {
                pair[1] = pair[0];
                pair.make_consistent().expect("its owner died");
            }
            ("OwnerDied", Some(found))
        }
        Err(LockError::NotRecoverable) => ("NotRecoverable", None),
        Err(_) => ("refused", None),
    })?;
    let memory = Memfd::create("rust-mutex", Shared::<Mutex<Pair>>::size(0))?;
    let lock = Shared::<Mutex<Pair>>::create(&memory, |_, _| ())?;
    // ANCHOR: heir
    killed(story, "ours", &memory, &|repairs| match lock.lock_within(LIMIT) {
        Ok(pair) => ("Ok", Some(*pair)),
        Err(LockError::OwnerDied(mut pair)) => {
            let found = *pair;
            if repairs {
                pair[1] = pair[0];
                pair.make_consistent();
            }
            ("OwnerDied", Some(found))
        }
        Err(LockError::NotRecoverable) => ("NotRecoverable", None),
        Err(_) => ("refused", None),
    })
    // ANCHOR_END: heir
}

/// What the next one is told, and finds.
type Seen = (&'static str, Option<Pair>);

fn killed(story: &mut Story, kind: &str, memory: &Memfd, next: &dyn Fn(bool) -> Seen) -> lesson::Result {
    story
        .say(format!("The lock ({kind}): a process adds one to two numbers, and is killed after the first."));
    let kill = || -> lesson::Result {
        let holder = Cast::scene("mutex", "holder").with_memory(memory)?.with_word(kind);
        let mut holder = holder.killed_at("half", 1).start()?;
        holder.end(LIMIT)?;
        Ok(())
    };
    kill()?;
    story.equal(format!("{kind}: the next is told, and finds"), ("OwnerDied", Some([1, 0])), next(true));
    story.equal(format!("{kind}: repaired, it is as before"), ("Ok", Some([1, 1])), next(true));
    kill()?;
    story.equal(format!("{kind}: killed again"), ("OwnerDied", Some([2, 1])), next(false));
    story.equal(format!("{kind}: not repaired, it is refused to all"), ("NotRecoverable", None), next(true));
    Ok(())
}

fn holder() {
    let memory = peer::memory().expect("given");
    let half = |pair: &mut Pair| {
        pair[0] += 1;
        peer::at("half");
        pair[1] += 1;
    };
    if peer::word(0).as_deref() == Some("ours") {
        let lock = Shared::<Mutex<Pair>>::attach(&memory).expect("built");
        half(&mut lock.lock().expect("free"));
    } else {
        // SAFETY: as in the lesson.
        let lock = unsafe { Robust::<Pair>::attach(&memory) }.expect("built");
        half(&mut lock.lock().expect("free"));
    }
}

/// A lock as two words, or as one that is the holder's id. SIGKILL may come before each step.
fn two_words(program: &mut Program, in_one: bool) {
    const ID: u32 = 7;
    let (taken, owner, killed) =
        (Atomic::new("taken", 0), Atomic::new("owner", 0), Atomic::new("killed", false));
    let (their_taken, their_owner, kill) = (taken.clone(), owner.clone(), killed.clone());
    program.thread("holder", move || {
        if killed.load() {
            return;
        }
        let word = if in_one { ID } else { 1 };
        // Nobody else wants it here.
        let _ = their_taken.compare_exchange(0, word);
        if in_one || killed.load() {
            return;
        }
        their_owner.store(ID);
    });
    program.thread("SIGKILL", move || kill.store(true));
    program.check(move || {
        let holder = if in_one { taken.load() } else { owner.load() };
        let is_known = taken.load() == 0 || holder == ID;
        is_known.then_some(()).ok_or_else(|| "taken, and nobody knows by whom".into())
    });
}

fn private(story: &mut Story) -> lesson::Result {
    story.say("A thread that waits for a std::sync::Mutex, seen from outside (/proc/PID/task/TID/syscall):");
    let mut waiter = Cast::scene("mutex", "std").start()?;
    let text = "std's Mutex sleeps on a private futex";
    match futex_operation(&mut waiter)? {
        Some(operation) => {
            const PRIVATE: u64 = 128;
            story.claim(text, "FUTEX_PRIVATE_FLAG", format!("futex({operation})"), operation & PRIVATE != 0);
        }
        None => story.skip(text, "FUTEX_PRIVATE_FLAG", "this system does not show what a process waits for"),
    }
    waiter.kill()?;

    story.say(
        "So another process sleeps on a word in shared memory, in each of the two ways, and we wake it:",
    );
    for (kind, flags, expected) in [("private", Flags::PRIVATE, 0), ("shared", Flags::empty(), 1)] {
        let memory = Memfd::create("rust-mutex", Shared::<AtomicU32>::size(0))?;
        let word = Shared::<AtomicU32>::create(&memory, |word, _| *word = AtomicU32::new(1))?;
        let mut peer = Cast::scene("mutex", "sleeper").with_memory(&memory)?.with_word(kind).start()?;
        peer.line(LIMIT)?;
        until_asleep(&peer)?;
        word.store(0, Relaxed);
        let woken = wake(&word, flags, 1)?;
        story.equal(format!("a {kind} wake wakes, of one sleeper in another process"), expected, woken);
        // Only the first needs the time: it sleeps on, and is killed.
        let said = peer.line(if woken == 0 { Duration::from_millis(50) } else { LIMIT });
        story.equal(format!("and it goes on ({kind})"), expected == 1, said.is_ok());
    }
    Ok(())
}

/// The futex operation that a thread of the waiter is in, if the system shows it.
fn futex_operation(waiter: &mut Peer) -> io::Result<Option<u64>> {
    waiter.line(LIMIT)?;
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        for task in fs::read_dir(format!("/proc/{}/task", waiter.id()))? {
            // A thread may just have ended.
            let Ok(call) = fs::read_to_string(task?.path().join("syscall")) else { return Ok(None) };
            let mut words = call.split_ascii_whitespace();
            if words.next().and_then(|number| number.parse().ok()) == Some(libc::SYS_futex) {
                let operation = words.nth(1).and_then(|word| word.strip_prefix("0x"));
                return Ok(operation.and_then(|digits| u64::from_str_radix(digits, 16).ok()));
            }
        }
        thread::yield_now();
    }
    Ok(None)
}

/// Its main thread holds the lock and waits for input, its second one waits for the lock.
fn std_waiter() {
    let lock = StdMutex::new(());
    let _held = lock.lock();
    thread::scope(|scope| {
        scope.spawn(|| drop(lock.lock()));
        peer::say("begun");
        // Until it is killed.
        let _ = io::stdin().read_line(&mut String::new());
        std::process::exit(0);
    });
}

fn sleeper() {
    let word = Shared::<AtomicU32>::attach(peer::memory().expect("given")).expect("built");
    peer::say("begun");
    let is_private = peer::word(0).as_deref() == Some("private");
    let flags = if is_private { Flags::PRIVATE } else { Flags::empty() };
    // A signal may end it, and nothing was woken: so the word decides.
    while word.load(Relaxed) == 1 {
        let _ = wait(&word, flags, 1, None);
    }
    peer::say("woken");
}

fn until_asleep(peer: &Peer) -> io::Result<()> {
    let path = format!("/proc/{}/stat", peer.id());
    let deadline = Instant::now() + LIMIT;
    // After it has said that it begins, it sleeps for nothing else.
    while !fs::read_to_string(Path::new(&path))?.contains(") S ") {
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::yield_now();
    }
    Ok(())
}

const PYTHON: &str = r#"
import multiprocessing, os, signal
def hold(lock):
    lock.acquire()
    os.kill(os.getpid(), signal.SIGKILL)
context = multiprocessing.get_context("fork")
lock = context.Lock()
holder = context.Process(target=hold, args=(lock,))
holder.start()
holder.join()
print(holder.exitcode, lock.acquire(timeout=0.2))
"#;

fn python(story: &mut Story) {
    let text = "CPython: the holder of a Lock is killed, and acquire(timeout=0.2) says";
    match lesson::python(PYTHON, LIMIT) {
        Ok(played) => story.equal(text, "-9 False", played.stdout.trim()),
        Err(why) => story.skip(text, "-9 False", why),
    }
}
