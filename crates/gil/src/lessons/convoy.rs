//! Why does one busy thread ruin an echo server?
//!
//! A server that echoes needs the interpreter for a few microseconds a request. But its `recv` lets the lock go, and
//! when it returns the lock is with the CPU-bound thread. To get it back the server must wait a whole **switch
//! interval** before it may even ask: 5 ms, for work of 50 us. It then does its bit of work, calls `send`, and the lock
//! is gone again. Every short errand queues behind a long one: a **convoy**.
//!
//! Look at the median: it is the interval. A shorter interval helps the server (and costs the others more switches); a
//! second CPU-bound thread makes it wait two intervals or more, for there is no queue and no priority: any waiter may
//! be the next. Nothing of it is about cores, so the baseline has a busy core, too.
//!
//! Forced switching is what keeps this from being worse. A holder that was asked drops the lock and waits until another
//! has taken it. Without that it would take the lock again at once, long before the one it has woken is on its feet.
//!
//! In Python: `sys.setswitchinterval`, bpo-7946; Beazley, "Understanding the Python GIL", PyCon 2010.

mod echo;

use std::{sync::Arc, time::Duration};

use lesson::{Bound, Lesson, Story, lanes};

use crate::{Gil, INTERVAL, Timeline, timeline::mark};

pub(super) use echo::{Seen, Setup};

pub(super) const LESSON: Lesson = Lesson {
    name: "convoy",
    question: "Why does one busy thread ruin an echo server?",
    python: &["sys.setswitchinterval", "sys.getswitchinterval"],
    run,
    scenes: &[],
};

const fn millis(many: u64) -> Duration {
    Duration::from_millis(many)
}

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "A server echoes 64 bytes, for a client that is not under the lock and asks again 7 ms after each answer. \
         Beside the server CPU-bound threads run, with a checkpoint at the end of each turn of their loop.",
    );
    let mut wrong = 0;
    for setup in [Setup::without_gil(1), Setup::with_gil(Duration::from_micros(50), 2)] {
        wrong += setup.measure(Duration::ZERO, 8)?.wrong;
    }
    story.equal("with a lock or without one, each answer is what was asked", 0, wrong);
    lanes(story)?;
    judge(story);
    if story.is_timed() {
        table(story)?;
    }
    Ok(())
}

/// Who had the lock when, for a few requests.
fn lanes(story: &mut Story) -> lesson::Result {
    let timeline = Arc::new(Timeline::default());
    let gil = Gil::new(INTERVAL).observed(Arc::clone(&timeline) as _);
    Setup { gil: Some(gil), busy: 1 }.measure(Duration::ZERO, 4)?;
    let spans = timeline.spans();
    // Only the server makes calls that block; who of the two came first is not known.
    let name = |lane| {
        let serves = spans.iter().any(|span| span.lane == lane && span.mark == mark::BLOCKS);
        if serves { "server" } else { "busy thread" }.to_owned()
    };
    let names = [name(0), name(1)];
    story.say(
        "Four requests (# holds the lock, - waits for it, ? has asked, ~ in recv or send without the lock):",
    );
    story.show(lanes::text(&names, &spans, 72));
    story.picture("lanes", || {
        let about = "The server waits for one switch interval, asks, has the lock for some microseconds, and waits again; \
                     all the rest of the time the busy thread has it.";
        lanes::svg("An echo server beside a busy thread", about, &names, &spans)
    })?;
    Ok(())
}

fn judge(story: &mut Story) {
    let mut failed = None;
    story.timed_all(
        [
            (
                "with a CPU-bound thread under the same lock a request takes many times as long as with one on a core of \
                 its own"
                    .into(),
                Bound::AtLeast(10.0),
            ),
            ("with an interval of 0.5 ms in place of 5 ms it is quicker".into(), Bound::AtLeast(3.0)),
        ],
        2,
        || {
            let mut median = |setup: Setup| match setup.measure(millis(100), 5) {
                Ok(seen) => seen.trips.median(),
                Err(why) => {
                    failed = Some(why);
                    f64::NAN
                }
            };
            let free = median(Setup::without_gil(1));
            let long = median(Setup::with_gil(INTERVAL, 1));
            let short = median(Setup::with_gil(INTERVAL / 10, 1));
            [long / free, long / short]
        },
    );
    if let Some(why) = failed {
        story.claim("the server answers", "every request", why.to_string(), false);
    }
}

fn table(story: &mut Story) -> lesson::Result {
    let interval = |interval, busy| Setup::with_gil(interval, busy);
    let unforced = || Setup { gil: Some(Gil::new(INTERVAL).forced_switching(false)), busy: 1 };
    let rows = [
        ("no lock, nobody beside it", Setup::without_gil(0)),
        ("no lock, 1 busy thread", Setup::without_gil(1)),
        ("5 ms, 1 busy thread", interval(INTERVAL, 1)),
        ("5 ms, 2 busy threads", interval(INTERVAL, 2)),
        ("0.5 ms, 1 busy thread", interval(INTERVAL / 10, 1)),
        ("0.05 ms, 1 busy thread", interval(INTERVAL / 100, 1)),
        ("5 ms, 1, not forced to switch", unforced()),
    ];
    let mut lines = vec![format!("{:30} {:>10} {:>10} {:>10}", "", "requests/s", "p50 us", "p99 us")];
    for (name, setup) in rows {
        let Seen { rate, trips, .. } = setup.measure(millis(80), 1)?;
        lines.push(format!("{name:30} {rate:>10.0} {:>10.0} {:>10.0}", trips.median(), trips.quantile(0.99)));
    }
    story.show(lines.join("\n"));
    Ok(())
}
