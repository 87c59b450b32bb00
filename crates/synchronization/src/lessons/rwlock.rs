//! When may many read at once, and what does it cost?
//!
//! A **read-write lock** lets many readers in, or one writer. It pays where reading *under the lock* takes long. Where it
//! does not, it loses to a `Mutex`: a reader too has to write, its own coming and going, to a word that all readers share.
//!
//! Two dangers a mutex has not:
//! - **starvation**: if readers get in whenever readers are in, and there are always some, a writer never does. Whether
//!   that can happen is a matter of policy; std's lock leaves it to the system it runs on (on Linux, a writer that waits
//!   keeps new readers out, as is shown below);
//! - the **upgrade**: a reader that wants to write must let go first. Two readers that keep their read guards and ask for
//!   the write guard wait for each other; one alone waits for itself. There is no method for it in std, but nothing keeps
//!   a thread from calling `write` while it has a read guard.
//!
//! In Python there is none.

mod cost;
mod starvation;

use std::{
    sync::{PoisonError, RwLock, TryLockError},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::Barrier;

pub(super) const LESSON: Lesson = Lesson {
    name: "rwlock",
    question: "When may many read at once, and what does it cost?",
    python: &[],
    run,
    scenes: &[("upgrade", upgrade)],
};

/// How long nothing must be heard to say that a process is stuck.
const SILENCE: Duration = Duration::from_millis(300);

fn run(story: &mut Story) -> lesson::Result {
    many_or_one(story);
    starvation::of_a_writer(story);
    upgrades(story)?;
    cost::measured(story);
    Ok(())
}

fn many_or_one(story: &mut Story) {
    let value = RwLock::new(1);
    let all_inside = Barrier::with_timeout(3, Duration::from_secs(20));
    let readers = thread::scope(|scope| {
        let readers = [(); 3].map(|()| {
            scope.spawn(|| {
                let _reading = value.read();
                all_inside.wait().is_ok() // each reads until all three do
            })
        });
        readers.into_iter().filter_map(|reader| reader.join().ok()).filter(|met| *met).count()
    });
    story.equal("three readers are in at the same time", 3, readers);
    let reading = value.read();
    story.equal(
        "while one reads, nobody writes",
        true,
        matches!(value.try_write(), Err(TryLockError::WouldBlock)),
    );
    drop(reading);
    let writing = value.write();
    story.equal(
        "while one writes, nobody reads",
        true,
        matches!(value.try_read(), Err(TryLockError::WouldBlock)),
    );
    drop(writing);
}

fn upgrades(story: &mut Story) -> lesson::Result {
    story.say("Two threads read a value and then want to write it, with the read guard still in hand. In a process of its own:");
    let played = story.play("upgrade", SILENCE)?;
    story.equal(
        "both wait for the other one to stop reading: the process had to be killed",
        (None, "both read\n"),
        (played.status.map(|status| status.code()), played.stdout.as_str()),
    );
    let value = RwLock::new(1);
    let reading = value.read();
    story.equal("who asks instead of waiting, learns it", true, value.try_write().is_err());
    drop(reading);
    let total = thread::scope(|scope| {
        let add = || {
            // Right: let go, take the write guard, and look again, since the value may have changed in between.
            let seen = *value.read().unwrap_or_else(PoisonError::into_inner);
            let mut value = value.write().unwrap_or_else(PoisonError::into_inner);
            if *value == seen {
                *value += 10;
                return 1;
            }
            0
        };
        let threads = [scope.spawn(add), scope.spawn(add)];
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum::<u32>()
    });
    let value = value.into_inner().unwrap_or_else(PoisonError::into_inner);
    story.equal("let go, lock, look again: every change was made on what was seen", 1 + 10 * total, value);
    Ok(())
}

// ANCHOR: upgrade
/// Stuck: neither can write while the other one reads.
fn upgrade() {
    let (value, both_read) = (RwLock::new(0), std::sync::Barrier::new(2));
    let body = || {
        let reading = value.read();
        if both_read.wait().is_leader() {
            println!("both read");
        }
        let writing = value.write();
        drop((reading, writing));
    };
    thread::scope(|scope| {
        scope.spawn(body);
        body();
    });
    println!("both wrote");
}
// ANCHOR_END: upgrade
