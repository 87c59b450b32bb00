//! Advice on work that this workspace has never seen: which mechanism, how many workers, and why.
//!
//! The work is a type that implements [`Workload`]: it says how it is cut, how a piece is done, and how parts are put
//! together. Nothing of it runs in the program that asks. A **trace** comes first: the pieces one after the other, in a
//! process of their own, where one that hangs, aborts or changes the directory is found and named. Then every mechanism
//! is **measured** in turn, in a process of its own too, with all answers compared; one that hangs or dies there is left
//! out and told, and the others are measured without it. Work that takes long is thinned out: every so manyth piece.
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
//! A piece must do the same when it is done again, as it will be, some ten times. It may print: what it writes to
//! standard output comes out on standard error, once. Linux only.

mod child;
mod order;
mod parent;
mod sampled;
mod words;

use std::{env, io, time::Duration};

use lesson::measure::cores;
use rustix::process::getppid;
use workload::{Mechanism, Workers, Workload};

use self::order::{Order, What};
use crate::{
    plan::{beyond_cores, up_to_cores},
    recommend::recommend,
    row::{Measured, Row},
};

pub use child::{Kind, enter, enter_any, kind};
pub use order::Traced;
pub use words::Advice;

/// What [`advise_with`] may do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one piece may take: 10 seconds.
    pub limit: Duration,
    /// How long the trace takes at most, and about how long all mechanisms take, each: 4 and 12 seconds.
    pub time: [Duration; 2],
    /// Bytes that all workers together may need: if not set, four fifths of what is free.
    pub memory: Option<u64>,
    /// Only mechanisms with these names, if there are any.
    pub mechanisms: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let time = [4, 12].map(Duration::from_secs);
        Self { limit: Duration::from_secs(10), time, memory: None, mechanisms: Vec::new() }
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
    /// A piece ended its process.
    #[error("the process that did one piece after the other ended ({how}) {}", place(*piece))]
    Died {
        /// Its index, if that is known.
        piece: Option<usize>,
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
    piece.map_or_else(|| "in one of many pieces".to_owned(), |piece| format!("in piece {piece}"))
}

/// Set in processes that measure to the id of their parent, so that one that does not know it never starts more.
const MEASURING: &str = "CHOOSE_MEASURING_FOR";

/// Measures `work` on this machine and says what to take. See the [module](self).
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
    let trace = What::Trace { limit: settings.limit, time: settings.time[0] };
    let traced = parent::trace(&Order { work: work.clone(), every: 1, what: trace }, settings.limit)?;
    let every = traced.every(settings.time[0]);
    let room = traced.room(settings.memory);
    let (workers, waits) = numbers(&traced, room);
    let names: Vec<&'static str> = (mechanisms::<W>().into_iter())
        .map(|mechanism| mechanism.name)
        .filter(|name| settings.mechanisms.is_empty() || settings.mechanisms.iter().any(|wish| wish == name))
        .collect();
    let rows = measure(&Measuring { work, every, workers: &workers, settings }, &names, &traced)?;
    let uneven = Some(traced.uneven);
    let measured = Measured { workload: W::NAME, waits, rows, uneven, traces: Vec::new() };
    let taken = recommend(&measured, cores())
        .ok_or_else(|| AdviseError::Failed("no measurement has succeeded".to_owned()))?;
    let file = (mechanisms::<W>().into_iter())
        .find(|mechanism| mechanism.name == taken.mechanism)
        .map(|mechanism| mechanism.file);
    Ok(Advice::new(taken, file, traced, every, room, measured))
}

/// What is tried: threads of this process, and processes that are this program.
fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    let mut all = threads::mechanisms::mechanisms();
    all.extend(processes::mechanisms());
    all
}

/// Numbers of workers to try, the most last, and whether pieces wait so much that they are more than the cores.
fn numbers(traced: &Traced, room: usize) -> (Vec<Workers>, bool) {
    let cores = Workers::cores();
    let mut numbers = up_to_cores(cores);
    let waits = traced.waits();
    if waits {
        // N* = C (D + Z) / D; no more than there are pieces, or than one machine should start.
        let most =
            (cores.get() as f64 * (traced.wall - traced.queued) / traced.cpu.max(1e-6)).min(200.0) as usize;
        numbers.extend(beyond_cores(cores, most.min(traced.pieces)));
    }
    numbers.retain(|number| number.get() <= room.min(traced.pieces).max(1));
    (numbers, waits)
}

struct Measuring<'a, W> {
    work: W,
    every: usize,
    workers: &'a [Workers],
    settings: &'a Settings,
}

/// All mechanisms in turn; once more without the one that has hung or died, as often as it takes.
fn measure<W: Workload>(
    this: &Measuring<'_, W>,
    names: &[&'static str],
    traced: &Traced,
) -> Result<Vec<Row>, AdviseError> {
    let mut left = names.to_vec();
    let mut lost = Vec::new();
    loop {
        let what = What::Measure {
            mechanisms: left.iter().map(|name| (*name).to_owned()).collect(),
            workers: this.workers.iter().map(|workers| workers.get()).collect(),
            time: this.settings.time[1],
        };
        let order = Order { work: this.work.clone(), every: this.every, what };
        // Each run may take as long as one after the other did, and one piece as long as its limit; the rest is noise.
        let silence =
            this.settings.limit + Duration::from_secs_f64(10.0 * traced.wall) + Duration::from_secs(5);
        match parent::measure(&order, names, silence)? {
            Ok(mut rows) => {
                rows.extend(lost);
                return Ok(rows);
            }
            Err((name, workers, how)) => {
                let Some(place) = left.iter().position(|left| *left == name) else {
                    return Err(AdviseError::Died { piece: None, how });
                };
                let name = left.remove(place);
                lost.push(Row { error: Some(how), ..Row::new(name, workers, traced.pieces) });
            }
        }
    }
}
