//! Advice on work that this workspace has never seen: which mechanism, how many workers, and why.
//!
//! The work is a type that implements [`Workload`]: it says how it is cut, how a piece is done, and how parts are put
//! together. Nothing of it runs in the program that asks, but in processes of its own, which are this program again:
//!
//! 1. A **trace**: the pieces one after the other, where one that hangs, aborts, needs too much memory or changes the
//!    directory is found and named. Work that takes long is thinned out from here on: every so manyth piece.
//! 2. The machine is **calibrated**: what its cores get done at once, what each mechanism costs beside the pieces.
//! 3. One run is **recorded** closely, and played again through each mechanism's rule: what it would take with any
//!    number of workers is **predicted**, up to as many as there is memory for.
//! 4. Some of that is **checked** by measuring it. Where it is off by more than 15 % the kind of error is named (a lock,
//!    memory, the start of workers, others on the cores), and the likely candidates are **measured** instead. A
//!    mechanism that hangs or dies there is left out and told, and the others are tried without it.
//!
//! Seven seconds or so in all. Work of which that cannot be done (it dies outside of the main thread, say) is measured
//! through every mechanism, without any prediction; of work whose pieces take too long to be run again, the trace is all
//! that a prediction rests on, and the advice says so.
//!
//! ```no_run
//! # use workload::{PieceError, Workload};
//! # #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)] struct MyWork;
//! # impl Workload for MyWork {
//! #     const NAME: &'static str = "mine"; type Piece = u64; type Part = u64;
//! #     fn pieces(&self) -> Result<Vec<u64>, PieceError> { Ok(vec![]) }
//! #     fn run(&self, piece: &u64) -> Result<u64, PieceError> { Ok(piece * piece) }
//! #     fn combine(&self, left: &mut u64, right: u64) { *left += right }
//! # }
//! fn main() -> Result<(), choose::advise::AdviseError> {
//!     choose::enter::<MyWork>(); // the first line: the processes that measure are this program
//!     println!("{}", choose::advise(MyWork)?);
//!     Ok(())
//! }
//! ```
//!
//! A piece must do the same when it is done again, as it will be, some thirty times. It may print: what it writes to
//! standard output comes out on standard error, once. Linux only.

mod child;
mod once;
mod order;
mod parent;
mod sampled;
mod sent;
mod stages;
mod unchecked;
mod words;

use std::{env, io, time::Duration};

use lesson::measure::cores;
use rustix::process::getppid;
use workload::{Empty, Mechanism, Workload};

use self::{
    order::{Order, What},
    stages::Question,
    unchecked::unchecked,
    words::Basis,
};
use crate::{calibrate::Calibration, recommend::recommend, show};

pub use child::{Kind, enter, enter_any, kind};
pub use order::Traced;
pub use words::Advice;

/// What [`advise_with`] may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one piece may take: 10 seconds.
    pub limit: Duration,
    /// How long the trace takes at most, and about how long checking takes: 3 seconds each. Work that takes
    /// longer than half of the first, also when it was thinned out, is predicted from the trace alone.
    pub time: [Duration; 2],
    /// Bytes that all workers together may need: if not set, four fifths of what is free.
    pub memory: Option<u64>,
    /// Only mechanisms with these names, if there are any.
    pub mechanisms: Vec<String>,
    /// What this machine is worth, if it is known from [`Advice::calibration`] on other work: finding it out takes two
    /// or three seconds.
    pub calibration: Option<Calibration>,
}

impl Default for Settings {
    fn default() -> Self {
        let time = [Duration::from_secs(3); 2];
        Self { limit: Duration::from_secs(10), time, memory: None, mechanisms: Vec::new(), calibration: None }
    }
}

