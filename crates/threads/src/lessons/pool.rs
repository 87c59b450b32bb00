//! What does a pool of threads do for me?
//!
//! A thread costs tens of microseconds to start, and a thousand of them are of no use on four cores. A *pool*
//! starts a few, keeps them, and hands them *tasks* from a queue. [`ThreadPool::submit`] returns at once with a
//! *future*: the receipt for a result that is on its way. Look at what each function below makes sure of:
//! results in order or as they come, cancelling before the start, a panic that stays with its task, threads
//! that are used again and burn nothing while idle, an orderly end, and the one trap: a task that waits for
//! another task of its own pool. The pool itself is in `src/pool`, to be read and copied.
//!
//! In Python: `concurrent.futures.ThreadPoolExecutor`, or the older `multiprocessing.pool.ThreadPool`.

use std::{
    panic::resume_unwind,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use lesson::{Bound, Lesson, Story};
use rustix::time::{ClockId, clock_gettime};

use crate::pool::{Ending, Future, PoolError, ThreadPool, Until, as_completed, wait};

/// The lesson.
pub(super) const LESSON: Lesson = Lesson {
    name: "pool",
    question: "What does a pool of threads do for me?",
    python: &[
        "concurrent.futures.ThreadPoolExecutor",
        "concurrent.futures.Future",
        "concurrent.futures.wait",
        "concurrent.futures.as_completed",
        "multiprocessing.pool.ThreadPool",
    ],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    results(story)?;
    cancelling(story)?;
    failing(story)?;
    threads(story)?;
    ending(story)?;
    waiting_for_oneself(story)
}

// ANCHOR: results
fn results(story: &mut Story) -> lesson::Result {
    story.say(
        "Tasks go in, futures come out: one by one, in the order of the input, or whichever is ready first.",
    );
    let pool = ThreadPool::new(2)?;
    story.equal("`submit` gives a future, and the future the result", 42, pool.submit(|| 6 * 7)?.result()?);

    // The input is endless, so this ends only because the pool reads no more than 4 ahead.
    let squares: Vec<u64> = pool.map(4, 0.., |x: u64| x * x).take(5).collect::<Result<_, _>>()?;
    story.equal("`map` keeps the order and reads its input only so far ahead", vec![0, 1, 4, 9, 16], squares);

    // Task 0 waits until task 1 has ended: its message is sent by who takes the results.
    let (send, received) = mpsc::channel();
    let futures = [pool.submit(move || received.recv().is_ok())?, pool.submit(|| true)?];
    let first = wait(&futures, None, Until::FirstCompleted);
    story.equal("`wait` returns with the first that ends, here the second submitted", vec![1], first.done);
    let mut order = Vec::new();
    for (index, result) in as_completed(futures) {
        result?;
        order.push(index);
        // Nobody listens any more when task 0 itself comes out.
        let _ = send.send(());
    }
    story.equal("`as_completed` yields them in the order of their ends", vec![1, 0], order);
    Ok(())
}
// ANCHOR_END: results

/// Occupies a thread of `pool` until the sender is dropped; returns after the task has begun.
fn occupy(pool: &ThreadPool) -> Result<(mpsc::Sender<()>, Future<()>), PoolError> {
    let (gate, closed) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let future = pool.submit(move || {
        let _ = begin.send(());
        let _ = closed.recv();
    })?;
    let _ = begun.recv();
    Ok((gate, future))
}

fn cancelling(story: &mut Story) -> lesson::Result {
    story.say("One thread, busy; a second task waits in the queue. Both are cancelled.");
    let pool = ThreadPool::new(1)?;
    let (gate, running) = occupy(&pool)?;
    let waiting = pool.submit(|| "ran after all")?;
    story.equal(
        "a task that waits can be cancelled, one that runs cannot",
        [true, false],
        [waiting.cancel(), running.cancel()],
    );
    drop(gate);
    running.result()?;
    story.equal("what was cancelled never runs", Err(PoolError::Cancelled), waiting.result());
    Ok(())
}

fn failing(story: &mut Story) -> lesson::Result {
    story.say("A task panics; then a thread's initializer fails.");
    let pool = ThreadPool::new(1)?;
    let before = pool.submit(|| thread::current().id())?.result()?;
    // As `panic!`, without the report on stderr.
    let panics = pool.submit(|| resume_unwind(Box::new("out of ideas")))?;
    let (told, heard) = mpsc::channel();
    panics.on_done(move |ending| told.send(ending).unwrap_or_default()); // heard below
    let error = PoolError::Panicked { message: "out of ideas".to_owned() };
    story.equal("a panic is the error of that future", Err::<(), _>(error), panics.result());
    story.equal("callbacks learn how it ended", Ok(Ending::Failed), heard.recv());
    let after = pool.submit(|| thread::current().id())?.result()?;
    story.equal("the thread lives on and does the next task", before, after);

    let broken = ThreadPool::builder(1).initializer(|| Err("no database".into())).build()?;
    let error = PoolError::Broken { why: "no database".to_owned() };
    let never = broken.submit(|| ())?.result();
    story.equal("a failing initializer breaks the pool, and every future says so", Err(error), never);
    Ok(())
}

fn threads(story: &mut Story) -> lesson::Result {
    story.say("A pool of eight gets 100 tasks one after the other, then eight that only end together.");
    let pool = ThreadPool::new(8)?;
    let asleep = |count| {
        // From its result to its sleep a worker takes a moment.
        while pool.idle_workers() < count {
            thread::yield_now();
        }
    };
    let at_first = pool.workers();
    for _ in 0..100 {
        pool.submit(|| ())?.result()?;
        asleep(1);
    }
    let one_by_one = pool.workers();
    let busy: Vec<_> = (0..8).map(|_| occupy(&pool)).collect::<Result<_, _>>()?;
    let claim =
        "threads start on demand and idle ones are used again: at first, after 100 tasks, with 8 at once";
    story.equal(claim, [0, 1, 8], [at_first, one_by_one, pool.workers()]);
    drop(busy);
    asleep(8);
    story.timed("eight idle workers burn no CPU (CPU time for each second)", Bound::AtMost(0.2), 1, || {
        let (start, cpu) = (Instant::now(), cpu_seconds());
        thread::sleep(Duration::from_millis(100));
        (cpu_seconds() - cpu) / start.elapsed().as_secs_f64()
    });
    Ok(())
}

/// CPU time of this process so far.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn ending(story: &mut Story) -> lesson::Result {
    story.say("A pool is shut down while one task runs and three wait.");
    let pool = ThreadPool::new(1)?;
    let (gate, running) = occupy(&pool)?;
    let waiting: Vec<_> = (0..3).map(|n| pool.submit(move || n)).collect::<Result<_, _>>()?;
    pool.shutdown(false, true);
    let ends: Vec<_> = waiting.iter().map(Future::ending).collect();
    story.equal(
        "with `cancel_pending` those that wait are cancelled",
        vec![Some(Ending::Cancelled); 3],
        ends,
    );
    story.equal("no more tasks are taken", Some(PoolError::ShutDown), pool.submit(|| ()).err());
    drop(gate);
    drop(pool);
    story.equal("dropping the pool waits for what runs, as the end of `with` does", true, running.is_done());
    Ok(())
}

fn waiting_for_oneself(story: &mut Story) -> lesson::Result {
    story.say(
        "The trap: a task submits another to its own pool and waits for it. All threads (here the one) wait, so what \
         they wait for never starts. Only the time limit ends it here.",
    );
    let pool = Arc::new(ThreadPool::new(1)?);
    let inner_after_outer = |inner_pool: &Arc<ThreadPool>| {
        let inner_pool = Arc::clone(inner_pool);
        pool.submit(move || inner_pool.submit(|| 1)?.result_timeout(Duration::from_millis(20)))?.result()?
    };
    story.equal(
        "waiting for a task of one's own full pool never ends",
        Err(PoolError::TimedOut),
        inner_after_outer(&pool),
    );

    let other = Arc::new(ThreadPool::new(1)?);
    let inner_pool = Arc::clone(&other);
    let outer = pool.submit(move || inner_pool.submit(|| 1)?.result())?;
    story.equal(
        "a pool of its own for the inner task cannot be full of those who wait",
        Ok(1),
        outer.result()?,
    );
    Ok(())
}
