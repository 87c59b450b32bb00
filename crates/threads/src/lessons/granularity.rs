//! How small may a piece be before threads cost more than they give?
//!
//! Two costs decide. **Once**: threads have to be started and joined, some 50 us for two of them, which a whole
//! job of 1 us never earns back. **Each piece**: it has to be handed out and its result taken in, from some
//! nanoseconds (a counter, a queue of one's own) to a microsecond and more (a message to a thread that sleeps).
//!
//! The lesson runs the same work, spread over 64 equal pieces, through every mechanism, for a microsecond of it
//! in all up to some milliseconds, and prints the curve. Where it crosses 1.0 differs from machine to machine and
//! from minute to minute, so only the ends are claims. Then it hands out pieces of no work, to see the cost of one.
//!
//! Rule of thumb: a job below a millisecond stays on one thread; a piece should cost twenty times its dispatch.
//!
//! In Python the same knob is `chunksize` of `Pool.map` and `Executor.map`; a piece costs 8 to 200 us there.

use std::hint::black_box;

use lesson::{
    Bound, Lesson, Story,
    measure::{self, Samples},
};
use serde::{Deserialize, Serialize};
use workload::{Empty, PieceError, Timeline, Workers, Workload, sequential};

use crate::mechanisms::mechanisms;

/// How small may a piece be before threads cost more than they give?
pub(super) const LESSON: Lesson = Lesson {
    name: "granularity",
    question: "How small may a piece be before threads cost more than they give?",
    python: &["chunksize of Executor.map", "chunksize of Pool.map"],
    run,
    scenes: &[],
};

const MECHANISMS: usize = 6;

fn run(story: &mut Story) -> lesson::Result {
    story.say("The same sum, cut ever finer, through every mechanism.");
    for pieces in [1, 10, 1_000] {
        let work = Busy { steps: 1_000, pieces };
        let expected = sequential(&work, &Timeline::off())?;
        let two = Workers::new(2)?;
        let same = mechanisms::<Busy>()
            .iter()
            .filter(|mechanism| {
                (mechanism.run)(&work, two, &Timeline::off()).is_ok_and(|sum| sum == expected)
            })
            .count();
        story.equal(format!("cut in {pieces}, all mechanisms give the same answer"), MECHANISMS, same);
    }
    let a_microsecond = if story.is_timed() { steps_a_microsecond() } else { 1 };
    if story.is_timed() {
        curve(story, a_microsecond);
        dispatch(story);
    }
    let names: [&str; MECHANISMS] = names()?;
    story.timed_all(
        names.map(|name| {
            (format!("1 us of work in all: {name} is slower than one thread"), Bound::AtLeast(5.0))
        }),
        1,
        || speedups(a_microsecond, 1, 9).map(|speedup| 1.0 / speedup),
    );
    story.timed_all(
        names.map(|name| {
            (format!("50 ms of work in all: {name} is faster than one thread"), Bound::AtLeast(1.5))
        }),
        2,
        || speedups(a_microsecond, 50_000, 5),
    );
    Ok(())
}

// ANCHOR: curve
/// Prints how much faster each mechanism is than one thread, over the size of the whole job.
fn curve(story: &mut Story, a_microsecond: u64) {
    let mut table = format!("{:>12}", "work in all");
    mechanisms::<Busy>().iter().for_each(|mechanism| table += &format!("{:>10}", mechanism.name));
    for (microseconds, label) in
        [(1, "1 us"), (10, "10 us"), (100, "100 us"), (1_000, "1 ms"), (5_000, "5 ms")]
    {
        table += &format!("\n{label:>12}");
        for speedup in speedups(a_microsecond, microseconds, 3) {
            table += &format!("{:>10}", format!("{speedup:.2}x"));
        }
    }
    story.say(
        "How many times as fast as one thread two of them are, in 64 equal pieces, starting them included:",
    );
    story.show(table);
}
// ANCHOR_END: curve

/// Prints what a piece of no work costs.
fn dispatch(story: &mut Story) {
    const PIECES: usize = 20_000;
    let empty = Empty { pieces: PIECES };
    let lines = mechanisms::<Empty>().into_iter().map(|mechanism| {
        let run = || measure::seconds(|| drop(black_box((mechanism.run)(&empty, two(), &Timeline::off()))));
        let seconds = (0..5).map(|_| run()).collect::<Samples>().median();
        format!("{:>10}  {:>5.0} ns", mechanism.name, 1e9 * seconds / PIECES as f64)
    });
    let lines: Vec<String> = lines.collect();
    story.say(format!("What a piece of no work costs, on 2 threads, {PIECES} of them, starts included:"));
    story.show(lines.join("\n"));
}

/// How many times as fast as one thread each mechanism is on 2: the median of `rounds` in turn.
fn speedups(a_microsecond: u64, microseconds: u64, rounds: usize) -> [f64; MECHANISMS] {
    let work = Busy { steps: a_microsecond * microseconds, pieces: 64 };
    let mechanisms = mechanisms::<Busy>();
    let mut alone = Samples::default();
    let mut times: [Samples; MECHANISMS] = Default::default();
    for _ in 0..rounds {
        alone.push(measure::seconds(|| drop(black_box(sequential(&work, &Timeline::off())))));
        for (mechanism, times) in mechanisms.iter().zip(&mut times) {
            let run = || drop(black_box((mechanism.run)(&work, two(), &Timeline::off())));
            times.push(measure::seconds(run));
        }
    }
    times.map(|times| measure::ratio(&alone, &times))
}

fn two() -> Workers {
    Workers::new(2).unwrap_or(Workers::ONE)
}

fn names() -> Result<[&'static str; MECHANISMS], String> {
    let names: Vec<&str> = mechanisms::<Busy>().iter().map(|mechanism| mechanism.name).collect();
    names.try_into().map_err(|names| format!("{MECHANISMS} mechanisms were expected: {names:?}"))
}

/// Steps of [`Busy`] that take a microsecond here and now.
fn steps_a_microsecond() -> u64 {
    let steps = 1_000_000;
    let run = || {
        black_box(busy(0, black_box(steps)));
    };
    let times = (0..5).map(|_| measure::seconds(run)).collect::<Samples>();
    ((steps as f64 / (1e6 * times.median())) as u64).max(1)
}

/// So many steps in all that depend on each other, in equal pieces: work for a core and nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Busy {
    steps: u64,
    pieces: u64,
}

impl Workload for Busy {
    const NAME: &'static str = "busy";
    type Piece = (u64, u64);
    type Part = u64;

    fn pieces(&self) -> Result<Vec<(u64, u64)>, PieceError> {
        let border = |piece| self.steps * piece / self.pieces;
        Ok((0..self.pieces).map(|piece| (piece, border(piece + 1) - border(piece))).collect())
    }

    fn run(&self, &(piece, steps): &(u64, u64)) -> Result<u64, PieceError> {
        Ok(busy(piece, steps))
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left = left.wrapping_add(right);
    }
}

/// Steps of a linear congruential generator, each waiting for the one before (constants: Knuth's MMIX).
fn busy(seed: u64, steps: u64) -> u64 {
    (0..steps).fold(seed, |x, _| {
        black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
}
