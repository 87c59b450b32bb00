//! `choose compare A.json B.json`: what differs between two runs beyond noise.
//!
//! [`read()`] turns each file into a run, or says at which line it is none; [`compare()`] is a pure function from two runs to
//! the differences; `show` prints them.

mod difference;
mod read;
mod show;

use std::{io, path::PathBuf, process::ExitCode};

pub use difference::{AdviceChange, Change, Comparison, Pair, compare};
pub use read::{Figures, ReadError, Run, read};

/// What `choose compare` is asked for.
#[derive(Clone, Debug, clap::Args)]
pub struct CompareArgs {
    /// What `choose --json` printed on one machine, or day
    #[arg(value_name = "A.json")]
    pub first: PathBuf,
    /// And on the other
    #[arg(value_name = "B.json")]
    pub second: PathBuf,
    /// Print also what differs by no more than noise
    #[arg(long)]
    pub all: bool,
    /// One JSON object a line, and nothing else on stdout: each pair, and the summary last
    #[arg(long)]
    pub json: bool,
}

/// Nothing differs beyond noise.
const SAME: u8 = 0;
/// Something does.
const DIFFERS: u8 = 1;
/// A file is no run: it cannot be said.
const TROUBLE: u8 = 2;

/// Reads both files, prints what differs, and ends as diff(1) does.
pub fn run(args: &CompareArgs) -> ExitCode {
    let (first, second) = match (read(&args.first), read(&args.second)) {
        (Ok(first), Ok(second)) => (first, second),
        (first, second) => {
            // Both are told: whoever mends one file wants to know of the other.
            for error in [first.err(), second.err()].into_iter().flatten() {
                eprintln!("error: {error}");
            }
            return ExitCode::from(TROUBLE);
        }
    };
    let found = compare(&first, &second);
    let mut out = anstream::stdout();
    let printed =
        if args.json { show::json(&mut out, &found) } else { show::people(&mut out, &found, args.all) };
    match printed {
        // Whoever reads has read enough (`| head`).
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: cannot write to stdout: {error}");
            ExitCode::from(TROUBLE)
        }
        _ => ExitCode::from(if found.differs() { DIFFERS } else { SAME }),
    }
}
