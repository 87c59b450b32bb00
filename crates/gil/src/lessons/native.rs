//! What does a native call do to the other threads?
//!
//! Two things, and its author chooses. It may **let the lock go**: then it runs beside the interpreter, and two of them
//! run on two cores (`hashlib` for more than 2,047 bytes, `zlib`, `numpy` on large arrays, every blocking call). Or it
//! may **keep the lock**, because it touches Python's objects or because nobody thought of it: then no other thread runs
//! until it returns, however long that is. It has no checkpoint, so it does not even see that it was asked.
//!
//! Look at the order of events: who keeps the lock is asked and goes on; who lets it go is not asked at all.
//!
//! In C: `Py_BEGIN_ALLOW_THREADS`; here [`Held::blocking`].

use std::{
    hint::black_box,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use lesson::{Bound, Lesson, Story, measure};

use crate::{Event, Gil, Held, Timeline};

pub(super) const LESSON: Lesson = Lesson {
    name: "native",
    question: "What does a native call do to the other threads?",
    python: &["hashlib.sha256", "zlib.compress", "Py_BEGIN_ALLOW_THREADS"],
    run,
    scenes: &[],
};

/// Far more than it takes: only a broken lock gets there.
const AMPLE: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "Thread A is in a native call, and B wants the lock. First a call that keeps the lock: it goes on until B has \
         asked, and a little longer.",
    );
    // ANCHOR: both
    let kept = events(Duration::from_micros(100), |held, timeline| {
        until(timeline, 1, Event::Asks);
        black_box(kernel(100_000));
        held.checkpoint();
    });
    story.equal(
        "B asks, and gets the lock only when the call is over and A comes to a checkpoint",
        vec!["A takes", "B waits", "B asks", "A gives way", "B takes"],
        kept.iter().take(5).map(String::as_str).collect(),
    );
    story.say("Then a call that lets it go: it goes on until B has the lock.");
    // An interval that never passes: a busy machine may stop A for a while before its call.
    let let_go = events(AMPLE, |held, timeline| held.blocking(|| until(timeline, 1, Event::Takes)));
    // ANCHOR_END: both
    let asked = let_go.iter().filter(|event| *event == "B asks").count();
    story.equal("nobody has to ask", 0, asked);
    let place = |wanted: &str| let_go.iter().rposition(|event| event == wanted);
    story.equal("B gets the lock while A's call goes on", true, place("B takes") < place("A takes"));
    timed(story);
    Ok(())
}

/// What happens to a lock with such an interval when A, which holds it, makes the call `call` and B comes meanwhile.
fn events(interval: Duration, call: impl FnOnce(&mut Held<'_>, &Timeline) + Send) -> Vec<String> {
    let timeline = Arc::new(Timeline::default());
    let gil = Gil::new(interval).observed(Arc::clone(&timeline) as _);
    thread::scope(|scope| {
        let mut held = gil.attach();
        scope.spawn(|| drop(gil.attach()));
        call(&mut held, &timeline);
    });
    let name = |event| match event {
        Event::Waits => "waits",
        Event::Asks => "asks",
        Event::Takes => "takes",
        Event::GivesWay => "gives way",
        Event::Blocks => "lets go",
        Event::Detaches => "leaves",
    };
    timeline
        .seen()
        .iter()
        .map(|seen| format!("{} {}", ["A", "B"][seen.thread.min(1)], name(seen.event)))
        .collect()
}

/// Returns when `thread` has done `event`.
fn until(timeline: &Timeline, thread: usize, event: Event) {
    let begun = Instant::now();
    while !timeline.seen().iter().any(|seen| (seen.thread, seen.event) == (thread, event)) {
        assert!(begun.elapsed() < AMPLE, "thread {thread} never did {event:?}");
        thread::yield_now();
    }
}

/// Registers only: nothing that a lock could protect.
fn kernel(steps: u64) -> u64 {
    (0..steps).fold(1, |x, _| black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)))
}

fn timed(story: &mut Story) {
    story.timed_all(
        [
            ("two threads in calls that let the lock go: speed-up".into(), Bound::AtLeast(1.6)),
            ("two threads in calls that keep it: no speed-up".into(), Bound::AtMost(1.15)),
        ],
        2,
        speedups,
    );
}

/// Of two threads over one: in calls that let the lock go, and in calls that keep it.
pub(super) fn speedups() -> [f64; 2] {
    const STEPS: u64 = 10_000_000;
    let gil = &Gil::default();
    let threads = |many: u64, keeps: bool| {
        thread::scope(|scope| {
            for _ in 0..many {
                scope.spawn(move || {
                    let mut held = gil.attach();
                    let work = || {
                        black_box(kernel(STEPS / many));
                    };
                    if keeps { work() } else { held.blocking(work) }
                });
            }
        });
    };
    let [one, two_free, two_kept] =
        measure::in_turn(5, [&mut || threads(1, false), &mut || threads(2, false), &mut || threads(2, true)]);
    [measure::ratio(&one, &two_free), measure::ratio(&one, &two_kept)]
}
