//! Why is "the head is still the same" not enough for a stack without a lock?
//!
//! Because the same address need not be the same node. Treiber's pop reads the head A and what follows it, B, and then
//! makes B the head *if A still is*. If meanwhile others take A and B and put A back, A is the head again, and the
//! exchange succeeds with a B that is no longer there. This is ABA. It is played here step by step by hand, on
//! numbered nodes, so that it needs no luck; the model check finds the same schedule by itself.
//!
//! The cure is that what a thread has seen cannot come back while it remembers it. In Python and Java the collector sees
//! to that: the remembered reference keeps the node alive. Here epochs do: a node that was taken out is freed only when
//! all who were looking have left. Or each change is numbered, which helps nodes that are reused but not freed.

use std::{
    sync::atomic::{
        AtomicBool, AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
};

use crossbeam_epoch::Collector;
use lesson::{Lesson, Story};

use crate::{MsQueue, Stack};

/// Why is "the head is still the same" not enough for a stack without a lock?
pub(super) const LESSON: Lesson = Lesson {
    name: "stack",
    question: "Why is \"the head is still the same\" not enough for a stack without a lock?",
    python: &["queue.LifoQueue", "collections.deque"],
    run,
    scenes: &[],
};

const A: u64 = 1;
const B: u64 = 2;
const NONE: u64 = 0;

fn run(story: &mut Story) -> lesson::Result {
    by_hand(story);
    numbered(story);
    epochs(story);
    with_threads(story);
    Ok(())
}

fn by_hand(story: &mut Story) {
    story.say("The stack is A, B. We begin to pop, and are interrupted before the exchange.");
    let head = AtomicU64::new(A);
    let (ours, next) = (head.load(Acquire), B);
    story.show("we    see head A, next B\nthey  pop A: head B\nthey  pop B: head none\nthey  push A: head A\nwe    exchange A for B");
    for (from, to) in [(A, B), (B, NONE), (NONE, A)] {
        // Each of their steps succeeds: they are alone.
        let _ = head.compare_exchange(from, to, Relaxed, Relaxed);
    }
    let ours = head.compare_exchange(ours, next, Relaxed, Relaxed);
    story.equal("our exchange succeeds, as if nothing had happened", Ok(A), ours);
    story.equal("and the head is B, which they took: it has two owners", B, head.load(Relaxed));
}

fn numbered(story: &mut Story) {
    story.say("The same steps, with the number of changes in the upper half of the word.");
    let change = |seen: u64, to: u64| (((seen >> 32) + 1) << 32) | to;
    let head = AtomicU64::new(A);
    let (ours, next) = (head.load(Acquire), B);
    for to in [B, NONE, A] {
        let seen = head.load(Relaxed);
        let _ = head.compare_exchange(seen, change(seen, to), Relaxed, Relaxed);
    }
    let refused =
        head.compare_exchange(ours, change(ours, next), Relaxed, Relaxed).map_err(|now| (now >> 32, now & 3));
    story.equal("our exchange is refused: A again, but three changes later", Err((3, A)), refused);
}

/// What `Stack` and `MsQueue` rely on.
fn epochs(story: &mut Story) {
    story.say("Epochs: a node is unlinked and handed over to be freed, while another thread is pinned.");
    let collector = Collector::new();
    let (looking, taking) = (collector.register(), collector.register());
    static FREED: AtomicBool = AtomicBool::new(false);
    FREED.store(false, Relaxed);
    let look = looking.pin();
    let take = taking.pin();
    take.defer(|| FREED.store(true, Release));
    take.flush();
    drop(take);
    let advance = |times| {
        for _ in 0..times {
            taking.pin().flush(); // each moves the epoch on, if it may
        }
        FREED.load(Acquire)
    };
    story.equal("it is not freed as long as the other looks", false, advance(1_000));
    drop(look);
    story.equal("it is when the other has left", true, advance(1_000));
}

fn with_threads(story: &mut Story) {
    const THREADS: u32 = 4;
    const EACH: u32 = 5_000;
    let all: Vec<u32> = (0..THREADS * EACH).collect();
    let busy = |push: &(dyn Fn(u32) + Sync), pop: &(dyn Fn() -> Option<u32> + Sync)| {
        let mut popped: Vec<u32> = thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS)
                .map(|actor| {
                    scope.spawn(move || {
                        let values = actor * EACH..(actor + 1) * EACH;
                        values.filter_map(|value| (push(value), pop()).1).collect::<Vec<_>>()
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join()).flatten().collect()
        });
        popped.extend(std::iter::from_fn(pop));
        popped.sort_unstable();
        popped
    };
    let (stack, queue) = (Stack::new(), MsQueue::new());
    let from_stack = busy(&|value| stack.push(value), &|| stack.pop());
    story.equal(
        "the stack with epochs, four threads: each of 20,000 values comes out once",
        true,
        from_stack == all,
    );
    let from_queue = busy(&|value| queue.push(value), &|| queue.pop());
    story.equal("so it does from the queue of Michael and Scott", true, from_queue == all);
}
