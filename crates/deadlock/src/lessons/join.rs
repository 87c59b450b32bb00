//! What if the one that is waited for waits for the one who waits?
//!
//! To join a thread is to wait for its end, and where threads wait, they can wait in a circle, without any lock. Two
//! threads that have each other's handle can join each other. A task in a **pool** that waits for another task of the
//! same pool needs a worker, and holds one while it waits: when all workers are held by tasks that wait, the pool is in
//! deadlock, though it is "only busy".
//!
//! rayon knows that: who waits in `rayon::join` does other tasks meanwhile. That has a price of its own. Whatever is done
//! meanwhile runs *on the stack of the one who waits*, with all its locks held: with a mutex locked across a
//! `rayon::join` a worker can steal a task that wants that very mutex, and waits for itself (rayon-rs/rayon#592).
//!
//! Look at the three reports. The cures: let threads be joined by the one who started them (a tree has no circle;
//! `thread::scope` builds nothing else); do not wait in a pool's task, or help while waiting; hold no lock across a call
//! that may run other tasks. In Python: a `ThreadPoolExecutor` whose tasks call `result()` of others hangs in the same way.

mod pool;
mod small;
mod stolen;

use std::{
    sync::{Arc, Barrier, mpsc::channel},
    thread,
};

use lesson::search::{broken, fixed};
use lesson::{Lesson, Story};
use model::schedule::Bounds;

use super::stage::{Actor, found, hangs, play};
use crate::detector::{Detector, JoinError, JoinHandle, Recovery, Report};
use pool::{Pool, Waiting};

pub(super) const LESSON: Lesson = Lesson {
    name: "join",
    question: "What if the one that is waited for waits for the one who waits?",
    python: &["threading.Thread.join", "concurrent.futures.Future.result"],
    run,
    scenes: &[("std", ring_of_std), ("rayon", stolen::with_std)],
};

fn run(story: &mut Story) -> lesson::Result {
    each_other(story)?;
    nested(story)?;
    stolen::across_join(story)
}

// ANCHOR: ring
/// Threads that each join the next, and the last the first. What each was told.
fn ring(names: &[&'static str]) -> Vec<Option<Arc<Report>>> {
    type Told = Option<Arc<Report>>;
    let detector = Detector::open(Recovery::Break);
    let (told, tells) = channel();
    let (handles, gets): (Vec<_>, Vec<_>) = names.iter().map(|_| channel::<JoinHandle<()>>()).unzip();
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for (name, get) in names.iter().zip(gets) {
        let told = told.clone();
        threads.push(detector.spawn(*name, move || {
            let outcome = get.recv().map(|next| next.join());
            let report = match outcome {
                Ok(Err(JoinError::WouldDeadlock(report))) => Some(report),
                _ => None,
            };
            let _: Result<(), _> = told.send(report);
        }));
    }
    threads.rotate_left(1);
    for (thread, handle) in threads.into_iter().zip(handles) {
        let _ = handle.send(thread);
    }
    drop(told);
    tells.iter().collect::<Vec<Told>>()
}
// ANCHOR_END: ring

fn each_other(story: &mut Story) -> lesson::Result {
    for names in [&["A", "B"][..], &["A", "B", "C"]] {
        story.say(format!("{} threads get each other's handles and join in a circle:", names.len()));
        let told = ring(names);
        let name = ["two", "three"][names.len() - 2];
        let report = told.iter().flatten().next();
        found(story, name, "each waits for the end of the next", names, report)?;
        story.equal(
            "one is told and gives up; the others' joins then return",
            names.len() - 1,
            told.iter().filter(|report| report.is_none()).count(),
        );
    }
    story.say("std's threads are told nothing; in a process of their own:");
    hangs(story, "std", "two of them that join each other wait for ever")?;
    Ok(())
}

/// The same with two of std's threads. The main thread waits until one of them is done.
fn ring_of_std() {
    let (done, one_is_done) = channel::<()>();
    let ((to_a, at_a), (to_b, at_b)) = (channel::<thread::JoinHandle<()>>(), channel());
    let [a, b] = [at_a, at_b].map(|get| {
        let done = done.clone();
        thread::spawn(move || {
            let _: Option<_> = get.recv().ok().map(|other| other.join());
            let _ = done.send(());
        })
    });
    let _ = (to_a.send(b), to_b.send(a));
    let _ = one_is_done.recv();
}

fn nested(story: &mut Story) -> lesson::Result {
    story.say(
        "A pool of two workers. Two tasks begin; each gives the pool another one and waits for its result:",
    );
    let outcome = in_pool(Waiting::Asleep)?;
    let report = outcome.iter().find_map(|result| result.as_ref().err());
    found(
        story,
        "pool",
        "all workers are held by tasks that wait for a worker",
        &["worker 1", "worker 2"],
        report,
    )?;
    broken(
        story,
        "nested",
        "a worker each, and no one for the inner ones: a deadlock",
        0,
        &Bounds::all(),
        small::model(Waiting::Asleep),
    )?;
    story.say("Cured: who waits does other tasks meanwhile.");
    fixed(
        story,
        "no worker is held for nothing: no deadlock",
        &Bounds::all(),
        small::model(Waiting::Helping),
    );
    let sum: u32 = in_pool(Waiting::Helping)?.into_iter().flatten().sum();
    story.equal("and the two real workers get all four results", 2 * 20 + 2, sum);
    Ok(())
}

/// The four results of two outer tasks and their inner ones.
fn in_pool(waiting: Waiting) -> Result<Vec<pool::Outcome>, String> {
    let pools = play(move |detector| {
        let pool = Arc::new(Pool::new(detector, 4));
        let both_begun = Arc::new(Barrier::new(2));
        for _ in 0..2 {
            let both_begun = Arc::clone(&both_begun);
            pool.submit(Box::new(move |pool| {
                both_begun.wait();
                let inner = pool.submit(Box::new(|_| Ok(1)))?;
                pool.result(inner, waiting).map(|one| 19 + one)
            }))
            .ok();
        }
        ["worker 1", "worker 2"]
            .map(|name| {
                let pool = Arc::clone(&pool);
                let work: Actor<Arc<Pool>> = Box::new(move || {
                    // Told of the deadlock outside of a task it ends; the other one goes on.
                    let _ = pool.work();
                    pool
                });
                (name, work)
            })
            .into()
    })?;
    Ok(pools.first().map(|pool| pool.results()).unwrap_or_default())
}
