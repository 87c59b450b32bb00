//! The parts of the binary that are no lessons: a worker of JSON lines, and the two ends of its pipe.

use std::{
    env,
    io::{self, BufWriter},
    process::ExitCode,
};

use clap::{ArgGroup, Parser, ValueEnum};
use processes::{
    lines::{self, JoinError},
    worker::{self, Job},
};
use workload::{Empty, Fetch, Mandelbrot, Primes, Size, Words};

/// What this program can do as a worker.
pub(crate) const JOBS: &[Job] = &[
    worker::job::<Empty>(),
    worker::job::<Mandelbrot>(),
    worker::job::<Primes>(),
    worker::job::<Words>(),
    worker::job::<Fetch>(),
    worker::job::<processes::lessons::Deeds>(),
    processes::lessons::ERRANDS.job(),
    processes::lessons::COUNTER.job(),
];

/// Does pieces of work for anyone's scheduler, a JSON line each: `processes --cut primes | processes --worker |
/// processes --join`.
#[derive(Debug, Parser)]
#[command(name = "processes")]
#[command(group(ArgGroup::new("what").required(true).args(["worker", "cut", "join"])))]
struct Tool {
    /// Read pieces, a line each, and write parts
    #[arg(long)]
    worker: bool,
    /// Write the pieces of a workload
    #[arg(long, value_name = "WORKLOAD")]
    cut: Option<Which>,
    /// Read parts, in any order, and write the answer
    #[arg(long)]
    join: bool,
    /// How much work to cut
    #[arg(long, value_enum, default_value_t = HowMuch::Lesson, requires = "cut")]
    size: HowMuch,
    /// Where `fetch` gets its documents: http://host:port
    #[arg(long, value_name = "URL", required_if_eq("cut", "fetch"))]
    base_url: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    Empty,
    Mandelbrot,
    Primes,
    Words,
    Fetch,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HowMuch {
    /// Milliseconds
    Test,
    /// Below a second
    Lesson,
    /// One to two seconds on one core
    Measure,
}

/// Does what the first argument asks for; `None` if it asks for lessons.
pub(crate) fn main() -> Option<ExitCode> {
    let first = env::args_os().nth(1)?;
    let ours = ["--worker", "--cut", "--join"];
    // Also `--cut=primes`.
    if !ours.iter().any(|one| first.to_str().and_then(|first| first.split('=').next()) == Some(one)) {
        return None;
    }
    Some(match run(&Tool::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("processes: {error}");
            ExitCode::FAILURE
        }
    })
}

fn run(tool: &Tool) -> Result<(), JoinError> {
    let (input, output) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let size = match tool.size {
        HowMuch::Test => Size::Test,
        HowMuch::Lesson => Size::Lesson,
        HowMuch::Measure => Size::Measure,
    };
    match tool.cut {
        Some(Which::Empty) => lines::cut(&Empty::sized(size), output),
        Some(Which::Mandelbrot) => lines::cut(&Mandelbrot::sized(size), output),
        Some(Which::Primes) => lines::cut(&Primes::sized(size), output),
        Some(Which::Words) => lines::cut(&Words::sized(size), output),
        Some(Which::Fetch) => {
            let documents = if size == Size::Test { 8 } else { 200 };
            lines::cut(&Fetch::new(tool.base_url.clone().unwrap_or_default(), documents), output)
        }
        None if tool.worker => Ok(lines::serve(JOBS, input, output)?),
        None => {
            println!("{}", lines::join(JOBS, input)?);
            Ok(())
        }
    }
}
