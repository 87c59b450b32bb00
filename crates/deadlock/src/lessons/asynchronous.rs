//! Can one thread alone be in deadlock?
//!
//! With tasks it can. A task that awaits gives its **thread** away, but not the locks it holds. On the same thread the next
//! task runs, locks the same mutex, and blocks: not itself only but the thread, which the first task would need to go on
//! and unlock. Seen rightly the thread is a lock too, which every task must hold to run. Then it is the old cycle: one task
//! holds the mutex and wants the thread, the other one holds the thread and wants the mutex.
//!
//! The compiler helps where tasks may move between threads, as a guard of std's may not:
//!
//! ```compile_fail
//! static LIST: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
//! tokio::spawn(async {
//!     let list = LIST.lock().unwrap();
//!     tokio::task::yield_now().await; // future cannot be sent between threads safely
//!     drop(list);
//! });
//! ```
//!
//! On a current-thread runtime (and with guards that may be sent) it says nothing; clippy's `await_holding_lock` does.
//! Two cures. Drop the guard before the await. Or take `tokio::sync::Mutex`, whose `lock().await` gives the thread away;
//! but two of those in two orders are a deadlock as ever, only quieter: no thread blocks, no detector of threads sees it,
//! and a time limit is what finds it. In Python: a `threading.Lock` held across an `await`, and `asyncio.Lock`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lesson::search::{broken, fixed};
use lesson::{Lesson, Story};
use model::schedule::{self, Bounds, Program};
use tokio::{task::yield_now, time::timeout};

use super::stage::{found, hangs};
use crate::detector::{self, Detector, Recovery, Report};

pub(super) const LESSON: Lesson = Lesson {
    name: "async",
    question: "Can one thread alone be in deadlock?",
    python: &["asyncio.Lock", "asyncio.wait_for"],
    run,
    scenes: &[("std", with_std)],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("Two tasks on one thread. The first locks and awaits; the second locks.");
    let report = across_await()?;
    let name = std::thread::current().name().unwrap_or("main").to_owned();
    found(story, "await", "the thread waits for itself", &[&name], report.as_ref())?;
    hangs(story, "std", "with std's mutex it waits for ever")?;

    story.say("All orders of the steps, the thread being a lock that a task holds while it runs:");
    broken(
        story,
        "thread",
        "the guard lives across the await: a deadlock",
        1,
        &Bounds::all(),
        tasks(Cure::None),
    )?;
    story.say("Cured, in two ways: the guard is dropped before the await, or to wait for the lock gives the thread away.");
    fixed(story, "dropped before the await: none", &Bounds::all(), tasks(Cure::DropFirst));
    fixed(story, "an asynchronous lock, held across it: none", &Bounds::all(), tasks(Cure::AsyncLock));
    story.equal("so it is on a real runtime: with the guard dropped first", Some(2), dropped_first()?);
    story.equal("and with tokio's mutex held across the await", Some(2), tokio_mutex()?);

    story.say("Two of tokio's mutexes, locked in two orders; no thread blocks, so only a time limit tells:");
    story.equal("both tasks wait for ever", Ended::TimedOut, two_orders(true)?);
    story.equal("in one order both are done", Ended::Done, two_orders(false)?);
    Ok(())
}

fn on_one_thread<T>(work: impl Future<Output = T>) -> std::io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(work))
}

// ANCHOR: across_await
fn across_await() -> std::io::Result<Option<Arc<Report>>> {
    let detector = Detector::open(Recovery::Break);
    let list = detector.mutex("list", Vec::new());
    on_one_thread(async {
        let first = async {
            let guard = list.lock();
            yield_now().await; // the second task runs now, on this thread
            drop(guard);
        };
        let second = async {
            let told = list.lock().map(|mut list| list.push(2));
            told.err().and_then(|error: detector::LockError<_>| error.report().cloned())
        };
        tokio::join!(first, second).1
    })
}
// ANCHOR_END: across_await

#[expect(clippy::await_holding_lock, reason = "the mistake that this lesson is about")]
fn with_std() {
    let list = Mutex::new(Vec::new());
    let lock = || list.lock().unwrap_or_else(PoisonError::into_inner);
    let ended = on_one_thread(async {
        let first = async {
            let guard = lock();
            yield_now().await;
            drop(guard);
        };
        let second = async { lock().push(2) };
        tokio::join!(first, second);
    });
    println!("{ended:?}");
}

/// More than any of these takes; a fixed form that needs it has failed.
const AMPLE: Duration = Duration::from_secs(20);

// ANCHOR: cures
/// How many entries both tasks have made; `None` if they did not end.
fn dropped_first() -> std::io::Result<Option<usize>> {
    let list = Mutex::new(Vec::new());
    let add = async |entry| {
        // The guard ends with this statement, before the await.
        list.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        yield_now().await;
    };
    on_one_thread(async {
        timeout(AMPLE, async { tokio::join!(add(1), add(2)) }).await.ok()?;
        Some(list.lock().unwrap_or_else(PoisonError::into_inner).len())
    })
}

/// The same with a lock that is held across the await, because what it guards must not be seen half changed.
fn tokio_mutex() -> std::io::Result<Option<usize>> {
    let list = tokio::sync::Mutex::new(Vec::new());
    let add = async |entry| {
        let mut list = list.lock().await;
        yield_now().await;
        list.push(entry);
    };
    on_one_thread(async {
        timeout(AMPLE, async { tokio::join!(add(1), add(2)) }).await.ok()?;
        Some(list.lock().await.len())
    })
}
// ANCHOR_END: cures

#[derive(Debug, PartialEq)]
enum Ended {
    Done,
    TimedOut,
}

fn two_orders(crossed: bool) -> std::io::Result<Ended> {
    let locks = [tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(())];
    let task = async |first: usize| {
        let _one = locks[first].lock().await;
        yield_now().await;
        let _other = locks[1 - first].lock().await;
    };
    let limit = if crossed { Duration::from_millis(50) } else { AMPLE };
    on_one_thread(async {
        let both = async { tokio::join!(task(0), task(usize::from(crossed))) };
        timeout(limit, both).await.map_or(Ended::TimedOut, |_| Ended::Done)
    })
}

#[derive(Clone, Copy, PartialEq)]
enum Cure {
    None,
    DropFirst,
    AsyncLock,
}

// ANCHOR: tasks
/// Two tasks on one thread: each locks, awaits with the lock in hand, goes on. To run is to hold the thread.
fn tasks(cure: Cure) -> impl Fn(&mut Program) {
    move |program: &mut Program| {
        let (thread, list) = (schedule::Mutex::new("the thread", ()), schedule::Mutex::new("list", ()));
        let (held, woken) = (schedule::Atomic::new("list held", false), schedule::Condvar::new("list free"));
        for name in ["first", "second"] {
            let (thread, list) = (thread.clone(), list.clone());
            let (held, woken) = (held.clone(), woken.clone());
            program.thread(name, move || {
                let running = thread.lock();
                if cure == Cure::AsyncLock {
                    // To wait gives the thread away.
                    let running = woken.wait_while(running, |()| held.load());
                    held.store(true);
                    drop(running);
                    let _running = thread.lock();
                    held.store(false);
                    woken.notify_one();
                    return;
                }
                let guard = list.lock();
                let kept = (cure == Cure::None).then_some(guard);
                drop(running); // the await
                let _running = thread.lock();
                drop(kept);
            });
        }
    }
}
// ANCHOR_END: tasks
