//! `choose ledger`: what is usually said of threads and processes, tried here.
//!
//! [`Figures`] are what an experiment in a language gives: `rust` runs them here, `python` in CPython, the same ones.
//! [`judge()`] is a pure function from figures to what holds; `show` prints it. Each figure is a ratio of the same
//! moments, or something that is so or not. Where a machine does not let a statement be judged, that is what is said.

mod figures;
mod isolation;
mod judge;
mod message;
mod python;
mod responsive;
mod rust;
mod sharing;
mod show;

use std::{io, process::ExitCode};

use serde::Serialize;

pub use figures::{Figures, Language};
pub use isolation::{Death, die};
pub use judge::{STATEMENTS, Statement, Tried, Verdict, judge};
pub use message::echo;

/// What `choose ledger` is asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct LedgerArgs {
    /// One JSON object a line, and nothing else on stdout
    #[arg(long)]
    pub json: bool,
    /// As little as possible: for tests
    #[arg(long, hide = true)]
    pub tiny: bool,
}

/// How much is tried.
#[derive(Clone, Copy, Debug)]
struct Effort {
    rounds: usize,
    /// Documents that are fetched, and how long the server takes for each.
    documents: u64,
    latency_ms: u64,
    /// Primes below this are counted.
    below: u32,
    /// Seconds that Python's loop should take, about.
    loop_s: f64,
}

impl Effort {
    const USUAL: Self = Self { rounds: 5, documents: 32, latency_ms: 20, below: 3_000_000, loop_s: 0.15 };
    const TINY: Self = Self { rounds: 1, documents: 4, latency_ms: 1, below: 100_000, loop_s: 0.005 };
}

/// One statement, with what came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Line<'a> {
    statement: &'a str,
    rust: Tried,
    python: Tried,
    lesson: &'a str,
}

/// Tries everything, prints it, and ends with 1 if an experiment itself failed.
pub fn run(args: &LedgerArgs) -> ExitCode {
    let effort = if args.tiny { Effort::TINY } else { Effort::USUAL };
    let (rust, python) = (rust::figures(&effort), python::figures(&effort));
    let well = rust.is_ok();
    let tried = |statement: &Statement, language, figures: &Result<Figures, String>| match figures {
        Ok(figures) => judge(statement, language, figures),
        Err(why) => Tried::not_judged(why.clone()),
    };
    let lines: Vec<Line> = (STATEMENTS.iter())
        .map(|statement| Line {
            statement: statement.text,
            rust: tried(statement, Language::Rust, &rust),
            python: tried(statement, Language::Python, &python),
            lesson: statement.lesson,
        })
        .collect();
    let mut out = anstream::stdout();
    let printed = if args.json { show::json(&mut out, &lines) } else { show::people(&mut out, &lines) };
    match printed {
        // Whoever reads has read enough (`| head`).
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to stdout: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::from(!well)),
    }
}
