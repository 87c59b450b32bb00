//! How do several threads change several values that belong together, and how long do the others wait?
//!
//! A mutex gives **exclusion**: between `lock` and the drop of the guard nobody else gets in, so a state that is
//! half changed is seen by nobody. In Rust the mutex owns what it guards: without the guard there is no way to it.
//!
//! The guard is a value, and its **scope** says how long the lock is held. A guard without a name is a temporary,
//! and lives longer than it looks:
//!
//! | | the lock is held |
//! |---|---|
//! | `let x = m.lock().unwrap().pop();` | until the semicolon |
//! | `let guard = m.lock().unwrap();` | to the end of the block, or `drop(guard)` |
//! | `match m.lock().unwrap().pop() { .. }` | to the end of the `match`, in all of its arms |
//! | `if let Some(x) = m.lock().unwrap().pop() { A } else { B }` | in A; in B only before edition 2024 |
//! | `while let Some(x) = m.lock().unwrap().pop() { A }` | in A |
//! | `let _ = m.lock();` | not at all, and rustc refuses it |
//!
//! Before edition 2024 the lock was still held in `else`:
//!
//! ```edition2021
//! let jobs = std::sync::Mutex::new(Vec::<u8>::new());
//! if let Some(_job) = jobs.lock().unwrap().pop() {
//! } else {
//!     assert!(jobs.try_lock().is_err()); // to lock here would deadlock
//! }
//! assert!(jobs.try_lock().is_ok());
//! ```
//! ```edition2024
//! let jobs = std::sync::Mutex::new(Vec::<u8>::new());
//! if let Some(_job) = jobs.lock().unwrap().pop() {
//! } else {
//!     assert!(jobs.try_lock().is_ok());
//! }
//! ```
//! ```compile_fail
//! let jobs = std::sync::Mutex::new(Vec::<u8>::new());
//! let _ = jobs.lock(); // let_underscore_lock: denied, as it locks nothing
//! ```
//!
//! A thread that panics while it holds the lock leaves it **poisoned**: the next `lock` is an error, because what
//! is inside may be half changed. To do about it: `unwrap` (one broken thread ends the others: the usual choice);
//! or `into_inner` where the data is sound after every step; or mend the data, then `clear_poison`.
//!
//! In Python `with lock:` gives the lock back after an exception and tells nobody; and the lock does not know what
//! it guards.

use std::{sync, thread, time::Duration};

use lesson::{Lesson, Story};
use model::schedule::{Atomic, Bounds, Mutex};

use lesson::search::{broken, fixed};

