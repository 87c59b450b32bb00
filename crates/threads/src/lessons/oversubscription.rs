//! What do more threads than cores cost?
//!
//! For work that only computes: their creation, and nothing else worth the name. The scheduler gives each
//! thread its turn of some milliseconds, and a switch takes microseconds. So expect the table below to be
//! flat until the threads themselves cost more than the work; with a std `Mutex` in the work, too, as who
//! does not get the lock sleeps, and takes no core from its owner.
//!
//! It is *spinning* that more threads than cores ruin. Who spins holds a core while the one he waits for has
//! none, for a whole turn of the scheduler. Worst is a fair one (a *ticket lock*): it can be
//! handed to the next in line only, who is most likely not running.
//!
//! Take as many threads as cores for work that computes, more where it waits (lesson `overlap`), and locks
//! and barriers of std or parking_lot, which sleep, unless every thread surely has a core of its own.

use std::{
    hint::black_box,
    sync::{
        Barrier, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::{
    Bound, Lesson, Story,
    measure::{Samples, seconds},
};

use super::{
    confine::on_two_cores,
    spinning::{SpinBarrier, TicketLock},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "oversubscription",
    question: "What do more threads than cores cost?",
    python: &["threading.Lock", "threading.Barrier"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    compute(story);
    barrier(story);
    ticket_lock(story);
    Ok(())
}

/// Four for each of two cores.
const THREADS: usize = 8;

/// Steps of all threads together.
const STEPS: u64 = 6_000_000;

/// All steps on `threads` threads; every `between` steps each adds what it did to a total under a lock.
fn steps(threads: usize, total_steps: u64, between: u64) -> u64 {
    let total = Mutex::new(0);
    let share =
        |thread: u64| total_steps * (thread + 1) / threads as u64 - total_steps * thread / threads as u64;
    thread::scope(|scope| {
        for thread in 0..threads as u64 {
            let (total, mut left) = (&total, share(thread));
            scope.spawn(move || {
                while left > 0 {
                    let batch = left.min(between);
                    black_box(
                        (0..batch).fold(1, |x: u64, _| black_box(x.wrapping_mul(6_364_136_223_846_793_005))),
                    );
                    *total.lock().unwrap_or_else(PoisonError::into_inner) += batch;
                    left -= batch;
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn compute(story: &mut Story) {
    let counts = [1, 2, 8, 64, 1000];
    story.say("The same work on ever more threads; on the right with a std Mutex locked every 1,000 steps.");
    let total_steps = if story.is_timed() { STEPS } else { 100_000 };
    let mut table = String::from("threads   own work   with a lock\n");
    let mut done = Vec::new();
    for threads in counts {
        let mut results = [0; 2];
        let own = seconds(|| results[0] = steps(threads, total_steps, u64::MAX));
        let locked = seconds(|| results[1] = steps(threads, total_steps, 1_000));
        done.extend(results);
        table.push_str(&format!("{threads:7} {:7.1} ms {:10.1} ms\n", own * 1e3, locked * 1e3));
    }
    if story.is_timed() {
        story.show(table);
    }
    let all = vec![total_steps; done.len()];
    story.equal("every number of threads, up to 1000, does all of the work once", all, done);
}

// ANCHOR: meet
/// Threads meet `rounds` times: how many passed, all in all.
fn meet(rounds: usize, wait: impl Fn() + Sync) -> usize {
    let met = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..rounds {
                    wait();
                    met.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    met.into_inner()
}
// ANCHOR_END: meet

fn barrier(story: &mut Story) {
    const ROUNDS: usize = 2;
    story.say(format!("{THREADS} threads on two cores meet at a barrier: at one that spins, then at std's."));
    let met = on_two_cores(|| {
        let (spinning, sleeping) = (SpinBarrier::new(THREADS), Barrier::new(THREADS));
        [meet(ROUNDS, || spinning.wait()), meet(ROUNDS, || arrive(&sleeping))]
    });
    story.equal("both barriers let everybody pass in every round", [THREADS * ROUNDS; 2], met);
    let text = "with more threads than cores, a barrier that spins is far slower than one that sleeps";
    story.timed(text, Bound::AtLeast(20.0), 2, || on_two_cores(spinning_against_sleeping));
}

/// Who of them is the leader does not matter here.
fn arrive(barrier: &Barrier) {
    barrier.wait();
}

/// How many times as long a meeting takes at the barrier that spins. A first meeting comes before the clock
/// starts: what it takes to start threads is not the question.
fn spinning_against_sleeping() -> f64 {
    const ROUNDS: usize = 2;
    let took = |wait: &(dyn Fn() + Sync)| {
        thread::scope(|scope| {
            for _ in 1..THREADS {
                scope.spawn(|| (0..=ROUNDS).for_each(|_| wait()));
            }
            wait();
            seconds(|| (0..ROUNDS).for_each(|_| wait()))
        })
    };
    let rounds = (0..5).map(|_| {
        let (spinning, sleeping) = (SpinBarrier::new(THREADS), Barrier::new(THREADS));
        took(&|| spinning.wait()) / took(&|| arrive(&sleeping))
    });
    rounds.collect::<Samples>().median()
}

/// All threads lock and count for as long as given: with a load and a store, which is right under a lock
/// only. How often they locked while all were at it; and whether the counter agrees.
///
/// A time and not a number of rounds: on a busy machine a ticket lock may take minutes for what a mutex does
/// in milliseconds. And not before each has locked once: the first to start is alone, and waits for nobody.
fn count_for(time: Duration, lock: impl Fn(&dyn Fn()) + Sync) -> (u64, bool) {
    let (counter, locked, measured) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let (begun, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let lock_and_count = || {
        lock(&|| counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed));
        locked.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                lock_and_count();
                begun.fetch_add(1, Ordering::Relaxed);
                while !over.load(Ordering::Relaxed) {
                    lock_and_count();
                }
            });
        }
        while begun.load(Ordering::Relaxed) < THREADS {
            thread::sleep(Duration::from_millis(1));
        }
        let before = locked.load(Ordering::Relaxed);
        thread::sleep(time);
        measured.store(locked.load(Ordering::Relaxed) - before, Ordering::Relaxed);
        over.store(true, Ordering::Relaxed);
    });
    (measured.into_inner(), counter.into_inner() == locked.into_inner())
}

fn under_tickets(time: Duration) -> (u64, bool) {
    let tickets = TicketLock::default();
    count_for(time, |work| tickets.with(work))
}

fn under_mutex(time: Duration) -> (u64, bool) {
    let mutex = Mutex::new(());
    count_for(time, |work| {
        let _guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        work();
    })
}

fn ticket_lock(story: &mut Story) {
    story.say("The same threads share a counter: under a ticket lock, which spins, then under std's Mutex.");
    let right = on_two_cores(|| [under_tickets(Duration::ZERO).1, under_mutex(Duration::ZERO).1]);
    story.equal("both locks keep the count right", [true; 2], right);
    let text = "a lock that spins and hands over in turn lets far fewer pass than one that sleeps";
    story.timed(text, Bound::AtLeast(3.0), 2, || {
        on_two_cores(|| {
            let time = Duration::from_millis(10);
            let rounds = (0..5).map(|_| under_mutex(time).0 as f64 / under_tickets(time).0.max(1) as f64);
            rounds.collect::<Samples>().median()
        })
    });
}
