//! Whether a writer gets in while readers come and go is a matter of policy.

use std::{
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use lesson::Story;

use crate::Latch;

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

pub(super) fn of_a_writer(story: &mut Story) {
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
