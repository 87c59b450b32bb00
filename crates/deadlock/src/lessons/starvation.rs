//! Can a thread wait for ever though there is no deadlock?
//!
//! In a **deadlock** nobody in the circle goes on. In **starvation** all others do, and one never gets its turn: the lock
//! becomes free again and again, and each time somebody else takes it. Nothing is wrong with the wait-for graph, so no
//! detector reports it; what shows it is the *longest* wait, not the mean.
//!
//! Three forms. A read-write lock that lets readers in while there are readers: as long as each comes before the one before
//! has left, the **writer never gets in**. A scheduler with fixed priorities: as long as there is high work, the **low
//! priority never runs**. And an **unfair lock**, which whoever runs takes before the one who was woken for it.
//! The cures have one idea, that waiting counts for something: readers line up behind a waiting writer, a task ages, a lock
//! serves in the order of coming. Look at what the last one costs.
//!
//! Python's `threading.Lock` promises no order either; Python has no read-write lock.

mod read_write;

use std::{
    sync::{Barrier, Mutex, PoisonError},
    thread,
};

use lesson::{
    Bound, Lesson, Story,
    lanes::{self, Span},
    measure,
};

use crate::{
    fifo::FifoLock,
    scheduler::{self, Op, Protocol, Task},
};
use read_write::{ReadWrite, Rule};

pub(super) const LESSON: Lesson = Lesson {
    name: "starvation",
    question: "Can a thread wait for ever though there is no deadlock?",
    python: &["threading.Lock"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    writer(story);
    low_priority(story)?;
    in_line(story);
    price(story);
    Ok(())
}

/// Readers come, each before the one before has left, up to so many; a writer waits from the first on. Returns how many
/// came before it got in, and who was where: two lanes of readers, one of the writer.
fn overlapping_readers(rule: Rule, most: usize) -> (usize, Vec<Span>) {
    let lock = ReadWrite::new(rule);
    let came = Mutex::new(0);
    let count = || came.lock().unwrap_or_else(PoisonError::into_inner);
    let mut spans = Vec::new();
    let mut span = |lane, start, end, mark| spans.push(Span { lane, start, end, mark });
    let passed = thread::scope(|scope| {
        lock.try_read();
        let writer = scope.spawn(|| {
            let mut seen = 0;
            lock.write(|| seen = *count());
            seen
        });
        while lock.writers_waiting() == 0 {
            thread::yield_now();
        }
        // A reader came at `since`; each turn takes four units of time, of which two readers share two.
        let (mut since, mut lane) = (0, 0);
        for turn in 1..=most as u64 {
            if !lock.try_read() {
                break; // it would have to wait in line, behind the writer
            }
            *count() += 1;
            lock.end_read();
            span(lane, since, 4 * turn + 2, 'r');
            (since, lane) = (4 * turn, 1 - lane);
        }
        lock.end_read();
        span(lane, since, since + 6, 'r');
        span(2, 1, since + 6, 'w');
        span(2, since + 6, since + 9, 'W');
        writer.join().unwrap_or(usize::MAX)
    });
    (passed, spans)
}

fn writer(story: &mut Story) {
    const READERS: usize = 1_000;
    story.say(format!(
        "A writer waits while a reader is inside. {READERS} readers come, each before the one before has left; then no \
         more. The same with eight, to be drawn (r reads, w waits, W writes):"
    ));
    let names = ["readers", "readers", "writer"].map(str::to_owned);
    for (rule, title) in
        [(Rule::ReadersFirst, "Readers first:"), (Rule::BehindWriters, "Behind a writer that waits:")]
    {
        let (_, spans) = overlapping_readers(rule, 8);
        let end = spans.iter().map(|span| span.end).max().unwrap_or(1);
        let drawing = lanes::text(&names, &spans, end as usize);
        // Without its last line, a scale: these are turns, and no times.
        story.show(format!("{title}\n{}", drawing.lines().take(names.len()).collect::<Vec<_>>().join("\n")));
    }
    let (passed, _) = overlapping_readers(Rule::ReadersFirst, READERS);
    story.equal("readers first: all of them read before the writer, however many there are", READERS, passed);
    let (passed, _) = overlapping_readers(Rule::BehindWriters, READERS);
    story.equal("readers line up behind a writer that waits: it is the next", 0, passed);
}

fn low_priority(story: &mut Story) -> lesson::Result {
    story.say("One core, two tasks at a high priority, one at a low priority with 6 ticks of work:");
    let busy = |arrives| Task { name: "high", priority: 5, arrives, ops: vec![Op::Run(1); 60] };
    let low = Task { name: "low", priority: 1, arrives: 0, ops: vec![Op::Run(6)] };
    let tasks = [busy(0), busy(30), low];
    let names = ["high", "high", "low"].map(str::to_owned);
    for (protocol, name) in [(Protocol::Plain, "fixed"), (Protocol::Aging(2), "aging")] {
        let trace = scheduler::run(&tasks, protocol, 90);
        story.show(format!("{name} priorities:\n{}", lanes::text(&names, &trace.spans, 90)));
        let about = "Which of three tasks computes, tick by tick.";
        story.picture(name, || lanes::svg(name, about, &names, &trace.spans))?;
        match protocol {
            Protocol::Plain => {
                story.equal("as long as there is high work, the low task never runs", 0, ran(&trace))
            }
            _ => story.equal("if waiting raises a task, the low one is done meanwhile", 6, ran(&trace)),
        }
    }
    Ok(())
}

fn ran(trace: &scheduler::Trace) -> usize {
    trace.spans.iter().filter(|span| span.lane == 2 && span.mark == scheduler::RUNNING).count()
}

/// All wait in a known order while the lock is held; then it is given back.
fn in_line(story: &mut Story) {
    story.say("Five threads come one after the other to a lock that is held. In which order does a FIFO lock serve them?");
    let lock = FifoLock::default();
    let served = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let held = lock.lock();
        for thread in 0..5 {
            let (lock, served) = (&lock, &served);
            scope.spawn(move || {
                let _turn = lock.lock();
                served.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
            });
            while lock.waiting() <= thread {
                thread::yield_now();
            }
        }
        drop(held);
    });
    let served = served.into_inner().unwrap_or_else(PoisonError::into_inner);
    story.equal("in the order in which they came", vec![0, 1, 2, 3, 4], served);
}

