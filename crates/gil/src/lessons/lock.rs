//! What is the GIL, and who holds it when?
//!
//! A lock around the whole interpreter: only its holder runs bytecode. To be shared at all it must be dropped now and
//! then, and there are two ways.
//!
//! - **Unasked**: before anything that may block (read, sleep, wait for a lock), and taken again afterwards.
//! - **Asked**: a waiter waits for one *switch interval* (5 ms, `sys.setswitchinterval`). If the lock has not changed
//!   hands meanwhile it sets the *drop request*. The holder looks at that only at its **checkpoints**: the end of a
//!   loop, the beginning of a function, after a call.
//!
//! So the interval is not a time slice. Nobody takes the lock *off* a holder: it is asked for, and given at the next
//! checkpoint. A holder in a long native call has none, and the others wait for as long as that takes.
//!
//! Whoever was asked then waits until another has really taken the lock: **forced switching**. Without it the holder
//! that drops the lock takes it again long before the waiter is awake. The lesson looks for that in all schedules.
//!
//! Look at the lanes: `?` is the time between asking and getting, and it ends at a checkpoint of the other thread.

use std::{hint::black_box, sync::Arc, thread, time::Duration};

use lesson::{
    Lesson, Story, lanes,
    search::{broken, fixed},
};
use model::schedule::{Bounds, Condvar, Mutex, Program};

use crate::{Event, Gil, Timeline, timeline::Seen};

pub(super) const LESSON: Lesson = Lesson {
    name: "lock",
    question: "What is the GIL, and who holds it when?",
    python: &["sys.setswitchinterval", "sys.getswitchinterval", "PyGILState_Ensure", "PyEval_SaveThread"],
    run,
    scenes: &[],
};

const INTERVAL: Duration = Duration::from_millis(1);

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "Threads 0 and 1 only compute, with a checkpoint now and then. Thread 2 computes a little and sleeps, five \
         times. The switch interval is 1 ms. (# holds the lock, - waits, ? waits and has asked, v was asked and \
         waits until another has taken it, ~ blocks and needs no lock.)",
    );
    let timeline = three_threads();
    let (seen, spans) = (timeline.seen(), timeline.spans());
    let names: Vec<String> = (0..3).map(|thread| format!("thread {thread}")).collect();
    story.show(lanes::text(&names, &spans, 82));
    let about = "Three lanes; one thread at a time holds the lock, the others wait, ask, or block.";
    story.picture("lanes", || lanes::svg("Who holds the GIL when", about, &names, &spans))?;
    check(story, &seen);
    long_stretch(story);
    story.say(
        "And why forced switching? The holder drops the lock, wakes the waiter, and goes on to its next bytecode, \
         for which it needs the lock. Of all schedules, the smallest in which the waiter is passed over:",
    );
    let bounds = Bounds::all();
    broken(
        story,
        "passed-over",
        "without forced switching a waiter is passed over",
        0,
        &bounds,
        hand_over(false),
    )?;
    fixed(story, "with forced switching it never is", &bounds, hand_over(true));
    Ok(())
}

/// Two that compute, one that computes and sleeps.
fn three_threads() -> Arc<Timeline> {
    let timeline = Arc::new(Timeline::default());
    let gil = Gil::new(INTERVAL).observed(timeline.clone());
    // Held until all three are there, so that they are numbered as they are started.
    let mut first = gil.attach();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut held = gil.attach();
            compute(150, || held.checkpoint());
        });
        while gil.waiting() < 1 {
            thread::yield_now();
        }
        scope.spawn(|| {
            let mut held = gil.attach();
            for _ in 0..5 {
                compute(5, || held.checkpoint());
                held.blocking(|| thread::sleep(Duration::from_millis(1)));
            }
        });
        while gil.waiting() < 2 {
            thread::yield_now();
        }
        compute(150, || first.checkpoint());
        drop(first);
    });
    timeline
}

