//! A mutex held across `rayon::join`: the worker that waits steals the one task that wants its lock.
//!
//! Left to luck this takes weeks to happen. Here the other worker is kept busy until the task has begun, so that nobody
//! else can take it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use lesson::Story;

use crate::{
    detector::{Detector, LockError, Recovery, Report},
    lessons::stage::{found, hangs},
};

/// Whether the lock is held across the join.
#[derive(Clone, Copy, PartialEq)]
enum Guard {
    Across,
    Before,
}

// ANCHOR: steal
/// Two workers. One calls `join`; the other takes the second half and offers a task, which only the first can do, while
/// it waits. That task calls `lock`.
fn steal(
    lock_and_keep: impl FnOnce(&dyn Fn()) + Send,
    task: impl FnOnce() + Send,
) -> Result<(), rayon::ThreadPoolBuildError> {
    let (stolen, begun) = (AtomicBool::new(false), AtomicBool::new(false));
    let until = |flag: &AtomicBool| {
        while !flag.load(Ordering::SeqCst) {
            thread::yield_now();
        }
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .thread_name(|n| format!("worker {}", n + 1))
        .build()?;
    pool.scope(|scope| {
        let offer = || {
            stolen.store(true, Ordering::SeqCst);
            scope.spawn(|_| {
                begun.store(true, Ordering::SeqCst);
                task();
            });
            until(&begun);
        };
        let offer = Mutex::new(Some(offer));
        lock_and_keep(&|| {
            let offer = offer.lock().unwrap_or_else(PoisonError::into_inner).take();
            rayon::join(|| until(&stolen), || offer.into_iter().for_each(|offer| offer()));
        });
    });
    Ok(())
}
// ANCHOR_END: steal

/// What the task that was stolen is told when it locks.
fn stolen_task(guard: Guard) -> Result<Option<Arc<Report>>, Box<dyn std::error::Error>> {
    let detector = Detector::open(Recovery::Break);
    let lock = detector.mutex("list", ());
    let told = Mutex::new(None);
    steal(
        |join| match guard {
            Guard::Across => {
                let _held = lock.lock();
                join();
            }
            Guard::Before => {
                drop(lock.lock());
                join();
            }
        },
        || {
            let report = lock.lock().err().and_then(|error: LockError<_>| error.report().cloned());
            *told.lock().unwrap_or_else(PoisonError::into_inner) = report;
        },
    )?;
    Ok(told.into_inner().unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn across_join(story: &mut Story) -> lesson::Result {
    story.say("rayon: a worker locks, and calls join. While it waits for the half that was stolen, it steals a task that locks.");
    let report = stolen_task(Guard::Across)?;
    let names: Vec<String> =
        report.iter().flat_map(|report| report.threads()).map(|stuck| stuck.thread.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    found(
        story,
        "rayon",
        "a worker waits for what it holds itself, further down its own stack",
        &names,
        report.as_ref(),
    )?;
    story.equal(
        "one thread is a cycle of its own",
        Some(1),
        report.as_ref().map(|report| report.threads().len()),
    );
    hangs(story, "rayon", "with std's mutex it waits for ever")?;
    story.say("Cured: the lock is given back before the join. The same task is stolen in the same way.");
    let report = stolen_task(Guard::Before)?;
    story.claim(
        "it gets the lock",
        "no deadlock",
        report.as_ref().map_or("no deadlock".to_owned(), |report| report.verdict()),
        report.is_none(),
    );
    Ok(())
}

pub(super) fn with_std() {
    let lock = Mutex::new(());
    let outcome = steal(
        |join| {
            let _held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            join();
        },
        || drop(lock.lock().unwrap_or_else(PoisonError::into_inner)),
    );
    println!("{outcome:?}");
}
