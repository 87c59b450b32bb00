//! What does it cost that all threads count into one place?
//!
//! A core that writes needs the cache line for itself; the others lose it, and fetch it again from there, some 20 to
//! 100 ns later. A lock adds its own line and perhaps the kernel. So a shared counter gets *slower* with each thread,
//! however it is made, and the cure is not a better counter but to share less:
//!
//! - **shard**: a counter for each thread, summed by who reads;
//! - **pad**: shards that stand in the same cache line (64 bytes, on some processors 128 in effect) are still torn
//!   between the cores though nobody shares a variable. That is *false sharing*;
//! - **merge**: a plain local variable, added once in the end. Even an atomic that nobody else touches costs some 5 ns for
//!   each count, as the processor finishes all earlier writes first; a local one is added up in registers;
//! - **own**: one thread has the counter, the others send it messages: simple, but a message costs more than a lock;
//! - **combine**: who has the lock serves all who wait ([flat combining](super::combining)).
//!
//! Python's threads meet the same at the GIL; without it (3.13t) a shared `dict` or counter shows all of this.

use std::{
    hint::black_box,
    sync::{
        Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use crossbeam_utils::CachePadded;
use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio, seconds},
};

use super::combining::Combining;

pub(super) const LESSON: Lesson = Lesson {
    name: "contention",
    question: "What does it cost that all threads count into one place?",
    python: &["threading.Lock", "queue.Queue", "threading.local"],
    run,
    scenes: &[],
};

/// Threads that count.
const THREADS: usize = 2;

/// Runs `count(thread)` on each thread.
fn all(count: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let count = &count;
            scope.spawn(move || count(thread));
        }
    });
}

/// What is counted: ones, but the compiler is not told so. 8 KiB stay in the first cache.
static ONES: [u64; 1024] = [1; 1024];

/// Gives `add` so many ones. They are read from memory, so that a loop around a local count stays a loop. What the
/// compiler may do with such a count, and not with one that others see, is to keep it in registers and to add several
/// ones at a time: that is a part of what sharing costs.
fn times(n: u64, mut add: impl FnMut(u64)) {
    let mut left = n as usize;
    while left > 0 {
        // Anew each time: else the sum of one pass would do for all.
        let ones = black_box(&ONES[..left.min(ONES.len())]);
        ones.iter().for_each(|one| add(*one));
        left -= ones.len();
    }
}