/// So many pieces of work, each followed by a checkpoint.
fn compute(pieces: usize, mut checkpoint: impl FnMut() -> bool) {
    for _ in 0..pieces {
        black_box((0..50_000_u64).fold(1, |x: u64, y| black_box(x.wrapping_mul(3).wrapping_add(y))));
        checkpoint();
    }
}

/// What the events say about the protocol.
fn check(story: &mut Story, seen: &[Seen]) {
    let count = |event| seen.iter().filter(|seen| seen.event == event).count();
    let (mut holder, mut asked, mut given) = (None, false, None);
    let (mut two, mut unasked, mut passed_over) = (0, 0, 0);
    let (mut since, mut early) = ([0; 3], 0);
    for Seen { at, thread, event } in seen {
        match event {
            Event::Waits => since[*thread] = *at,
            Event::Asks => {
                early += usize::from(u128::from(at - since[*thread]) < INTERVAL.as_nanos());
                asked = true;
            }
            Event::Takes => {
                two += usize::from(holder.replace(thread).is_some());
                passed_over += usize::from(given.take() == Some(thread));
                asked = false;
            }
            Event::GivesWay | Event::Blocks | Event::Detaches => {
                unasked += usize::from(*event == Event::GivesWay && !asked);
                given = (*event == Event::GivesWay).then_some(thread);
                holder = None;
            }
        }
    }
    story.equal("never do two threads hold it", 0, two);
    let text = format!("a thread that computes gives way only when asked ({} times)", count(Event::GivesWay));
    story.equal(text, 0, unasked);
    story.equal("nobody asks before it has waited for an interval", 0, early);
    story.equal("whoever gave way does not hold it again before another has had it", 0, passed_over);
    story.equal("thread 2 drops it five times without being asked: it sleeps", 5, count(Event::Blocks));
}

/// A holder without a checkpoint goes on for as long as it likes.
fn long_stretch(story: &mut Story) {
    let timeline = Arc::new(Timeline::default());
    let gil = Gil::new(INTERVAL).observed(timeline.clone());
    let has_asked = || timeline.seen().iter().any(|seen| seen.event == Event::Asks);
    let mut held = gil.attach();
    let (before, after) = thread::scope(|scope| {
        scope.spawn(|| drop(gil.attach()));
        while !has_asked() {
            thread::yield_now();
        }
        compute(50, || false);
        let before = gil.switch_number();
        held.checkpoint();
        (before, gil.switch_number())
    });
    story.say("Now a holder without checkpoints: it is asked, goes on with its work, and then comes to one.");
    story.equal("until its checkpoint nothing has changed, asked or not", 1, before);
    story.equal("there the lock goes to the waiter, and comes back", 3, after);
}

/// The protocol with a single request, on types whose every schedule can be tried.
fn hand_over(forced: bool) -> impl Fn(&mut Program) {
    /// Who holds the lock, if anybody, and how often the waiter has had it.
    #[derive(Clone, Copy, Debug, PartialEq)]
    struct State {
        locked: bool,
        switches: usize,
    }
    move |program| {
        let state = Mutex::new("gil", State { locked: true, switches: 0 });
        let (freed, taken) = (Condvar::new("freed"), Condvar::new("taken"));
        let (theirs, their_freed, their_taken) = (state.clone(), freed.clone(), taken.clone());
        program.thread("holder", move || {
            let mut gil = state.lock();
            gil.locked = false;
            freed.notify_one();
            if forced {
                gil = taken.wait_while(gil, |gil| gil.switches == 0);
            } else {
                drop(gil);
                gil = state.lock();
            }
            gil = freed.wait_while(gil, |gil| gil.locked);
            assert!(gil.switches == 1, "it holds the lock again, the waiter was passed over");
        });
        program.thread("waiter", move || {
            let mut gil = their_freed.wait_while(theirs.lock(), |gil| gil.locked);
            gil.locked = true;
            gil.switches += 1;
            their_taken.notify_one();
            drop(gil);
            theirs.lock().locked = false;
            their_freed.notify_one();
        });
    }
}
