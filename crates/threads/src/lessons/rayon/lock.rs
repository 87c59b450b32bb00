//! A lock held across a parallel call stalls, when the waiting thread picks up work that wants the same lock.
//!
//! [`add_under_lock`] looks innocent. But inside `par_iter` its thread waits for a stolen piece, and a rayon thread
//! does not wait idly: it takes the next task, here another `add`. That one wants the lock which its own thread
//! holds, further down on the same stack. It waits for itself, for ever (rayon-rs/rayon#592).
//!
//! On an idle machine it may go well a thousand times. Here the schedule is forced: pool of two; the second
//! thread has stolen half of the sum and keeps it until the first has picked up the task.

use std::{
    process,
    sync::{Barrier, Mutex, PoisonError, TryLockError, mpsc},
    thread,
    time::Duration,
};

use lesson::{Scene, Story};
use rayon::{ThreadPoolBuilder, prelude::*};

/// Each plays in a process of its own, as the first one can only be ended with its process.
pub(super) const SCENES: &[Scene] = &[
    ("lock-held", || play(add_under_lock, add, Duration::from_millis(250))),
    ("lock-after", || play(add_after, add, PATIENCE)),
    ("try-lock", || play(add_under_lock, try_add, PATIENCE)),
];

/// The watchdog's limit where nothing should stall: far more than it takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Exit code of the watchdog.
const STALLED: i32 = 3;

/// A sum that many add to; for the watchdog also who holds its lock and who waits for it.
#[derive(Default)]
struct Total {
    sum: Mutex<u64>,
    holder: Mutex<Option<String>>,
    waits: Mutex<Option<String>>,
}

type Parts<'a> = &'a (dyn Fn(usize) -> u64 + Sync);

// ANCHOR: add_under_lock
/// Broken: holds the lock while rayon sums the parts.
fn add_under_lock(total: &Total, parts: Parts<'_>) {
    let mut sum = lock(&total.sum);
    *lock(&total.holder) = Some(this_thread());
    *sum += in_parallel(parts);
}
// ANCHOR_END: add_under_lock

// ANCHOR: add_after
/// Fixed: first the parallel work, then the lock. No thread holds it while rayon may give it other work, so who
/// wants it waits for one addition and never for itself.
fn add_after(total: &Total, parts: Parts<'_>) {
    let sum = in_parallel(parts);
    *lock(&total.sum) += sum;
}
// ANCHOR_END: add_after

/// Two pieces, each a task of its own.
fn in_parallel(parts: Parts<'_>) -> u64 {
    (0..2).into_par_iter().with_max_len(1).map(parts).sum()
}

/// Another task that adds to the total. Whether it could.
fn add(total: &Total) -> bool {
    *lock(&total.waits) = Some(this_thread());
    *lock(&total.sum) += 1;
    true
}

/// The other cure, where the holder cannot be changed: a task that never waits for a lock cannot stall its
/// thread. It gives up and is tried again.
fn try_add(total: &Total) -> bool {
    match total.sum.try_lock() {
        Ok(mut sum) => *sum += 1,
        Err(TryLockError::Poisoned(sum)) => *sum.into_inner() += 1,
        Err(TryLockError::WouldBlock) => return false,
    }
    true
}

/// Sums 10 + 20 into the total while the other task comes in, in the one order that is dangerous.
fn play(sum_up: fn(&Total, Parts<'_>), other: fn(&Total) -> bool, limit: Duration) {
    let builder = ThreadPoolBuilder::new().num_threads(2).thread_name(|index| format!("worker {index}"));
    let pool = match builder.build() {
        Ok(pool) => pool,
        Err(why) => return eprintln!("no pool: {why}"),
    };
    let total: &Total = Box::leak(Box::default()); // tasks of `spawn` borrow for ever
    // Both threads have a piece in hand; the second thread keeps its piece until the other task was picked up.
    // So only the first thread, which waits for that piece, can have picked it up.
    let both_busy: &Barrier = Box::leak(Box::new(Barrier::new(3)));
    let picked_up: &Barrier = Box::leak(Box::new(Barrier::new(3)));
    let (ended, ends) = mpsc::channel();

    let other_ended = ended.clone();
    pool.spawn(move || {
        sum_up(total, &|piece| {
            both_busy.wait();
            if piece == 1 {
                picked_up.wait();
            }
            10 + 10 * piece as u64
        });
        let _ = ended.send(true);
    });
    both_busy.wait();
    pool.spawn(move || {
        picked_up.wait();
        let _ = other_ended.send(other(total));
    });
    picked_up.wait();

    // From here on there is nothing to wait for but the lock.
    let mut put_off = 0;
    for _ in 0..2 {
        match ends.recv_timeout(limit) {
            Ok(done) => put_off += u64::from(!done),
            Err(_) => bark(total),
        }
    }
    if put_off > 0 {
        other(total);
    }
    println!("sum {}, put off {put_off}", lock(&total.sum));
}

/// The watchdog: a thread that hangs cannot be ended from outside, so it tells and ends the process.
fn bark(total: &Total) -> ! {
    let who = |place: &Mutex<Option<String>>| lock(place).clone().unwrap_or_else(|| "nobody".to_owned());
    let (holder, waits) = (who(&total.holder), who(&total.waits));
    println!("stalled: {waits} waits for a lock, {holder} holds it");
    process::exit(STALLED);
}

fn this_thread() -> String {
    thread::current().name().unwrap_or("a thread without a name").to_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic under these locks would end the scene; its end is what the lesson looks at.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays the three.
pub(super) fn tell(story: &mut Story) -> lesson::Result {
    story.say(
        "A lock held across `par_iter`, in a process of its own: while its thread waits for a stolen piece it picks \
         up another task, which wants the lock that this very thread holds. A watchdog ends it.",
    );
    let stalled = story.play("lock-held", PATIENCE)?;
    story.show(&stalled.stdout);
    let code = stalled.status.and_then(|status| status.code());
    story.equal("it stalls, and the watchdog ends it", Some(STALLED), code);
    let told = stalled.stdout.trim();
    let itself = told
        .strip_prefix("stalled: ")
        .and_then(|told| told.strip_suffix(" holds it")?.split_once(" waits for a lock, "));
    let holds = matches!(itself, Some((waits, holder)) if waits == holder && waits.starts_with("worker"));
    story.claim("the thread waits for a lock that it holds itself", "the same worker twice", told, holds);

    story.say("The same schedule, cured twice: the lock taken after the parallel part; a task that only tries the lock.");
    for (scene, claim, expected) in [
        ("lock-after", "parallel part first, lock after: nobody waits", "sum 31, put off 0"),
        ("try-lock", "a task that tries the lock and comes back later: nobody waits", "sum 31, put off 1"),
    ] {
        let played = story.play(scene, 2 * PATIENCE)?;
        story.equal(claim, expected, played.stdout.trim());
    }
    Ok(())
}
