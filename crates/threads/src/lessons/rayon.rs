//! How do I use all cores without managing threads, and what must I never do inside?
//!
//! *rayon* keeps one thread for each core. You say what may run in parallel (`par_iter`, `join`, `scope`), it
//! decides what does: pieces that nobody else *steals* are done by the thread that has them. A thread that waits
//! for a stolen piece does other work meanwhile, which is why nesting costs no threads, and also the reason for the
//! two things never to do inside: *wait* for something outside (a server, a disk), because a thread that waits is
//! missing; and hold a *lock* across a parallel call, because the other work that is done meanwhile may want
//! that very lock ([`lock`]; rayon-rs/rayon#592).
//!
//! In Python there is no counterpart: the nearest is `ProcessPoolExecutor.map`.

mod lock;

use std::{
    collections::HashSet,
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread::{self, ThreadId},
    time::Duration,
};

use lesson::{Bound, Lesson, Story, measure};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

/// The lesson.
pub(super) const LESSON: Lesson = Lesson {
    name: "rayon",
    question: "How do I use all cores without managing threads, and what must I never do inside?",
    python: &["concurrent.futures.ProcessPoolExecutor.map"],
    run,
    scenes: lock::SCENES,
};

fn run(story: &mut Story) -> lesson::Result {
    three_forms(story);
    own_pool(story)?;
    nested(story)?;
    blocking(story)?;
    lock::tell(story)
}

/// Sums by halves: `join` may do both at once, or one after the other; the answer is the same.
fn sum(numbers: &[u64]) -> u64 {
    if numbers.len() <= 1_000 {
        return numbers.iter().sum();
    }
    let (left, right) = numbers.split_at(numbers.len() / 2);
    let (left, right) = rayon::join(|| sum(left), || sum(right));
    left + right
}

// ANCHOR: three_forms
fn three_forms(story: &mut Story) {
    story.say("Three forms: a parallel iterator, two things at once, and a scope of any number of tasks.");
    let numbers: Vec<u64> = (0..100_000).collect();
    let doubled: Vec<u64> = numbers.par_iter().map(|n| n * 2).collect();
    let in_order = doubled.iter().zip(&numbers).all(|(double, n)| *double == n * 2);
    story.equal("`par_iter` collects in the order of the input, whoever did what", true, in_order);
    story.equal("`join` by halves sums as a loop does", numbers.iter().sum(), sum(&numbers));

    let mut rows = vec![vec![0_usize; 10]; 8];
    rayon::scope(|scope| {
        for (index, row) in rows.iter_mut().enumerate() {
            // Borrows `row` of the caller: the scope ends only after its tasks.
            scope.spawn(move |_| row.fill(index));
        }
    });
    let filled = rows.iter().enumerate().all(|(index, row)| row.iter().all(|cell| *cell == index));
    story.equal("`scope` waits for all its tasks, which may borrow", true, filled);
}
// ANCHOR_END: three_forms

fn pool_of(threads: usize) -> Result<ThreadPool, rayon::ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("ours_{index}")).build()
}

fn own_pool(story: &mut Story) -> lesson::Result {
    story.say("A pool of one's own, of three threads; what is called inside `install` runs there.");
    let seen = pool_of(3)?.install(|| {
        let name = thread::current().name().map(|name| name.starts_with("ours_"));
        (rayon::current_num_threads(), name)
    });
    story.equal("`install` moves the work to that pool", (3, Some(true)), seen);
    Ok(())
}

/// Runs `count` x `count` tasks, nested, by `spawn_all`, and counts the different threads that had a hand in it.
fn threads_used(count: usize, spawn_all: impl Fn(usize, &(dyn Fn() + Sync)) + Sync) -> usize {
    let seen = Mutex::new(HashSet::<ThreadId>::new());
    let note = || {
        seen.lock().unwrap_or_else(PoisonError::into_inner).insert(thread::current().id());
    };
    spawn_all(count, &|| {
        note();
        spawn_all(count, &note);
    });
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.len()
}

fn nested(story: &mut Story) -> lesson::Result {
    story.say("Four tasks that each make four more: with threads of their own, and in a rayon pool of four.");
    let with_threads = threads_used(4, |count, task| {
        thread::scope(|scope| {
            for _ in 0..count {
                scope.spawn(task);
            }
        });
    });
    story.equal("nested scopes start a thread for each task: 4 + 4 x 4", 20, with_threads);
    let with_rayon = pool_of(4)?.install(|| {
        threads_used(4, |count, task| (0..count).into_par_iter().with_max_len(1).for_each(|_| task()))
    });
    let claim = "nested rayon calls share the pool's threads";
    story.claim(claim, "at most 4", with_rayon.to_string(), with_rayon <= 4);
    Ok(())
}

/// `count` waits on `pool`: each stands for a request to a server. At most how many were under way at once.
fn waits(pool: &ThreadPool, count: usize, each: Duration) -> usize {
    let (now, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
    pool.install(|| {
        (0..count).into_par_iter().with_max_len(1).for_each(|_| {
            peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(each);
            now.fetch_sub(1, SeqCst);
        });
    });
    peak.into_inner()
}

fn blocking(story: &mut Story) -> lesson::Result {
    const THREADS: usize = 32;
    story.say(
        "The trap: requests to a server (here: waits) on rayon's default pool. While a thread waits, its core has \
         nothing to do, and rayon starts no other thread.",
    );
    let cores = rayon::current_num_threads();
    // As many threads as the default pool, but called from outside like the other one.
    let (default, large) = (pool_of(cores)?, pool_of(THREADS)?);
    let at_once = waits(&default, 4 * cores, Duration::from_micros(100));
    let claim = "on the default pool no more waits are under way than there are cores";
    story.claim(claim, format!("at most {cores}"), at_once.to_string(), at_once <= cores);
    let all_here = Barrier::new(THREADS);
    let met = large.broadcast(|_| all_here.wait()).len();
    story.equal("in a pool of 32 threads 32 wait at once", THREADS, met);

    // 16 times as many threads wait 16 times as much; 0.63 of that is safe to claim (10 of 16 on two cores).
    let least = (0.63 * THREADS as f64 / cores as f64).min(10.0);
    let claim = "200 waits on the default pool take longer than on 32 threads";
    if least < 2.0 {
        story.skip(claim, "at least 2x", format!("with {cores} cores its default pool is large enough"));
        return Ok(());
    }
    story.timed(claim, Bound::AtLeast((least * 10.0).floor() / 10.0), 1, || {
        let each = Duration::from_millis(2);
        let [default, large] = measure::in_turn(
            5,
            [&mut || _ = waits(&default, 200, each), &mut || _ = waits(&large, 200, each)],
        );
        measure::ratio(&default, &large)
    });
    story.say("So waiting goes to a pool of threads (lesson `pool`) that is as large as the waiting is long, or to async.");
    Ok(())
}
