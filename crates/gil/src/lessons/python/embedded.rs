//! Rust threads in a Python that is loaded into this process; played in scenes, as it may take the process with it.

use std::{hint::black_box, thread, time::Duration};

use lesson::{Bound, Story, measure};

#[cfg(unix)]
use crate::cpython::embedded::Python;
use crate::cpython::{self, Interpreter};

const LIMIT: Duration = Duration::from_secs(30);

/// The newest one with a GIL and a library that can be loaded.
fn chosen() -> Option<&'static Interpreter> {
    let all = cpython::interpreters().iter();
    all.filter(|one| one.gil && one.library.is_some() && cfg!(unix)).max_by_key(|one| one.version)
}

pub(super) fn tell(story: &mut Story) -> lesson::Result {
    const SUM: &str = "two Rust threads run Python in one interpreter, inside this program's process";
    let Some(one) = chosen() else {
        story.skip(SUM, "the right sum", "no CPython here comes with a shared library");
        return Ok(());
    };
    story.say(format!("Python {} is loaded into a process of ours:", one.name()));
    let played = story.play("embedded", LIMIT)?;
    let ended = played.status.is_some_and(|status| status.success());
    story.claim(SUM, "sum 9900", format!("{} {}", played.stdout.trim(), played.stderr.trim()), {
        ended && played.stdout.trim() == "sum 9900"
    });
    let mut trouble = None;
    let play = story.player("embedded-times", LIMIT);
    let speedups = || -> Result<[f64; 3], String> {
        let played = play().map_err(|why| why.to_string())?;
        let figures: Vec<f64> = played.stdout.lines().flat_map(str::parse).collect();
        figures.try_into().map_err(|_| format!("the scene said {:?} {:?}", played.stdout, played.stderr))
    };
    story.timed_all(
        [
            ("a Python loop in two Rust threads: no speed-up".into(), Bound::AtMost(1.15)),
            ("a Rust kernel in two threads that keep Python's lock: none".into(), Bound::AtMost(1.15)),
            ("the same kernel with the lock let go: speed-up".into(), Bound::AtLeast(1.5)),
        ],
        2,
        || {
            speedups().unwrap_or_else(|why| {
                trouble = Some(why);
                [f64::NAN; 3]
            })
        },
    );
    match trouble {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

#[cfg(unix)]
const ADD: &str = "for number in range(100): total.append(number)";
/// Scene: each of two threads adds the numbers below 100 to one list.
#[cfg(unix)]
pub(super) fn answers() {
    let Some(one) = chosen() else { return };
    // SAFETY: a scene has only this thread, until it starts others.
    let python = unsafe { Python::start(one) }.expect("a library that can be loaded");
    python.attach().run("total = []").expect("no exception");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| python.attach().run(ADD).expect("no exception"));
        }
    });
    python.attach().run("print('sum', sum(total), flush=True)").expect("no exception");
}

/// Scene: prints three speed-ups of two threads over one.
#[cfg(unix)]
pub(super) fn times() {
    let Some(one) = chosen() else { return };
    // SAFETY: a scene has only this thread, until it starts others.
    let python = unsafe { Python::start(one) }.expect("a library that can be loaded");
    let python = &python;
    let threads = |many: u64, body: &(dyn Fn(u64) + Sync)| {
        thread::scope(|scope| {
            for _ in 0..many {
                scope.spawn(move || body(many));
            }
        });
    };
    // ANCHOR: three
    let python_loop = |share: u64| {
        // A function, so that each thread has variables of its own.
        let code = format!(
            "def loop():\n x = 0\n for i in range({}): x = (x + i) & 0xFFFF\nloop()",
            600_000 / share
        );
        python.attach().run(&code).expect("no exception");
    };
    let keeps = |share: u64| {
        let _held = python.attach();
        kernel(20_000_000 / share);
    };
    let lets_go = |share: u64| python.attach().without_gil(|| kernel(20_000_000 / share));
    // ANCHOR_END: three
    for body in [&python_loop as &(dyn Fn(u64) + Sync), &keeps, &lets_go] {
        let [one, two] = measure::in_turn(5, [&mut || threads(1, body), &mut || threads(2, body)]);
        println!("{:.3}", measure::ratio(&one, &two));
    }
}

/// Registers only: it touches no object of Python's.
#[cfg(unix)]
fn kernel(steps: u64) {
    black_box(
        (0..steps).fold(1_u64, |x, _| black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))),
    );
}

#[cfg(not(unix))]
pub(super) fn answers() {}
#[cfg(not(unix))]
pub(super) fn times() {}
