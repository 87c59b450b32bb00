//! How may a thread borrow from its caller?
//!
//! A spawned thread may outlive the function that started it, so it may not borrow what lives there:
//!
//! ```compile_fail,E0373
//! let words = vec!["a", "b"];
//! let handle = std::thread::spawn(|| words.len()); // closure may outlive the current function
//! handle.join().unwrap();
//! ```
//!
//! That `join` stands in the next line does not count: the handle could be dropped instead. A *scope* can not
//! be left before all its threads have ended, whatever happens in between, so they may borrow:
//!
//! ```
//! let words = vec!["a", "b"];
//! let count = std::thread::scope(|scope| scope.spawn(|| words.len()).join().unwrap());
//! assert_eq!((count, words.len()), (2, 2));
//! ```
//!
//! Within a scope the usual rule holds: many may read the same, or one may write. Two writers of the same do
//! not compile, which is what keeps data races out:
//!
//! ```compile_fail,E0499
//! let mut total = 0;
//! std::thread::scope(|scope| {
//!     scope.spawn(|| total += 1);
//!     scope.spawn(|| total += 1); // second mutable borrow
//! });
//! ```
//!
//! Two writers of *different parts* do, as soon as the parts are cut with `split_at_mut` or `chunks_mut`. Nor
//! may one borrow what does not live long enough for the scope:
//!
//! ```compile_fail,E0597
//! std::thread::scope(|scope| {
//!     let inside = vec![1];
//!     let borrowed = &inside; // dropped at the end of the closure, while the thread may still run
//!     scope.spawn(move || borrowed.len());
//! });
//! ```
//!
//! Python has no counterpart: everything is shared, nothing is checked. Its nearest relative is
//! `with ThreadPoolExecutor() as pool`, which also waits at the end of the block.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lesson::{Lesson, Story};

use super::hush::Hush;

pub(super) const LESSON: Lesson = Lesson {
    name: "scope",
    question: "How may a thread borrow from its caller?",
    python: &["with ThreadPoolExecutor()"],
    run,
    scenes: &[],
};

// ANCHOR: run
fn run(story: &mut Story) -> lesson::Result {
    let workers = story.workers().min(8);
    story.say(format!(
        "{workers} threads read the same list, which stays where it is: nothing is copied or counted."
    ));
    let numbers: Vec<u64> = (1..=1_000).collect();
    let share = numbers.len().div_ceil(workers);
    let sums: Vec<u64> = thread::scope(|scope| {
        let shares = numbers.chunks(share);
        let handles: Vec<_> = shares.map(|share| scope.spawn(move || share.iter().sum())).collect();
        handles.into_iter().map(|handle| handle.join().unwrap_or(0)).collect()
    });
    story.equal("each reads its share, and the shares add up", 500_500, sums.iter().sum());

    story.say(
        "Several may also write, each to a part of its own: chunks_mut cuts a slice so that the \
        compiler sees that the parts do not overlap.",
    );
    let mut squares = numbers.clone();
    thread::scope(|scope| {
        for share in squares.chunks_mut(share) {
            scope.spawn(|| share.iter_mut().for_each(|number| *number *= *number));
        }
    });
    let right = squares.iter().zip(&numbers).all(|(square, number)| *square == number * number);
    story.equal("every number was squared in place, by one of them", true, right);

    let (left, rest) = squares.split_at_mut(1);
    let (first, last) = thread::scope(|scope| {
        // One borrows a part to write, the other one the rest to read.
        let writer = scope.spawn(|| {
            left[0] += 41;
            left[0]
        });
        let reader = scope.spawn(|| rest.last().copied());
        (writer.join().unwrap_or(0), reader.join().ok().flatten())
    });
    story.equal("one part is written while the other one is read", (42, Some(1_000_000)), (first, last));

    let ended = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                thread::yield_now();
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        // No join: the end of the scope is one.
    });
    story.equal("a scope ends after its last thread, joined or not", workers, ended.into_inner());

    panics(story);
    Ok(())
}
// ANCHOR_END: run

fn panics(story: &mut Story) {
    story.say(
        "A panic in a thread of the scope does not get lost: it comes out of join, or else out of the scope.",
    );
    let quiet = Hush::new();
    let joined =
        panic::catch_unwind(|| thread::scope(|scope| scope.spawn(|| panic!("out of tea")).join().is_err()));
    let others = AtomicUsize::new(0);
    // Unwind safety: an atomic counter is never half changed.
    let unjoined = panic::catch_unwind(AssertUnwindSafe(|| {
        thread::scope(|scope| {
            scope.spawn(|| panic!("out of tea"));
            scope.spawn(|| others.fetch_add(1, Ordering::Relaxed));
        });
    }));
    drop(quiet);
    story.equal(
        "a panic that was joined stays in join's result, and the scope goes on",
        Some(true),
        joined.ok(),
    );
    let message = unjoined.err().map(|payload| workload::panic_message(&*payload));
    story.equal(
        "a panic that nobody joined becomes one of the scope",
        Some("a scoped thread panicked".to_owned()),
        message,
    );
    story.equal("but not before its other threads have ended", 1, others.into_inner());
}
