//! How do I let a few in at a time, and no more?
//!
//! A **semaphore** holds **permits**. Who wants in takes one, and sleeps if there is none; who leaves gives it back. With
//! one permit it is a lock (which any thread may release), with n it lets n in: connections to a server, open files.
//! With none to begin with it counts what is there for the taking. A **bounded** one refuses a release too many.
//!
//! Here a permit is a value and dropping it gives it back, so a release too many cannot be written, nor one forgotten in
//! a panic; `forget` and `release(n)` are the by-hand form of both. See `crates/synchronization/src/semaphore.rs`.
//!
//! std has none. In Python: `threading.Semaphore`, `BoundedSemaphore`.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};
use workload::{Fetch, Fetched, PieceError, Timeline, Workload, sequential};

use crate::{BoundedSemaphore, Permit, Semaphore};

pub(super) const LESSON: Lesson = Lesson {
    name: "semaphore",
    question: "How do I let a few in at a time, and no more?",
    python: &["threading.Semaphore", "threading.BoundedSemaphore", "Semaphore.release(n)"],
    run,
    scenes: &[],
};

const DOCUMENTS: u64 = 24;
const PERMITS: usize = 4;
const MOMENT: Duration = Duration::from_millis(10);

fn run(story: &mut Story) -> lesson::Result {
    by_hand(story);
    limit_a_server(story)
}

fn by_hand(story: &mut Story) {
    let seats = Semaphore::new(2);
    let first = seats.acquire();
    let _second = seats.acquire();
    story.equal("two permits, two are in, a third gets none", true, seats.try_acquire().is_none());
    story.equal("with a time limit it gives up", true, seats.acquire_timeout(MOMENT).is_none());
    drop(first);
    story.equal("a dropped permit is back", true, seats.acquire_timeout(MOMENT).is_some());

    let items = Semaphore::new(0);
    let taken = thread::scope(|scope| {
        let takers = [(); 3].map(|()| scope.spawn(|| items.acquire().forget()));
        items.release(3);
        takers.into_iter().filter_map(|taker| taker.join().ok()).count()
    });
    story.equal("release(3) lets three in who wait", (3, 0), (taken, items.available()));

    let bounded = BoundedSemaphore::new(1);
    let refused = bounded.release(1).err().map(|why| why.to_string());
    let expected = "1 permits were given back where 1 of 1 are there already";
    story.equal("a bounded one refuses what was never taken", Some(expected.to_owned()), refused);
}

fn limit_a_server(story: &mut Story) -> lesson::Result {
    story.say(format!("{DOCUMENTS} threads want a document each from a server, which shall not have more than {PERMITS} requests at once."));
    let (fetch, _server) = Fetch::local(DOCUMENTS, Duration::from_millis(10))?;
    let expected = sequential(&Fetch { documents: DOCUMENTS, ..fetch.clone() }, &Timeline::off())?;

    // All meet at the door before any goes in, so that without a limit all of them are in.
    let everyone = DOCUMENTS as usize;
    let (free, peak_free) = fetch_all(&fetch, &Semaphore::new(everyone), everyone)?;
    let (limited, peak) = fetch_all(&fetch, &Semaphore::new(PERMITS), PERMITS)?;
    story.equal("the answers are those of one after the other", (&expected, &expected), (&free, &limited));
    story.equal("with a permit for each, all are in at once", everyone, peak_free);
    story.equal("with 4 permits never more than 4, and at some time 4", PERMITS, peak);
    Ok(())
}

// ANCHOR: fetch_all
/// Fetches all documents, a thread each; returns them and the largest number of threads that were in at once. The first
/// `meet` of them wait for each other inside, to make certain that so many fit in.
fn fetch_all(fetch: &Fetch, permits: &Semaphore, meet: usize) -> Result<(Fetched, usize), PieceError> {
    let (inside, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let met = crate::Latch::new(meet);
    let get = |number: u64| {
        let _permit: Permit<'_> = permits.acquire();
        let now = inside.fetch_add(1, Relaxed) + 1;
        peak.fetch_max(now, Relaxed);
        met.count_down();
        met.wait();
        let document = fetch.run(&number);
        inside.fetch_sub(1, Relaxed);
        document
    };
    let documents: Vec<Result<Fetched, PieceError>> = thread::scope(|scope| {
        let get = &get;
        let threads: Vec<_> = (0..fetch.documents).map(|number| scope.spawn(move || get(number))).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread.join().unwrap_or_else(|panic| Err(PieceError::new(workload::panic_message(&*panic))))
            })
            .collect()
    });
    let mut all = Fetched::default();
    for document in documents {
        fetch.combine(&mut all, document?);
    }
    Ok((all, peak.into_inner()))
}
// ANCHOR_END: fetch_all