fn price(story: &mut Story) {
    const THREADS: usize = 4;
    const TURNS: usize = 4_000;
    story.say(format!("The price: {THREADS} threads take {TURNS} very short turns each."));
    let unfair = Mutex::new(0_u64);
    let (fair, count) = (FifoLock::default(), Mutex::new(0_u64));
    let add_unfair = || *unfair.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    let add_fair = || {
        let _turn = fair.lock();
        *count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    };
    story.timed("in line costs many times as much as std's unfair Mutex", Bound::AtLeast(3.0), 2, || {
        let [slow, fast] = measure::in_turn(
            5,
            [&mut || crowd(THREADS, TURNS, &add_fair), &mut || crowd(THREADS, TURNS, &add_unfair)],
        );
        measure::ratio(&slow, &fast)
    });
    let before = *count.lock().unwrap_or_else(PoisonError::into_inner);
    crowd(THREADS, 100, &add_fair);
    let added = *count.lock().unwrap_or_else(PoisonError::into_inner) - before;
    story.equal("and it excludes: 4 threads with 100 turns each count to", 400, added);
    story.say("So take an unfair lock and hold it for a short time; a fair one where the longest wait matters more than the sum.");
}

/// Each of `threads` takes `turns`; all begin together.
fn crowd(threads: usize, turns: usize, turn: &(dyn Fn() + Sync)) {
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                (0..turns).for_each(|_| turn());
            });
        }
    });
}
