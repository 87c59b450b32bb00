//! What is measured: each kind of work, in the amounts that fit the time, through every mechanism there is.

use std::{path::PathBuf, time::Duration};

use processes::worker::{Job, job};
use workload::{Empty, Fetch, Mandelbrot, Mechanism, Primes, Words, Workers, Workload};

use crate::{
    cli::Kind,
    closer,
    measure::{MeasureError, Scale, measure_workload},
    plan::{Effort, Rounds, beyond_cores, up_to_cores},
    probe,
    row::Measured,
    server::ServerProcess,
};

/// All mechanisms of all concepts.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    let mut all = threads::mechanisms::mechanisms();
    all.extend(processes::mechanisms());
    all
}

/// What this program can do as a worker process: for [`processes::worker::enter`], the first line of `main`.
pub fn jobs() -> [Job; 5] {
    [job::<Mandelbrot>(), job::<Primes>(), job::<Words>(), job::<Fetch>(), job::<Empty>()]
}

/// What the user wants measured.
#[derive(Clone, Debug)]
pub struct Wish {
    /// How much.
    pub effort: Effort,
    /// How often, if not as often as time allows.
    pub runs: Option<usize>,
    /// Numbers of workers, if not all that make sense.
    pub workers: Vec<Workers>,
    /// Names of mechanisms, if not all.
    pub mechanisms: Vec<String>,
    /// What `words` reads, if not what it finds.
    pub input: Option<PathBuf>,
    /// Where `fetch` gets its documents, if not from a server of our own.
    pub base_url: Option<String>,
}

impl Wish {
    /// The mechanisms that are wanted.
    pub fn mechanisms<W: Workload>(&self) -> Vec<Mechanism<W>> {
        let wanted =
            |name: &str| self.mechanisms.is_empty() || self.mechanisms.iter().any(|wish| wish == name);
        mechanisms().into_iter().filter(|mechanism| wanted(mechanism.name)).collect()
    }

    fn rounds(&self, time: Duration) -> Rounds {
        self.runs.map_or(Rounds::Within(time), Rounds::Exactly)
    }

    /// Work that computes: one amount of it, with one worker up to as many as there are cores.
    fn computing<W: Workload>(&self, work: W) -> Vec<Scale<W>> {
        let workers =
            if self.workers.is_empty() { up_to_cores(Workers::cores()) } else { self.workers.clone() };
        vec![Scale { work, workers, rounds: self.rounds(self.effort.time()) }]
    }

    /// Work that waits, from `url`: little of it for few workers, who would take seconds for all; all of it for many.
    fn waiting(&self, url: &str) -> Vec<Scale<Fetch>> {
        let cores = Workers::cores();
        let (few_documents, documents) = match self.effort {
            Effort::Usual => (16, 200),
            Effort::Quick => (8, 100),
            Effort::Tiny => (4, 8),
        };
        let asked = if self.workers.is_empty() {
            let mut usual = up_to_cores(cores);
            usual.extend(beyond_cores(cores, documents));
            usual
        } else {
            self.workers.clone()
        };
        let (few, many): (Vec<_>, Vec<_>) = asked.into_iter().partition(|workers| workers.get() <= FEW);
        let fetch =
            |documents: usize| Fetch { timeout_ms: 5_000, retries: 1, ..Fetch::new(url, documents as u64) };
        let scales = [
            Scale { work: fetch(few_documents), workers: few, rounds: self.rounds(Duration::ZERO) },
            // Full rounds all: how many workers to take is the question here.
            Scale {
                work: fetch(documents),
                workers: many,
                rounds: Rounds::Exactly(self.runs.unwrap_or(Rounds::LEAST)),
            },
        ];
        scales.into_iter().filter(|scale| !scale.workers.is_empty()).collect()
    }
}

/// How much of cargo's sources is read: enough to outweigh the start of workers, little enough for the time there is.
const MOST_BYTES: u64 = 64 << 20;

/// So many workers are few where work waits.
const FEW: usize = 8;

/// How long our own server takes to answer.
fn latency(effort: Effort) -> Duration {
    Duration::from_millis(match effort {
        Effort::Usual => 20,
        Effort::Quick => 10,
        Effort::Tiny => 1,
    })
}

/// Measures one kind of work. `tell` hears what comes next.
///
/// # Errors
/// [`MeasureError`] when it cannot be measured at all.
pub fn measure(kind: Kind, wish: &Wish, tell: &dyn Fn(&str)) -> Result<Measured, MeasureError> {
    let size = wish.effort.size();
    match kind {
        Kind::Mandelbrot => run(&wish.computing(Mandelbrot::sized(size)), wish, tell),
        Kind::Primes => {
            // A quarter of what the size stands for: trial division below 20 million would take all the time.
            let full = Primes::sized(size);
            run(&wish.computing(Primes { below: full.below / 4, ..full }), wish, tell)
        }
        Kind::Words => {
            let words = match &wish.input {
                Some(directory) => Words::in_directory(directory),
                None => {
                    let sized = Words::sized(size);
                    Words { limit: sized.limit.map(|limit| limit.min(MOST_BYTES)), ..sized }
                }
            };
            run(&wish.computing(words), wish, tell)
        }
        Kind::Fetch => match &wish.base_url {
            Some(url) => run(&wish.waiting(url), wish, tell),
            None => {
                let server = ServerProcess::start(latency(wish.effort))?;
                run(&wish.waiting(server.url()), wish, tell)
            }
        },
    }
}

fn run<W: Workload>(scales: &[Scale<W>], wish: &Wish, tell: &dyn Fn(&str)) -> Result<Measured, MeasureError> {
    let mechanisms = wish.mechanisms::<W>();
    let mut measured = measure_workload(scales, &mechanisms, tell)?;
    closer::look(&mut measured, scales, tell);
    Ok(measured)
}

/// One run that is looked at from outside: see [`probe`].
///
/// # Errors
/// In a sentence.
pub fn probed(kind: Kind, mechanism: &str, workers: Workers) -> Result<(), String> {
    match kind {
        Kind::Mandelbrot => probe::run::<Mandelbrot>(&mechanisms(), mechanism, workers),
        Kind::Primes => probe::run::<Primes>(&mechanisms(), mechanism, workers),
        Kind::Words => probe::run::<Words>(&mechanisms(), mechanism, workers),
        Kind::Fetch => probe::run::<Fetch>(&mechanisms(), mechanism, workers),
    }
}
