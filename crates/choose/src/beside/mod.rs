//! `choose python`: the same work in Python, with the same answers, and what would be chosen there.
//!
//! Four of the five workloads (`images` would need a library that not every Python has), each through `threading`,
//! `multiprocessing.Pool`, both executors of `concurrent.futures` and `asyncio`, beside the plain loop; and one Rust
//! mechanism, `dynamic`, for scale. The sizes are small, as Python takes some thirty times as long. Every answer is
//! compared with Rust's.

mod inputs;

use std::{io, process::ExitCode, time::Duration};

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use self::inputs::{Expected, Inputs};
use crate::show;

/// What `choose python` is told.
#[derive(Args, Clone, Debug)]
pub struct PythonArgs {
    /// One JSON object a line, and nothing else on stdout
    #[arg(long)]
    pub json: bool,
    /// As little work as possible: for tests
    #[arg(long, hide = true)]
    pub tiny: bool,
    /// The interpreter
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    pub interpreter: String,
}

/// It never takes so long, unless something hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// One way in Python, as the script tells it.
#[derive(Debug, Deserialize)]
struct Ran {
    workload: String,
    way: String,
    workers: usize,
    seconds: f64,
    answer: Value,
}

/// All of it. 0 when all answers are Rust's, or there is no Python; 1 when one differs or something fails.
pub fn run(args: &PythonArgs) -> ExitCode {
    match compare(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(args: &PythonArgs) -> Result<bool, Box<dyn std::error::Error>> {
    // Asked first, so that a machine without Python does not wait for Rust's answers.
    if let Err(why) =
        lesson::python_at(&args.interpreter, "import concurrent.futures, multiprocessing", LIMIT)
    {
        match args.json {
            true => println!("{}", json!({ "python": { "skipped": why } })),
            false => println!("Python is left out: {why}"),
        }
        return Ok(true);
    }
    let inputs = Inputs::new(args.tiny)?;
    let expected = inputs.expected()?;
    let prelude = format!("CONFIG = {}", json!(inputs.config().to_string()));
    let code = format!("{prelude}\n{}", include_str!("work.py"));
    let played = lesson::python_at(&args.interpreter, &code, LIMIT)?;
    let ran = played.stdout.lines().map(serde_json::from_str).collect::<Result<Vec<Ran>, _>>()?;
    let mut right = !ran.is_empty();
    for one in &expected {
        let ways: Vec<&Ran> = ran.iter().filter(|ran| ran.workload == one.workload).collect();
        right &= tell(args, one, &ways)?;
    }
    Ok(right)
}

/// One workload. Whether all answers are Rust's.
fn tell(args: &PythonArgs, expected: &Expected, ways: &[&Ran]) -> io::Result<bool> {
    let same = |ran: &Ran| expected.agrees(&ran.answer);
    let right = ways.len() == 6 && ways.iter().all(|ran| same(ran));
    let alone = ways.iter().find(|ran| ran.way == "sequential").map_or(f64::NAN, |ran| ran.seconds);
    let best = ways.iter().copied().min_by(|a, b| a.seconds.total_cmp(&b.seconds));
    if args.json {
        for ran in ways {
            let Ran { workload, way, workers, seconds, answer } = ran;
            println!(
                "{}",
                json!({ "python": {
                    "workload": workload, "way": way, "workers": workers, "seconds": seconds,
                    "speedup": alone / seconds, "equal": same(ran), "answer": answer,
                    "rust_s": expected.seconds,
                }})
            );
        }
        return Ok(right);
    }
    println!("{}", expected.workload);
    for ran in ways {
        let wrong = if same(ran) { "" } else { "  WRONG ANSWER" };
        let (seconds, speedup) = (show::seconds(ran.seconds), alone / ran.seconds);
        println!("  {:<21} x {:<3} {seconds:>9}  {speedup:>5.2}{wrong}", ran.way, ran.workers);
    }
    let rust = show::seconds(expected.seconds);
    println!(
        "  {:<21} x {:<3} {rust:>9}  {:>5.0}",
        "Rust: dynamic",
        expected.workers,
        alone / expected.seconds
    );
    if let Some(best) = best {
        println!("{}\n", why(expected, best, alone));
    }
    Ok(right)
}

/// What one would take in Python, and the reason that was seen.
fn why(expected: &Expected, best: &Ran, alone: f64) -> String {
    let gain = alone / best.seconds;
    let reason = if expected.waits {
        "it waits, and whoever waits lets the interpreter lock (GIL) go; threads, coroutines and processes all do"
    } else {
        "it computes in Python itself, where one interpreter lock (GIL) lets one thread at a time go on, and coroutines \
         are one thread; only processes have a lock each (a Python without the lock, 3.13t or 3.14t, is the exception)"
    };
    let one_at_a_time = ["threading", "ThreadPoolExecutor", "asyncio"].contains(&best.way.as_str());
    if gain >= 1.15 && !expected.waits && one_at_a_time {
        return format!(
            "In Python: {} was ahead just now. Under an interpreter lock (GIL) it cannot be: the machine is too noisy to \
             say, or this Python has no lock (3.13t, 3.14t).",
            best.way
        );
    }
    match gain {
        gain if gain < 1.15 => {
            format!("In Python: the plain loop; nothing gained 15 % here just now. As a rule {reason}.")
        }
        gain => {
            format!("In Python: {}, {} times as fast as the loop: {reason}.", best.way, show::times(gain))
        }
    }
}
