//! How do threads hand over work, and know when all of it is done?
//!
//! A queue with a lock inside is the oldest answer. It decides what a thread does that finds it full or empty (wait,
//! wait for a while, or go away with its item), in which order items come out, and how it all ends. `task_done` and
//! `join` count what is *done*, which is more than what was taken. `shutdown` ends it from any side: gracefully, and
//! what is queued is still worked on; immediately, and it is dropped.
//!
//! What goes wrong without it: to look and to act are two steps. `if !queue.is_empty() { queue.get() }` with two
//! consumers and one item: both look, one gets, the other one waits for ever.
//!
//! How it is made is in `src/queue/blocking.rs`: one lock, and a condition variable for each thing that somebody may
//! wait for. With a single one for both sides `notify_one` wakes the wrong one, and all sleep: `tests/queue_model`
//! finds that schedule, and six other mistakes. In Python: the module `queue`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use lesson::{Lesson, Story};

use crate::{GetError, LifoQueue, PriorityQueue, PutError, Queue, Shutdown};

pub(super) const LESSON: Lesson = Lesson {
    name: "queue",
    question: "How do threads hand over work, and know when all of it is done?",
    python: &[
        "queue.Queue",
        "queue.LifoQueue",
        "queue.PriorityQueue",
        "queue.Full",
        "queue.Empty",
        "queue.ShutDown",
    ],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    order(story)?;
    full_and_empty(story)?;
    look_and_act(story)?;
    done(story)?;
    shutdown(story)
}

fn order(story: &mut Story) -> lesson::Result {
    story.say("3, 1, 2 are put into each kind of queue.");
    let (fifo, lifo, smallest) = (Queue::unbounded(), LifoQueue::unbounded(), PriorityQueue::unbounded());
    for number in [3, 1, 2] {
        fifo.put(number)?;
        lifo.put(number)?;
        smallest.put(number)?;
    }
    let drain =
        |get: &dyn Fn() -> Result<i32, GetError>| std::iter::from_fn(|| get().ok()).collect::<Vec<_>>();
    story.equal("Queue: the oldest first", vec![3, 1, 2], drain(&|| fifo.try_get()));
    story.equal("LifoQueue: the youngest first", vec![2, 1, 3], drain(&|| lifo.try_get()));
    story.equal("PriorityQueue: the smallest first", vec![1, 2, 3], drain(&|| smallest.try_get()));
    Ok(())
}

fn full_and_empty(story: &mut Story) -> lesson::Result {
    let queue = Queue::bounded(1);
    let moment = Duration::from_millis(5);
    story.equal("an empty queue, asked for 5 ms", Err(GetError::Empty), queue.get_timeout(moment));
    queue.put("a letter".to_owned())?;
    let refused = queue.put_timeout("another one".to_owned(), moment);
    story.equal(
        "a full one gives back what it does not take",
        Err("another one".to_owned()),
        refused.map_err(PutError::into_item),
    );

    story.say("A fast producer and a slow consumer, with a queue for 4 between them.");
    let queue = Queue::bounded(4);
    let longest = thread::scope(|scope| {
        let producer = scope.spawn(|| (0..1_000).try_for_each(|number| queue.put(number)));
        let longest = (0..1_000).map(|_| (queue.len(), queue.get()).0).max();
        producer.join().map(|all| (all, longest))
    });
    let Ok((all, Some(longest))) = longest else { return Err("the producer panicked".into()) };
    story.equal("the producer waits whenever it is full, and everything arrives", Ok(()), all);
    story.claim("it never holds more", "at most 4", longest.to_string(), longest <= 4);
    Ok(())
}

// ANCHOR: look_and_act
fn look_and_act(story: &mut Story) -> lesson::Result {
    story.say("Two consumers look whether there is something, then get it. There is one item, and both have looked before either gets.");
    let consumers = |consume: &(dyn Fn() -> Result<&'static str, GetError> + Sync)| {
        let got =
            thread::scope(|scope| [(); 2].map(|()| scope.spawn(consume)).map(|consumer| consumer.join()));
        let mut got = got.map(|got| got.unwrap_or(Err(GetError::ShutDown)));
        got.sort_by_key(Result::is_err);
        got
    };
    let (queue, met) = (Queue::unbounded(), Barrier::new(2));
    queue.put("the only one")?;
    let got = consumers(&|| {
        let something_is_there = !queue.is_empty();
        met.wait();
        // Not `get`: that would wait for ever.
        if something_is_there {
            queue.get_timeout(Duration::from_millis(20))
        } else {
            Err(GetError::ShutDown)
        }
    });
    let one_of_two = [Ok("the only one"), Err(GetError::Empty)];
    story.equal("both have seen it, and one of them waits in vain", one_of_two, got);
    queue.put("the only one")?;
    let got = consumers(&|| {
        met.wait();
        queue.try_get()
    });
    story.equal("try_get looks and acts under one lock: the other one goes on at once", one_of_two, got);
    Ok(())
}
// ANCHOR_END: look_and_act

/// Reports a task done when it goes out of scope: also in a panic.
struct Reports<'a>(&'a Queue<u32>);

impl Drop for Reports<'_> {
    fn drop(&mut self) {
        // It fails only if somebody has reported this task already.
        let _ = self.0.task_done();
    }
}

fn done(story: &mut Story) -> lesson::Result {
    story.say("Two workers have 100 tasks; every tenth panics. The caller waits until all are done with.");
    let (queue, worked) = (Queue::unbounded(), AtomicUsize::new(0));
    let after_join = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Ok(task) = queue.get() {
                    let _reports = Reports(&queue);
                    // `resume_unwind`: a panic without a message on the terminal.
                    let _ = catch_unwind(AssertUnwindSafe(|| match task % 10 {
                        0 => std::panic::resume_unwind(Box::new("every tenth")),
                        _ => worked.fetch_add(1, Relaxed),
                    }));
                }
            });
        }
        let put = (0..100).try_for_each(|task| queue.put(task));
        queue.join();
        let after_join = worked.load(Relaxed);
        queue.shutdown(Shutdown::Graceful);
        put.map(|()| after_join)
    });
    story.equal("join returns when the last is done, not when it is taken", Ok(90), after_join);
    story.equal("a report too many is an error", true, queue.task_done().is_err());
    Ok(())
}

fn shutdown(story: &mut Story) -> lesson::Result {
    story.say("Three items are queued; then the queue is shut down.");
    for (how, left) in [(Shutdown::Graceful, 3), (Shutdown::Immediate, 0)] {
        let queue = Queue::bounded(3);
        (1..=3).try_for_each(|number| queue.put(number))?;
        let (refused, got) = thread::scope(|scope| {
            // It waits for room that never comes, or comes too late: in both cases it is told.
            let putter = scope.spawn(|| queue.put(4));
            queue.shutdown(how);
            let refused = putter.join();
            (refused, std::iter::from_fn(|| queue.get().ok()).count())
        });
        story.equal(
            format!("{how:?}: who wants to put gets the item back, and {left} are still got"),
            (Some(Err(4)), left),
            (refused.ok().map(|refused| refused.map_err(PutError::into_item)), got),
        );
    }
    Ok(())
}
