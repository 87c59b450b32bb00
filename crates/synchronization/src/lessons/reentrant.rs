//! What if a thread asks for a lock that it has already?
//!
//! With a `Mutex` it waits for itself, for ever. A **reentrant** lock remembers its **owner** and a **recursion
//! count**: the owner enters again at once, the count goes up with each guard and down with each drop, and at zero
//! the lock is free. `crates/synchronization/src/reentrant_lock.rs` is such a lock.
//!
//! Its guard gives `&T` and never `&mut T`: two guards of the same thread would be two `&mut` to one value.
//!
//! ```compile_fail,E0594
//! let lock = synchronization::ReentrantLock::new(0);
//! *lock.lock() += 1; // cannot assign through a guard that is shared
//! ```
//!
//! So what changes has to be a `Cell` or a `RefCell` (which notices a second `borrow_mut` and panics, where Python would
//! let a method be called on an object that is half-changed). That is why std has kept its own one for stdout alone until
//! now (`std::sync::ReentrantLock` is unstable): mostly, a private function that *expects* the lock to be held
//! (`fn add_locked(&mut Accounts)`) is better than a lock that can be taken twice.
//!
//! In Python: `threading.RLock`.

use std::{
    cell::{Cell, RefCell},
    sync::{Mutex, TryLockError},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::ReentrantLock;

pub(super) const LESSON: Lesson = Lesson {
    name: "reentrant",
    question: "What if a thread asks for a lock that it has already?",
    python: &["threading.RLock", "RLock.locked", "RLock.acquire(timeout)"],
    run,
    scenes: &[("twice", lock_twice)],
};

/// How long nothing must be heard of a thread to say that it sleeps.
const SILENCE: Duration = Duration::from_millis(300);

fn run(story: &mut Story) -> lesson::Result {
    story.say("A function that holds a std Mutex calls another one that takes it too. It plays in a process of its own, since it does not come back.");
    let played = story.play("twice", SILENCE)?;
    story.equal(
        "a thread that locks a Mutex twice does not get further",
        (None, "locked once\n"),
        (played.status.map(|status| status.code()), played.stdout.as_str()),
    );
    let total = Mutex::new(0);
    let held = total.lock();
    story.equal(
        "try_lock tells: it is taken, whoever has it",
        true,
        matches!(total.try_lock(), Err(TryLockError::WouldBlock)),
    );
    drop(held);

    story.say("The same with a reentrant lock: an outer function holds it, an inner one takes it again.");
    let total = ReentrantLock::new(Cell::new(0));
    let others_get_in = || thread::scope(|scope| scope.spawn(|| total.try_lock().is_some()).join().ok());
    let outer = total.lock();
    add(&total, 2);
    add(&total, 3);
    story.equal("the owner enters again, and changes the value through a Cell", 5, outer.get());
    let inner = total.lock();
    drop(outer);
    story.equal("one of two guards is gone: others stay out", Some(false), others_get_in());
    story.equal("is_owned", (true, true), (total.is_locked(), total.is_owned()));
    drop(inner);
    story.equal("at a count of zero it is free", Some(true), others_get_in());

    story.say("What the second guard could break, a RefCell notices at run time: it is changed in two places at once.");
    let accounts = ReentrantLock::new(RefCell::new(vec![10, 20]));
    let outer = accounts.lock();
    let half_changed = outer.borrow_mut();
    let inner = accounts.lock();
    story.equal("a second borrow_mut is refused", true, inner.try_borrow_mut().is_err());
    drop(half_changed);
    story.equal("after the first one is over, it is not", true, inner.try_borrow_mut().is_ok());
    Ok(())
}

// ANCHOR: add
/// Takes the lock, whether the caller has it or not.
fn add(total: &ReentrantLock<Cell<u32>>, more: u32) {
    let total = total.lock();
    total.set(total.get() + more);
}
// ANCHOR_END: add

fn lock_twice() {
    let total = Mutex::new(0);
    let _outer = total.lock();
    println!("locked once");
    let _inner = total.lock();
    println!("locked twice");
}