pub(super) const LESSON: Lesson = Lesson {
    name: "mutex",
    question: "How do several threads change values that belong together, and how long is the lock held?",
    python: &["threading.Lock", "Lock.acquire", "Lock.release", "with lock:"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    exclusion(story)?;
    scope(story)?;
    poisoning(story);
    without_poisoning(story);
    Ok(())
}

fn exclusion(story: &mut Story) -> lesson::Result {
    story.say("A clerk moves 30 from one account to another while an auditor adds them up. Each access is sound alone:");
    broken(story, "torn", "the auditor misses money that is on its way", 1, &Bounds::all(), |program| {
        let (ours, theirs) = (Atomic::new("ours", 100), Atomic::new("theirs", 0));
        let (from, to) = (ours.clone(), theirs.clone());
        program.thread("clerk", move || {
            from.fetch_sub(30);
            to.fetch_add(30);
        });
        let sum = Atomic::new("sum", 0);
        let seen = sum.clone();
        program.thread("auditor", move || sum.store(ours.load() + theirs.load()));
        program.expect("sum", 100, move || seen.load());
    })?;
    story.say("With both accounts inside one mutex the state between does not exist for others:");
    fixed(story, "under a mutex nobody sees a half-done transfer", &Bounds::all(), |program| {
        let accounts = Mutex::new("accounts", (100, 0));
        let bank = accounts.clone();
        program.thread("clerk", move || {
            let mut held = bank.lock();
            held.0 -= 30;
            held.1 += 30;
        });
        for name in ["auditor 1", "auditor 2"] {
            let accounts = accounts.clone();
            program.thread(name, move || {
                let held = accounts.lock();
                assert_eq!(held.0 + held.1, 100);
            });
        }
    });
    Ok(())
}

fn scope(story: &mut Story) -> lesson::Result {
    story.say("How long is it held? In each place another try to lock tells:");
    let jobs = sync::Mutex::new(vec![1, 2, 3]);
    let locked = || jobs.try_lock().is_err();
    let job = jobs.lock().map_err(|_| "poisoned")?.pop();
    story.equal("after `let job = jobs.lock()..pop();` it is free", (Some(3), false), (job, locked()));
    let in_match = match jobs.lock().map_err(|_| "poisoned")?.pop() {
        Some(_) | None => locked(),
    };
    story.equal("in the arms of `match jobs.lock()..pop()` it is held", true, in_match);
    let in_then = if let Some(_job) = jobs.lock().map_err(|_| "poisoned")?.pop() { locked() } else { false };
    story.equal("in the body of `if let Some(job) = jobs.lock()..pop()` it is held", true, in_then);
    let in_else = if let Some(_job) = jobs.lock().map_err(|_| "poisoned")?.pop() { true } else { locked() };
    story.equal("in its `else` no more, since edition 2024", false, in_else);

    story.say("So a `match` that locks once more in an arm waits for itself, in every schedule:");
    broken(
        story,
        "match",
        "a guard that lives on in a match deadlocks its own thread",
        0,
        &Bounds::all(),
        |program| {
            let jobs = Mutex::new("jobs", vec![7]);
            program.thread("A", move || match jobs.lock().pop() {
                Some(job) => jobs.lock().push(job + 1),
                None => unreachable!("there is one"),
            });
        },
    )?;
    fixed(story, "with a name for what was taken it is free again", &Bounds::all(), |program| {
        let jobs = Mutex::new("jobs", vec![7]);
        for name in ["A", "B"] {
            let jobs = jobs.clone();
            program.thread(name, move || {
                let job = jobs.lock().pop();
                match job {
                    Some(job) => jobs.lock().push(job + 1),
                    None => jobs.lock().push(0),
                }
            });
        }
    });
    Ok(())
}

/// Two halves that must always add up to 100.
type Halves = sync::Mutex<(i32, i32)>;

fn half_done() -> Halves {
    let halves = Halves::new((100, 0));
    thread::scope(|scope| {
        let thief = scope.spawn(|| {
            let mut held = halves.lock().unwrap_or_else(sync::PoisonError::into_inner);
            held.0 -= 30;
            // As `panic!`, but the hook, which prints, has nothing to tell here.
            std::panic::resume_unwind(Box::new("before the other half"));
        });
        // It always panics; what that leaves behind is looked at by the caller.
        let _ = thief.join();
    });
    halves
}

// ANCHOR: poisoning
fn poisoning(story: &mut Story) {
    story.say("A thread takes 30 from one half and panics before it adds them to the other, the lock held.");
    let halves = half_done();
    story.equal(
        "the lock is free again, and marked",
        (true, false),
        (halves.is_poisoned(), is_held(&halves)),
    );
    let left = match halves.lock() {
        Ok(held) => (false, *held),
        // The guard is in the error: who knows how to judge the data may take it.
        Err(poisoned) => (true, *poisoned.into_inner()),
    };
    story.equal("the next one to lock is told, and can look", (true, (70, 0)), left);
    {
        let mut held = halves.lock().unwrap_or_else(sync::PoisonError::into_inner);
        held.1 = 100 - held.0;
    }
    story.equal("to mend the data does not take the mark away", true, halves.is_poisoned());
    halves.clear_poison();
    story.equal("clear_poison does", Some((70, 30)), halves.lock().ok().map(|held| *held));
}
// ANCHOR_END: poisoning

fn is_held(halves: &Halves) -> bool {
    matches!(halves.try_lock(), Err(sync::TryLockError::WouldBlock))
}

fn without_poisoning(story: &mut Story) {
    let text = "Python's `with lock:` frees the lock after an exception, and the half-done data is anybody's";
    let expected = "lock free: True, halves: [70, 0]";
    let code = "
import threading
lock, halves = threading.Lock(), [100, 0]
threading.excepthook = lambda _: None
def thief():
    with lock:
        halves[0] -= 30
        raise ValueError('before the other half')
t = threading.Thread(target=thief); t.start(); t.join()
print(f'lock free: {lock.acquire(blocking=False)}, halves: {halves}')";
    match lesson::python(code, Duration::from_secs(20)) {
        Ok(played) => story.equal(text, expected, played.stdout.trim_end()),
        Err(why) => story.skip(text, expected, why),
    }
}
