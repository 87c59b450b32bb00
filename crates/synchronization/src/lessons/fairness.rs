//! Who waits how long for a lock?
//!
//! Most locks are *unfair*: when one is released, whoever comes at that moment takes it, and that is mostly the thread
//! that has just had it, since it is running and its cache is warm. So more gets done, and one thread may wait very
//! long. A *fair* lock serves in the order of coming, and pays for it: at each turn another thread must run.
//!
//! Look at the 99th percentile beside the median, and at who was served least against who was served most. std's
//! `Mutex` promises nothing, and so does Python's `threading.Lock`; `parking_lot`'s forces a fair hand-over twice in a
//! millisecond or so. If a thread starves, hold the lock for a shorter time before you look for a fairer lock.

use std::{
    sync::{Mutex, PoisonError, RwLock},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story, measure::Samples};

use super::crowd::{Locked, for_a_time};
use crate::spin::{McsLock, SpinLock, TicketLock};

pub(super) const LESSON: Lesson = Lesson {
    name: "fairness",
    question: "Who waits how long for a lock?",
    python: &["threading.Lock"],
    run,
    scenes: &[],
};

/// Threads that want the lock; few, because the fair ones spin.
const CROWD: usize = 2;

fn run(story: &mut Story) -> lesson::Result {
    in_turn(story);
    table(story);
    Ok(())
}

// ANCHOR: in_turn
/// All wait when the lock is released for the first time, and each comes again as soon as it was served.
fn in_turn(story: &mut Story) {
    const WAITERS: usize = 3;
    const TURNS: usize = 30;
    story.say("Three threads take turns under a ticket lock. Whoever has it lets go only when both others are in line, and gets in line again.");
    let lock = TicketLock::new(Vec::new());
    thread::scope(|scope| {
        let gate = lock.lock();
        for thread in 0..WAITERS {
            let lock = &lock;
            scope.spawn(move || {
                loop {
                    let mut served = lock.lock();
                    if served.len() == TURNS {
                        return;
                    }
                    served.push(thread);
                    while lock.waiting() < WAITERS as u32 {
                        thread::yield_now();
                    }
                }
            });
        }
        while lock.waiting() <= WAITERS as u32 {
            thread::yield_now();
        }
        drop(gate);
    });
    let served = lock.into_inner();
    let count = |thread| served.iter().filter(|&&one| one == thread).count();
    let counts: Vec<usize> = (0..WAITERS).map(count).collect();
    let (least, most) = (counts.iter().min().copied(), counts.iter().max().copied());
    story.claim(
        "where all are in line a ticket lock serves them equally: their turns differ by one at most",
        "a difference of 0 or 1",
        format!("{counts:?}"),
        most.zip(least).is_some_and(|(most, least)| most - least <= 1),
    );
}
// ANCHOR_END: in_turn

fn table(story: &mut Story) {
    let time = Duration::from_millis(if story.is_timed() { 60 } else { 2 });
    story.say(format!("{CROWD} threads take turns for {} ms under each lock.", time.as_millis()));
    let mutex = Mutex::new(());
    let rwlock = RwLock::new(());
    let (spin, tickets, queue) = (SpinLock::new(()), TicketLock::new(()), McsLock::new(()));
    #[cfg(target_os = "linux")]
    let ours = crate::futex::Mutex::new(());
    let locks: &[(&str, Locked)] = &[
        ("std Mutex", &|work| {
            let _guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
            work();
        }),
        ("std RwLock, writing", &|work| {
            let _guard = rwlock.write().unwrap_or_else(PoisonError::into_inner);
            work();
        }),
        #[cfg(target_os = "linux")]
        ("futex::Mutex", &|work| {
            let _guard = ours.lock();
            work();
        }),
        ("SpinLock", &|work| {
            let _guard = spin.lock();
            work();
        }),
        ("TicketLock", &|work| {
            let _guard = tickets.lock();
            work();
        }),
        ("McsLock", &|work| queue.with(|()| work())),
    ];
    let mut lines =
        String::from("lock                     turns   median wait    p99 wait   least : most served\n");
    let mut right = Vec::new();
    for (name, locked) in locks {
        let seen = for_a_time(CROWD, time, *locked);
        let waits: Samples = seen.waits.iter().copied().collect();
        let (least, most) = (seen.turns.iter().min(), seen.turns.iter().max());
        let share = *least.unwrap_or(&0) as f64 / *most.unwrap_or(&1) as f64;
        let (median, p99) = (waits.median(), waits.quantile(0.99));
        lines += &format!("{name:20} {:9} {median:10.0} ns {p99:8.0} ns   {share:.2} : 1\n", seen.total());
        right.push(seen.right);
    }
    if story.is_timed() {
        story.show(lines);
        story.say("With a core for each thread a fair lock has a ratio near 1 and a p99 near its median. Where a thread is kept from running it is not in line, and no lock can be fair to it: so nothing is claimed about these figures.");
    }
    story.equal("fair or not, each of them keeps the count right", vec![true; locks.len()], right);
}
