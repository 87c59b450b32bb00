//! Do threads make work that only computes faster?
//!
//! Under one GIL they cannot: one thread runs at a time, whatever the cores. They even lose a little, by the
//! switches. That is the question most often asked about Python's threads, and here is the same program under each
//! regime that Python knows by now:
//!
//! - **one GIL**: `threading`;
//! - **a GIL each**: sub-interpreters (`InterpreterPoolExecutor`, 3.14), which share nothing and send messages;
//! - **no GIL**: free-threaded builds (3.13t), whose objects have locks and counts of their own;
//! - **processes**: `ProcessPoolExecutor`, which share nothing either and cost the most to start.
//!
//! The work is the same in every cell of the table: so many rounds of a loop that calls a function, shared out over
//! the threads. Look at the row of one GIL: the second thread adds nothing, nor do two more.

use std::{cell::RefCell, env, io, path::Path, process::Command};

use lesson::{Bound, Lesson, Story, measure};

use crate::{
    interpreter::Program,
    regime::{self, Counting, Plan, Regime},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "cpu",
    question: "Do threads make work that only computes faster?",
    python: &["ThreadPoolExecutor", "InterpreterPoolExecutor", "ProcessPoolExecutor", "sys._is_gil_enabled"],
    run,
    scenes: &[("worker", worker)],
};

/// Calls a function `rounds` times and returns how often it did.
pub(super) const PROGRAM: &str = "
    def main rounds
        push 0
        store i
    again:
        load i
        load rounds
        less
        unless done
        load i
        call next
        store i
        jump again
    done:
        load i
        return

    def next x
        load x
        push 1
        add
        return
";

pub(super) const REGIMES: [Regime; 4] =
    [Regime::OneGil, Regime::GilEach, Regime::NoGil(Counting::Biased), Regime::Processes(worker_process)];

const THREADS: [usize; 3] = [1, 2, 4];
const ROUNDS: usize = 5;

fn run(story: &mut Story) -> lesson::Result {
    let program = Program::assemble(PROGRAM, &[])?;
    story.say("The same number of rounds on 1, 2 and 4 threads, under each regime. First the answers:");
    for regime in &REGIMES {
        let sums = THREADS.map(|threads| rounds(regime, &program, threads, 10_000).map(|(sum, _)| sum));
        let sums: Vec<i64> = sums.into_iter().collect::<Result<_, _>>()?;
        story.equal(format!("{}: all rounds are done", regime.name()), vec![10_000; 3], sums);
    }
    // The table of the last measurement, for people.
    let table = RefCell::new(String::new());
    let claim = |text: &str, bound| (text.to_owned(), bound);
    let trouble = RefCell::new(None);
    story.timed_all(
        [
            claim("under one GIL 2 threads gain nothing", Bound::AtMost(1.15)),
            claim("nor do 4", Bound::AtMost(1.15)),
            claim("with a GIL each 2 threads are faster than one", Bound::AtLeast(1.5)),
            claim("so they are without a GIL", Bound::AtLeast(1.5)),
            claim("so are 2 processes, though they have to be started first", Bound::AtLeast(1.3)),
        ],
        2,
        || match measured(&program) {
            Ok(gains) => {
                *table.borrow_mut() = drawn(&gains);
                [gains[0][0], gains[0][1], gains[1][0], gains[2][0], gains[3][0]]
            }
            Err(why) => {
                *trouble.borrow_mut() = Some(why);
                [f64::NAN; 5]
            }
        },
    );
    if let Some(why) = trouble.into_inner() {
        return Err(why.into());
    }
    let table = table.into_inner();
    if !table.is_empty() {
        story.say("How many times as fast as on one thread of the same regime:");
        story.show(table);
    }
    Ok(())
}

/// The sum of what all threads have done of `rounds`, and the seconds it took.
fn rounds(
    regime: &Regime,
    program: &Program,
    threads: usize,
    rounds: i64,
) -> Result<(i64, f64), regime::Error> {
    let outcome = regime::run(regime, program, &Plan::threads(threads).argument(rounds / threads as i64))?;
    Ok((outcome.results.iter().sum(), outcome.seconds))
}

/// For each regime, how many times as fast 2 and 4 threads are as one: medians of interleaved rounds.
fn measured(program: &Program) -> Result<[[f64; 2]; 4], regime::Error> {
    const WORK: i64 = 1_200_000;
    let mut seconds: [[measure::Samples; 3]; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (regime, seconds) in REGIMES.iter().zip(&mut seconds) {
            for (threads, seconds) in THREADS.iter().zip(seconds) {
                seconds.push(rounds(regime, program, *threads, WORK)?.1);
            }
        }
    }
    Ok(seconds.map(|[one, two, four]| [measure::ratio(&one, &two), measure::ratio(&one, &four)]))
}

fn drawn(gains: &[[f64; 2]; 4]) -> String {
    let mut table = format!("{:24}{:>12}{:>12}\n", "", "2 threads", "4 threads");
    for (regime, [two, four]) in REGIMES.iter().zip(gains) {
        table.push_str(&format!("{:24}{two:>11.2}x{four:>11.2}x\n", regime.name()));
    }
    table
}

/// This program again, as a worker.
fn worker_process() -> io::Result<Command> {
    // On Linux a name that stays right when the file is replaced by a newer build meanwhile.
    let own = Path::new("/proc/self/exe");
    let mut command = Command::new(if own.exists() { own.to_owned() } else { env::current_exe()? });
    command.args(["--scene", "cpu/worker"]);
    Ok(command)
}

fn worker() {
    if let Err(why) = regime::serve(&[]) {
        eprintln!("worker: {why}");
        std::process::exit(1);
    }
}
