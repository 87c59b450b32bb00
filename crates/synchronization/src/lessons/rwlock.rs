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

use std::{
    hint::black_box,
    sync::{
        Mutex, PoisonError, RwLock, TryLockError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use lesson::{Bound, Lesson, Story, measure};

use crate::{Barrier, Latch};

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
    starvation(story);
    upgrades(story)?;
    cost(story);
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

/// A lock with the policy "readers go in whenever readers are in".
#[derive(Default)]
struct ReadersFirst {
    readers: AtomicUsize,
}

impl ReadersFirst {
    fn enter(&self) {
        self.readers.fetch_add(1, Relaxed);
    }

    fn leave(&self) {
        self.readers.fetch_sub(1, Relaxed);
    }

    /// Whether a writer could go in.
    fn is_free(&self) -> bool {
        self.readers.load(Relaxed) == 0
    }
}

const ROUNDS: usize = 1_000;

fn starvation(story: &mut Story) {
    story.say(format!("Two readers take turns so that there is always one inside, {ROUNDS} times; a writer looks each time whether it may go in."));
    let lock = ReadersFirst::default();
    lock.enter();
    let mut chances = 0;
    for _ in 0..ROUNDS {
        lock.enter(); // the next one comes ...
        lock.leave(); // ... before the last one goes
        chances += usize::from(lock.is_free());
    }
    lock.leave();
    story.equal(
        "readers first: the writer never got in, until they stopped",
        (0, true),
        (chances, lock.is_free()),
    );

    story.say("std's lock on Linux: one reads, a writer comes, then another reader wants in.");
    let value = RwLock::new(0);
    let waits = Latch::new(1);
    let done = AtomicBool::new(false);
    let kept_out = thread::scope(|scope| {
        let reading = value.read();
        scope.spawn(|| {
            waits.count_down();
            *value.write().unwrap_or_else(PoisonError::into_inner) += 1;
            done.store(true, Relaxed);
        });
        waits.wait();
        // As soon as the writer stands in line (which nothing tells but this), readers are kept out.
        let mut kept_out = false;
        for _ in 0..ATTEMPTS {
            if value.try_read().is_err() {
                kept_out = true;
                break;
            }
            thread::sleep(Duration::from_millis(1));
        }
        drop(reading);
        kept_out
    });
    if cfg!(target_os = "linux") {
        story.equal(
            "a reader that comes after a waiting writer is kept out; the writer gets in",
            (true, true),
            (kept_out, done.into_inner()),
        );
    } else {
        story.skip(
            "a reader that comes after a waiting writer is kept out",
            "(true, true)",
            "this system has a policy of its own",
        );
    }
}

/// How often to look whether the writer stands in line; used up only on failure.
const ATTEMPTS: u32 = 20_000;

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

const READS: u32 = 1_000_000;
const READERS: usize = 4;

fn cost(story: &mut Story) {
    story.timed(
        "where reading takes long (5 ms), four readers at once beat four one after the other",
        Bound::AtLeast(2.0),
        1,
        || {
            let (shared, exclusive) = (RwLock::new(7_u32), Mutex::new(7_u32));
            let [at_once, in_turn] = measure::in_turn(
                5,
                [&mut || readers(|| pause(shared.read())), &mut || readers(|| pause(exclusive.lock()))],
            );
            measure::ratio(&in_turn, &at_once)
        },
    );
    let claims = [
        (
            "where it is short, two threads reading take longer than one for as many reads".into(),
            Bound::AtLeast(1.2),
        ),
        ("and the RwLock is not much faster than a Mutex: at best 1 / 0.6".into(), Bound::AtLeast(0.6)),
    ];
    story.timed_all(claims, 2, || {
        let (shared, exclusive) = (RwLock::new(7_u32), Mutex::new(7_u32));
        let read_shared = |times| (0..times).for_each(|_| drop(black_box(shared.read())));
        let read_exclusive = |times| (0..times).for_each(|_| drop(black_box(exclusive.lock())));
        let [alone, two, two_with_mutex] = measure::in_turn(
            5,
            [&mut || read_shared(2 * READS), &mut || on_two(|| read_shared(READS)), &mut || {
                on_two(|| read_exclusive(READS))
            }],
        );
        [measure::ratio(&two, &alone), measure::ratio(&two, &two_with_mutex)]
    });
}

/// Keeps a guard for as long as a long read takes.
fn pause<G>(guard: G) {
    thread::sleep(Duration::from_millis(5));
    drop(guard);
}

fn readers(read: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..READERS {
            scope.spawn(&read);
        }
    });
}

fn on_two(work: impl Fn() + Sync) {
    thread::scope(|scope| {
        scope.spawn(&work);
        work();
    });
}
