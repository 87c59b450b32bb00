//! What is a lock made of?
//!
//! Of an atomic word, and of one system call for those who must wait. On Linux that is the **futex**: "sleep, if this
//! word still has this value" and "wake so many of those who sleep on this word". The *if* is all of it: between the
//! look at the word and the sleep nobody can change the word unnoticed, so that no wake-up gets lost.
//!
//! All else is in the program's own memory. Who finds the lock free takes it with one atomic instruction, who gives
//! it back with another; the kernel does not learn that there is a lock. That is why an uncontended lock costs
//! nanoseconds and a contended one microseconds (the bench `locks` has the figures). std's `Mutex`, `Condvar` and `RwLock` on Linux, `parking_lot`, and
//! Python's `threading.Lock` below its C are made of it. Ours, in [`futex`](crate::futex), are each one page.

use std::{sync::mpsc, thread, time::Duration};

use lesson::{Lesson, Story};

use crate::futex::{Condvar, Mutex, RwLock, Semaphore, calls};

pub(super) const LESSON: Lesson = Lesson {
    name: "futex",
    question: "What is a lock made of?",
    python: &["threading.Lock", "threading.Condition", "threading.Semaphore"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    free(story);
    held(story)?;
    lost(story);
    Ok(())
}

fn free(story: &mut Story) {
    story.say("A thousand times each: lock and unlock, notify nobody, take a permit and give it back, write, read. No other thread is there.");
    let (mutex, condvar, semaphore, lock) =
        (Mutex::new(0), Condvar::new(), Semaphore::new(1), RwLock::new(0));
    let before = calls();
    for _ in 0..1_000 {
        *mutex.lock() += 1;
        condvar.notify_all();
        drop(semaphore.acquire());
        *lock.write() += 1;
        drop(lock.read());
    }
    story.equal("without contention none of them calls the kernel", 0, calls() - before);
}

fn held(story: &mut Story) -> lesson::Result {
    story.say("Now a thread wants a mutex that is held until the waiter is seen asleep.");
    let mutex = Mutex::new(());
    let (tell, told) = mpsc::channel();
    let guard = mutex.lock();
    let (waits, wakes) = thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            let _ = tell.send(rustix::thread::gettid().as_raw_nonzero());
            let before = calls();
            drop(mutex.lock());
            calls() - before
        });
        let thread = told.recv();
        while thread.is_ok_and(|thread| !asleep(thread.get())) {
            thread::yield_now();
        }
        let before = calls();
        drop(guard);
        let wakes = calls() - before;
        (waiter.join(), wakes)
    });
    let waits = waits.map_err(|payload| workload::panic_message(&*payload))?;
    story.claim(
        "who finds it held calls the kernel to sleep",
        "1 call or more",
        format!("{waits}"),
        waits >= 1,
    );
    story.equal("and who unlocks calls it once, to wake", 1, wakes);
    Ok(())
}

/// Whether a thread of this process sleeps: the state in `/proc`, see proc_pid_stat(5).
fn asleep(thread: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('S'))
}

/// What a sleeper does between its look and its sleep, drawn out: the word changes there, and the wake finds nobody.
fn lost(story: &mut Story) {
    use model::{
        futex,
        sync::atomic::{AtomicU32, Ordering},
    };

    story.say("The dangerous moment, forced: a waiter has looked at a word and is about to sleep. Now the word changes and the wake-up comes, before it sleeps.");
    let limit = Duration::from_millis(20);
    let word = AtomicU32::new(0);
    let seen = word.load(Ordering::Acquire);
    word.store(1, Ordering::Release);
    futex::wake(&word, 1);
    let compared = futex::wait(&word, seen, Some(limit));
    story.equal("the futex compares: it does not sleep, and nothing is lost", true, compared);
    // As if there were no compare: the value that the word has now.
    let woken = futex::wait(&word, word.load(Ordering::Acquire), Some(limit));
    story.equal(
        "who sleeps without comparing to what it saw sleeps on: only the time limit ends it",
        false,
        woken,
    );
}