/// A way to count to `n` on each thread: the total.
type Way = (&'static str, fn(u64) -> u64);

const WAYS: [Way; 8] = [
    ("mutex", mutex),
    ("rwlock", rwlock),
    ("atomic", atomic),
    ("sharded", sharded),
    ("sharded, padded", padded),
    ("local, then merged", local),
    ("channel to an owner", channel),
    ("combining", combining),
];

fn mutex(n: u64) -> u64 {
    let total = Mutex::new(0);
    all(|_| times(n, |one| *total.lock().unwrap_or_else(PoisonError::into_inner) += one));
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn rwlock(n: u64) -> u64 {
    let total = RwLock::new(0);
    all(|_| times(n, |one| *total.write().unwrap_or_else(PoisonError::into_inner) += one));
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn atomic(n: u64) -> u64 {
    let total = AtomicU64::new(0);
    all(|_| times(n, |one| add_atomically(&total, one)));
    total.into_inner()
}

// ANCHOR: shards
/// A counter for each thread. `Shard` decides whether they stand in one cache line, and `add` how it is raised.
fn shards<Shard: Default + Sync>(
    n: u64,
    add: impl Fn(&Shard, u64) + Sync,
    read: impl Fn(&Shard) -> u64,
) -> u64 {
    let shards: CachePadded<[Shard; THREADS]> = CachePadded::default();
    all(|thread| times(n, |one| add(&shards[thread], one)));
    shards.iter().map(read).sum()
}
// ANCHOR_END: shards

/// Raises it in one step.
fn add_atomically(counter: &AtomicU64, one: u64) {
    counter.fetch_add(one, Relaxed);
}

/// Raises it in two steps: right where only one thread writes it, and cheaper.
fn load_and_store(counter: &AtomicU64, one: u64) {
    counter.store(counter.load(Relaxed) + one, Relaxed);
}

fn sharded(n: u64) -> u64 {
    shards(n, add_atomically, |counter| counter.load(Relaxed))
}

fn padded(n: u64) -> u64 {
    shards(n, |counter: &CachePadded<_>, one| add_atomically(counter, one), |counter| counter.load(Relaxed))
}

fn sharded_by_store(n: u64) -> u64 {
    shards(n, load_and_store, |counter| counter.load(Relaxed))
}

fn padded_by_store(n: u64) -> u64 {
    shards(n, |counter: &CachePadded<_>, one| load_and_store(counter, one), |counter| counter.load(Relaxed))
}

fn local(n: u64) -> u64 {
    let total = AtomicU64::new(0);
    all(|_| {
        let mut own = 0_u64;
        times(n, |one| own += one);
        total.fetch_add(own, Relaxed);
    });
    total.into_inner()
}

fn channel(n: u64) -> u64 {
    let (sender, receiver) = crossbeam_channel::bounded(1_024);
    thread::scope(|scope| {
        let owner = scope.spawn(move || receiver.iter().sum());
        for _ in 0..THREADS {
            let sender = sender.clone();
            // The owner is there until all senders are gone.
            scope.spawn(move || {
                times(n, |one| {
                    let _ = sender.send(one);
                });
            });
        }
        drop(sender);
        owner.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    })
}

fn combining(n: u64) -> u64 {
    let total = Combining::new(THREADS);
    all(|thread| times(n, |one| total.add(thread, one)));
    total.into_total()
}

fn run(story: &mut Story) -> lesson::Result {
    eight_ways(story);
    false_sharing(story);
    times_as_long(story);
    Ok(())
}

fn eight_ways(story: &mut Story) {
    let n = if story.is_timed() { 100_000 } else { 2_000 };
    story.say(format!("Two threads count to {n} each, in eight ways."));
    let mut counts = Vec::new();
    let mut table = String::from("way                    ns for one\n");
    for (name, way) in WAYS {
        let took = seconds(|| counts.push(way(n)));
        table += &format!("{name:20} {:12.1}\n", took / n as f64 / THREADS as f64 * 1e9);
    }
    if story.is_timed() {
        story.show(table);
    }
    story.equal("all eight ways come to the same count", vec![n * THREADS as u64; WAYS.len()], counts);
}

fn false_sharing(story: &mut Story) {
    story.say("Each thread has a counter of its own: first both in one cache line, then in two. Nothing is shared but the line.");
    let right = [sharded, padded, sharded_by_store, padded_by_store].map(|way| way(1_000));
    story.equal("the count is right in one line and in two", [2_000; 4], right);
}

fn times_as_long(story: &mut Story) {
    // These need no core for each thread: it is the step itself that costs.
    let claims = [
        (
            "a lock for each count takes longer than a local count that is merged in the end",
            Bound::AtLeast(10.0),
        ),
        (
            "and so does an atomic that no other thread touches, in a cache line of its own",
            Bound::AtLeast(8.0),
        ),
    ];
    story.timed_all(claims.map(|(text, bound)| (text.to_owned(), bound)), 1, || {
        [slower((500_000, mutex), (100_000_000, local)), slower((5_000_000, padded), (100_000_000, local))]
    });
    let claims = [
        ("fetch_add: two counters in one cache line take longer than in two", Bound::AtLeast(1.4)),
        ("load and store: two counters in one cache line take longer than in two", Bound::AtLeast(2.0)),
    ];
    story.timed_all(claims.map(|(text, bound)| (text.to_owned(), bound)), THREADS, || {
        let n = 4_000_000;
        [slower((n, sharded), (n, padded)), slower((n, sharded_by_store), (n, padded_by_store))]
    });
}

/// How many times as long as a count of `fast` one of `slow` takes. Each counts to a number of its own, so that both take
/// some milliseconds, and not the start of the threads is compared.
fn slower(slow: (u64, fn(u64) -> u64), fast: (u64, fn(u64) -> u64)) -> f64 {
    let run = |(n, way): (u64, fn(u64) -> u64)| {
        black_box(way(n));
    };
    let [slow_took, fast_took] = in_turn(5, [&mut || run(slow), &mut || run(fast)]);
    ratio(&slow_took, &fast_took) * fast.0 as f64 / slow.0 as f64
}