/// Why there is no advice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdviseError {
    /// The processes that measure could not be started or read.
    #[error("the process that was to measure: {0}")]
    Io(#[from] io::Error),
    /// This program was started to measure, and asks for advice itself.
    #[error("the first line of this program's main is not `choose::enter::<{0}>()`")]
    NotEntered(&'static str),
    /// [`Settings::mechanisms`] has a name that is none.
    #[error("no mechanism is called `{name}`; there are {}", known.join(", "))]
    Unknown {
        /// That name.
        name: String,
        /// Those that there are.
        known: Vec<&'static str>,
    },
    /// What the machine is worth could not be found out.
    #[error("this machine cannot be measured: the process that was to do so ended ({how})")]
    Machine {
        /// "signal: 6 (SIGABRT)".
        how: String,
    },
    /// The work fails even one piece after the other.
    #[error("it fails even one piece after the other: {0}")]
    Failed(String),
    /// A piece takes too long, or for ever.
    #[error("piece {piece} takes longer than {} s: it hangs, or needs another limit", limit.as_secs_f64())]
    Late {
        /// Its index.
        piece: usize,
        /// What it was given.
        limit: Duration,
    },
    /// A piece asked for memory that its process may not have, and was ended for it.
    #[error(
        "{} needs {} of memory at once, and a process gets no such amount here: cut it finer, or raise the limit",
        place(*piece), show::bytes(*bytes)
    )]
    Memory {
        /// Its index, if that is known.
        piece: Option<usize>,
        /// What it asked for last.
        bytes: u64,
    },
    /// A piece ended its process.
    #[error("the process that did one piece after the other ended ({how}) in {}{}", place(*piece), said(last_words.as_deref()))]
    Died {
        /// Its index, if that is known.
        piece: Option<usize>,
        /// "exit status: 3", "signal: 6 (SIGABRT)".
        how: String,
        /// The last line that it wrote to its standard output or error.
        last_words: Option<String>,
    },
    /// Done once it came to its end, and not when it was to be done again.
    #[error(
        "its pieces were done once, one after the other; when they were to be done again, the process ended ({how}): \
         a piece has to do the same each time"
    )]
    NotAgain {
        /// "exit status: 3", "signal: 6 (SIGABRT)".
        how: String,
    },
    /// A piece has changed the current directory, which is all threads': the others would look for their files there.
    #[error(
        "piece {piece} changes the current directory, which all threads of a process share; use whole paths"
    )]
    Directory {
        /// Its index.
        piece: usize,
    },
    /// There are no pieces.
    #[error("there is nothing to do: the work has no pieces")]
    NothingToDo,
}

fn place(piece: Option<usize>) -> String {
    piece.map_or_else(|| "one of its pieces".to_owned(), |piece| format!("piece {piece}"))
}

fn said(words: Option<&str>) -> String {
    words.map(|words| format!("; the last that it said was: {words}")).unwrap_or_default()
}

/// Set in processes that measure to the id of their parent, so that one that does not know it never starts more.
const MEASURING: &str = "CHOOSE_MEASURING_FOR";

/// Finds out what to take for `work` on this machine. See the [module](self).
///
/// # Errors
/// [`AdviseError`].
pub fn advise<W: Workload>(work: W) -> Result<Advice, AdviseError> {
    advise_with(work, &Settings::default())
}

/// The same with settings of one's own.
///
/// # Errors
/// [`AdviseError`].
pub fn advise_with<W: Workload>(work: W, settings: &Settings) -> Result<Advice, AdviseError> {
    let parent = env::var(MEASURING).ok().and_then(|id| id.parse().ok());
    if parent.is_some() && parent == getppid().map(|pid| pid.as_raw_pid()) {
        return Err(AdviseError::NotEntered(W::NAME));
    }
    let names = wanted(&settings.mechanisms)?;
    let [tracing, _] = settings.time;
    let what = What::Trace { limit: settings.limit, time: tracing };
    let (traced, costs) = parent::trace(&Order { work: work.clone(), every: 1, what }, settings.limit)?;
    let (every, room) = (traced.every(tracing), traced.room(settings.memory));
    let question = Question { work, settings, names, traced, every, room };
    let calibration = question.calibrate()?;
    let is_long = question.traced.seconds(every) > tracing.as_secs_f64() / 2.0;
    let mut basis = Basis { trace: question.traced.clone(), every, room, calibration };
    if is_long && !costs.is_empty() {
        let named = mechanisms::<W>().into_iter().filter(|one| question.names.contains(&one.name));
        let found = unchecked(&basis.trace, &costs, &named.collect::<Vec<_>>(), &basis.calibration, room);
        basis.every = 1;
        return Ok(Advice::foreseen(found, basis));
    }
    if let Some(found) = question.foresee(&basis.calibration)? {
        return Ok(Advice::foreseen(found, basis));
    }
    let measured = question.measure()?;
    let taken = recommend(&measured, cores())
        .ok_or_else(|| AdviseError::Failed("no measurement has succeeded".to_owned()))?;
    Ok(Advice::measured(taken, measured, basis))
}

/// What is tried: threads of one process, and processes that are this program.
fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    let mut all = threads::mechanisms::mechanisms();
    all.extend(processes::mechanisms());
    all
}

/// The names of all mechanisms.
fn names() -> Vec<&'static str> {
    mechanisms::<Empty>().into_iter().map(|mechanism| mechanism.name).collect()
}

/// The name, if it is a mechanism's.
fn known(name: &str) -> Option<&'static str> {
    names().into_iter().find(|known| *known == name)
}

/// The file in which a mechanism is written down, from the top of this workspace.
fn file(name: &str) -> Option<&'static str> {
    mechanisms::<Empty>().into_iter().find(|mechanism| mechanism.name == name).map(|mechanism| mechanism.file)
}

/// Those that are wanted; all, if none is named.
fn wanted(wishes: &[String]) -> Result<Vec<&'static str>, AdviseError> {
    if let Some(name) = wishes.iter().find(|wish| known(wish).is_none()) {
        return Err(AdviseError::Unknown { name: name.clone(), known: names() });
    }
    let mut names = names();
    names.retain(|name| wishes.is_empty() || wishes.iter().any(|wish| wish == name));
    Ok(names)
}
