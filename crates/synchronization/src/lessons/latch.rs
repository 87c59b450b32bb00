//! How do I wait for something that happens once?
//!
//! A **latch** counts down and opens at zero, once and for good: "all workers are ready". Who counts does not wait (at a
//! barrier it does). The most frequent thing that happens once is making a value that many want: std has `OnceLock` for
//! it (and `Once` without a value, `LazyLock` with the recipe built in).
//!
//! By hand that is **double-checked initialisation**: a look at a flag without a lock, since nearly always it is made;
//! if not, the lock, and a *second* look, since another one may have made it meanwhile. It has three famous mistakes:
//! - no second look: it is made twice (forced below);
//! - the flag stored `Relaxed`: another thread may see the flag without the value. On x86 this cannot be seen by running;
//!   loom finds it in the second execution (`crates/synchronization/tests/blocking_model/once.rs`, `published_relaxed`);
//! - the flag loaded `Relaxed`: the same from the other side (`looked_at_relaxed`).
//!
//! In Python, a latch is a `Semaphore` or a `Condition` with a count; a value that is made once is `functools.cache` (which
//! may run twice) or a lock.

use std::{
    sync::{
        LazyLock, Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::{Barrier, Latch};

pub(super) const LESSON: Lesson = Lesson {
    name: "latch",
    question: "How do I wait for something that happens once?",
    python: &["functools.cache", "threading.Condition"],
    run,
    scenes: &[],
};

const THREADS: usize = 4;

fn run(story: &mut Story) -> lesson::Result {
    count_down(story);
    story.say(format!("{THREADS} threads want a value that nobody has made yet. All of them look at the flag before any of them makes it."));
    let first_looks_meet = || Barrier::new(THREADS);
    let makes = |second_look: bool| {
        let (lazy, met) = (Lazy::default(), first_looks_meet());
        let values = in_threads(|| lazy.get(second_look, || _ = met.wait()));
        (values, lazy.made.load(Ordering::Relaxed))
    };
    story.equal(
        "without a second look it is made by each of them",
        (vec![7; THREADS], THREADS),
        makes(false),
    );
    story.equal("with a second look, under the lock, it is made once", (vec![7; THREADS], 1), makes(true));
    with_std(story);
    Ok(())
}

// ANCHOR: count_down
fn count_down(story: &mut Story) {
    let ready = Latch::new(THREADS);
    story.equal(
        "a latch that nobody has counted is shut",
        false,
        ready.wait_timeout(Duration::from_millis(1)),
    );
    let prepared = AtomicUsize::new(0);
    let seen = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                prepared.fetch_add(1, Ordering::Relaxed);
                ready.count_down();
            });
        }
        ready.wait();
        prepared.load(Ordering::Relaxed)
    });
    story.equal("who waits goes on when all have counted", THREADS, seen);
    ready.count_down();
    story.equal("and it stays open", (0, true), (ready.count(), ready.wait_timeout(Duration::ZERO)));
}
// ANCHOR_END: count_down

/// Double-checked initialisation by hand.
#[derive(Default)]
struct Lazy {
    ready: AtomicBool,
    value: Mutex<u32>,
    made: AtomicUsize,
}

impl Lazy {
    fn get(&self, second_look: bool, after_first_look: impl Fn()) -> u32 {
        // Acquire: pairs with the Release below. Who sees the flag sees what was written before it.
        if !self.ready.load(Ordering::Acquire) {
            after_first_look();
            let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
            // Relaxed: the lock orders.
            if !second_look || !self.ready.load(Ordering::Relaxed) {
                self.made.fetch_add(1, Ordering::Relaxed);
                *value = 7;
                self.ready.store(true, Ordering::Release);
            }
        }
        *self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_std(story: &mut Story) {
    let (made, value) = (AtomicUsize::new(0), OnceLock::new());
    let make = || {
        made.fetch_add(1, Ordering::Relaxed);
        7
    };
    let values = in_threads(|| *value.get_or_init(make));
    story.equal(
        "OnceLock: made once, the others wait for it",
        (vec![7; THREADS], 1),
        (values, made.into_inner()),
    );

    let (runs, once) = (AtomicUsize::new(0), Once::new());
    in_threads(|| once.call_once(|| _ = runs.fetch_add(1, Ordering::Relaxed)));
    story.equal(
        "Once: runs once, and who comes at the same time waits until it has run",
        (1, true),
        (runs.into_inner(), once.is_completed()),
    );

    static TABLE: LazyLock<Vec<u32>> = LazyLock::new(|| (0..8).map(|bit| 1 << bit).collect());
    let thirds = in_threads(|| TABLE[3]);
    story.equal("LazyLock: a static that is made when it is first used", vec![8; THREADS], thirds);
}

fn in_threads<R: Send>(body: impl Fn() -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| scope.spawn(&body));
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    })
}
