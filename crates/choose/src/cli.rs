//! The command line.

use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand, ValueEnum, builder::PossibleValuesParser};
use workload::{Empty, Fetch, Images, Mandelbrot, Primes, Words, Workers, Workload};

use crate::{plan::Effort, subjects};

/// Says which mechanism of this workspace to take on this machine, on five kinds of work, and why.
///
/// Each workload is done once, one piece after the other, and recorded; from that every mechanism is predicted, some of
/// the predictions are checked, and where one fails the likely mechanisms are measured. Takes half a minute. With
/// `--measure` each workload goes through each mechanism instead. Every answer is compared with the one of doing piece
/// after piece.
#[derive(Debug, Parser)]
#[command(
    name = "choose",
    args_conflicts_with_subcommands = true,
    after_help = "Exit code: 0 all is well, 1 a wrong answer or something failed, 2 wrong usage, 130 interrupted."
)]
pub struct Args {
    /// Only this kind of work (may be given several times, or as a list with commas)
    #[arg(long = "workload", value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<Kind>,
    /// Only this mechanism (likewise)
    #[arg(long = "mechanism", value_name = "NAME", value_delimiter = ',', value_parser = mechanisms())]
    pub mechanisms: Vec<String>,
    /// Measure every mechanism instead, with 1 to as many workers as there are cores (and more, where work waits): three
    /// to four minutes
    #[arg(long)]
    pub measure: bool,
    /// Only these numbers of workers (with --measure; several times or as a list; 1 to 4096)
    #[arg(long, value_name = "N", value_delimiter = ',', requires = "measure")]
    pub workers: Vec<Workers>,
    /// Count the words of all files below this directory, all of them (otherwise: 64 MiB of sources that cargo has
    /// downloaded). A large one takes its time
    #[arg(long, value_name = "DIR")]
    pub input: Option<PathBuf>,
    /// Fetch documents from here (otherwise: from a server of our own on this machine, 20 ms each)
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// So many runs of everything, however long it takes (with --measure)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000), requires = "measure")]
    pub runs: Option<u16>,
    /// Less work and fewer runs
    #[arg(long)]
    pub quick: bool,
    /// Check all predictions that matter, to see how good the advice is: two to three minutes
    #[arg(long, conflicts_with = "measure")]
    pub check_all: bool,
    /// One JSON object a line, and nothing else on stdout
    #[arg(long)]
    pub json: bool,
    /// Write the report (one HTML file) to this place [default: target/choose.html]
    #[arg(long, value_name = "FILE", conflicts_with = "no_report")]
    pub report: Option<PathBuf>,
    /// Write no report
    #[arg(long)]
    pub no_report: bool,
    /// Also draw the shares that were reached, as an SVG picture
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Also write the timelines, to be looked at in a viewer of Chrome traces such as <https://ui.perfetto.dev>
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// As little work as possible: for tests
    #[arg(long, hide = true, conflicts_with = "quick")]
    pub tiny: bool,
    /// What this program is when it has started itself.
    #[command(subcommand)]
    pub role: Option<Role>,
}

/// What this program is when it has started itself.
#[derive(Clone, Debug, Subcommand)]
pub enum Role {
    /// Run a program once for each input, as many at once as pay here
    ///
    /// A sample is run one after the other and measured; the number at once is predicted from it, checked on inputs
    /// that were not in the sample, and used for the rest. No input is run twice. What the command writes comes out an
    /// input at a time, on standard output and standard error; what `choose` says comes on standard error.
    #[cfg(target_os = "linux")]
    #[command(
        after_help = "Exit code: 0 the command succeeded for every input, 1 not, 2 wrong usage, 130 interrupted."
    )]
    Run(crate::each::RunArgs),
    /// The same work in Python, with the same answers, and what would be chosen there
    Python(crate::beside::PythonArgs),
    /// Say what differs between two runs beyond noise: two machines, or two days
    ///
    /// Each file is what `choose --measure --json` has printed. A time or a speed-up differs when the medians lie further apart
    /// than the spreads (p10 to p90) of both together, and by more than 8 %.
    #[command(
        after_help = "Exit code: 0 nothing differs beyond noise, 1 something does, 2 wrong usage, or a file that is no run."
    )]
    Compare(crate::compare::CompareArgs),
    /// Try what is usually said of threads and processes: in Rust, and in Python where there is one
    ///
    /// Of each statement: whether it holds here, the figure, and the lesson that shows it. Takes about 15 seconds.
    #[cfg(target_os = "linux")]
    #[command(after_help = "Exit code: 0 all was tried, 1 an experiment itself failed, 2 wrong usage.")]
    Ledger(crate::ledger::LedgerArgs),
    /// A process that sends back what it gets
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Echo,
    /// A process of which it is looked at what is left
    #[cfg(target_os = "linux")]
    #[command(hide = true)]
    Die {
        /// Who dies
        part: crate::ledger::Death,
    },
    /// One run, looked at from outside
    #[command(hide = true)]
    Probe {
        /// Of what
        workload: Kind,
        /// Through what
        mechanism: String,
        /// With how many
        workers: Workers,
    },
    /// The server that documents are fetched from
    #[command(hide = true)]
    Serve {
        /// How long it waits before it answers
        milliseconds: u64,
    },
}

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Computes; pieces differ much
    Mandelbrot,
    /// Computes; pieces are alike
    Primes,
    /// Reads memory and merges
    Words,
    /// Waits for a network
    Fetch,
    /// Waits for a network, then computes
    Images,
}

impl Kind {
    /// The workload's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mandelbrot => Mandelbrot::NAME,
            Kind::Primes => Primes::NAME,
            Kind::Words => Words::NAME,
            Kind::Fetch => Fetch::NAME,
            Kind::Images => Images::NAME,
        }
    }
}

impl Args {
    /// The kinds of work to measure, each once.
    pub fn kinds(&self) -> Vec<Kind> {
        let asked = |kind: &Kind| self.workloads.is_empty() || self.workloads.contains(kind);
        Kind::value_variants().iter().copied().filter(asked).collect()
    }

    /// How much to measure.
    pub fn effort(&self) -> Effort {
        match (self.quick, self.tiny) {
            (_, true) => Effort::Tiny,
            (true, _) => Effort::Quick,
            _ => Effort::Usual,
        }
    }

    /// What clap cannot know: options that contradict each other, and input that is not there. To be told before a
    /// minute is spent on measuring the rest.
    ///
    /// # Errors
    /// In a sentence.
    pub fn check(&self) -> Result<(), String> {
        let kinds = self.kinds();
        if let Some(input) = &self.input {
            if !kinds.contains(&Kind::Words) {
                return Err("--input is for `words`, which is not among the workloads asked for".to_owned());
            }
            let readable =
                if input.is_dir() { input.read_dir().map(drop) } else { input.metadata().map(drop) };
            readable.map_err(|why| format!("--input {}: {why}", input.display()))?;
        }
        if self.base_url.is_some() && !kinds.contains(&Kind::Fetch) {
            return Err("--base-url is for `fetch`, which is not among the workloads asked for".to_owned());
        }
        for (option, path) in
            [("--report", &self.report), ("--picture", &self.picture), ("--trace", &self.trace)]
        {
            if let Some(path) = path {
                writable(path).map_err(|why| format!("{option} {}: {why}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Whether a file can be written there; makes it, and the directories that it is in.
fn writable(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().create(true).append(true).open(path).map(drop)
}

/// Names of all mechanisms: the same for every workload.
fn mechanisms() -> PossibleValuesParser {
    PossibleValuesParser::new(subjects::mechanisms::<Empty>().iter().map(|mechanism| mechanism.name))
}
