//! What is measured: each kind of work, in the amounts that fit the time, through every mechanism there is.

use std::{io, path::PathBuf, time::Duration};

use processes::worker::{Job, job};
use workload::{Empty, Fetch, Images, Mandelbrot, Mechanism, Primes, Words, Workers, Workload};

use crate::{
    calibrate::Calibration,
    cli::Kind,
    closer, forecast,
    foresee::{self, Checking, Foreseen},
    measure::{MeasureError, Scale, measure_served},
    plan::{Effort, Rounds, beyond_cores, up_to_cores},
    probe,
    row::Measured,
    server::ServerProcess,
};

/// All mechanisms of all concepts.
pub fn mechanisms<W: Workload>() -> Vec<Mechanism<W>> {
    let mut all = threads::mechanisms::mechanisms();
    all.extend(processes::mechanisms());
    all.extend(ipc::mechanisms::mechanisms());
    all
}

/// What this program can do as a worker process: for [`processes::worker::enter`], the first line of `main`.
pub fn jobs() -> Vec<Job> {
    let own = [
        job::<Mandelbrot>(),
        job::<Primes>(),
        job::<Words>(),
        job::<Fetch>(),
        job::<Images>(),
        job::<Empty>(),
    ];
    let called = [ipc::mechanisms::job::<Images>()];
    [&own[..], &called, &ipc::mechanisms::JOBS].concat()
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
    /// Whether to look at memory and timelines too where that is not done anyway: one more run each.
    pub closer: bool,
    /// Whether to measure in the end everything that may be as fast as what is advised.
    pub check_all: bool,
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

    /// Documents from `url`.
    fn documents(&self, url: &str) -> Vec<Scale<Fetch>> {
        let amounts = match self.effort {
            Effort::Usual => [16, 200],
            Effort::Quick => [8, 100],
            Effort::Tiny => [4, 8],
        };
        self.waiting(amounts, |documents| Fetch {
            timeout_ms: 5_000,
            retries: 1,
            ..Fetch::new(url, documents as u64)
        })
    }

    /// Pictures from `url`.
    fn pictures(&self, url: &str) -> Vec<Scale<Images>> {
        let amounts = match self.effort {
            Effort::Usual => [16, 100],
            Effort::Quick => [8, 32],
            Effort::Tiny => [4, 8],
        };
        self.waiting(amounts, |pictures| Images::new(url, pictures as u64))
    }

    /// Work that waits: little of it for few workers, who would take seconds for all; all of it for many.
    fn waiting<W: Workload>(
        &self,
        [few_pieces, pieces]: [usize; 2],
        make: impl Fn(usize) -> W,
    ) -> Vec<Scale<W>> {
        let cores = Workers::cores();
        let asked = if self.workers.is_empty() {
            let mut usual = up_to_cores(cores);
            usual.extend(beyond_cores(cores, pieces));
            usual
        } else {
            self.workers.clone()
        };
        let (few, many): (Vec<_>, Vec<_>) = asked.into_iter().partition(|workers| workers.get() <= FEW);
        let scales = [
            Scale { work: make(few_pieces), workers: few, rounds: self.rounds(Duration::ZERO) },
            // Full rounds all: how many workers to take is the question here.
            Scale {
                work: make(pieces),
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
        Kind::Mandelbrot => run(&wish.computing(Mandelbrot::sized(size)), None, wish, tell),
        Kind::Primes => {
            // A quarter of what the size stands for: trial division below 20 million would take all the time.
            let full = Primes::sized(size);
            run(&wish.computing(Primes { below: full.below / 4, ..full }), None, wish, tell)
        }
        Kind::Words => {
            let words = match &wish.input {
                Some(directory) => Words::in_directory(directory),
                None => {
                    let sized = Words::sized(size);
                    Words { limit: sized.limit.map(|limit| limit.min(MOST_BYTES)), ..sized }
                }
            };
            run(&wish.computing(words), None, wish, tell)
        }
        Kind::Images => {
            let server = ServerProcess::start(latency(wish.effort))?;
            run(&wish.pictures(server.url()), Some(server.id()), wish, tell)
        }
        Kind::Fetch => match &wish.base_url {
            Some(url) => run(&wish.documents(url), None, wish, tell),
            None => {
                let server = ServerProcess::start(latency(wish.effort))?;
                run(&wish.documents(server.url()), Some(server.id()), wish, tell)
            }
        },
    }
}

fn run<W: Workload>(
    scales: &[Scale<W>],
    server: Option<u32>,
    wish: &Wish,
    tell: &dyn Fn(&str),
) -> Result<Measured, MeasureError> {
    let mechanisms = wish.mechanisms::<W>();
    let mut measured = measure_served(scales, &mechanisms, server, tell)?;
    closer::look(&mut measured, scales, tell);
    Ok(measured)
}

/// Foresees one kind of work.
///
/// # Errors
/// [`MeasureError`] when it cannot be done even one piece after the other.
pub fn foresee(
    kind: Kind,
    wish: &Wish,
    calibration: &Calibration,
    tell: &dyn Fn(&str),
) -> Result<Foreseen, MeasureError> {
    briefly(kind, wish, Foresee { wish, calibration, tell })?
}

/// Looks at memory and timelines of what was foreseen: of each row that was measured, and of what is advised.
///
/// # Errors
/// When there is no server to fetch from.
pub(crate) fn look(kind: Kind, wish: &Wish, foreseen: &mut Foreseen, tell: &dyn Fn(&str)) -> io::Result<()> {
    briefly(kind, wish, Look { foreseen, tell })
}

/// What is to be done with a work, whatever its type.
trait Visit {
    type Outcome;

    /// `server` is the id of our server process, if that works for it.
    fn visit<W: Workload>(self, work: &W, server: Option<u32>) -> Self::Outcome;
}

struct Foresee<'a> {
    wish: &'a Wish,
    calibration: &'a Calibration,
    tell: &'a dyn Fn(&str),
}

impl Visit for Foresee<'_> {
    type Outcome = Result<Foreseen, MeasureError>;

    fn visit<W: Workload>(self, work: &W, server: Option<u32>) -> Self::Outcome {
        let Self { wish, calibration, tell } = self;
        let time = forecast::time(wish.effort);
        let checking = Checking { server, time, most: usize::MAX, all: wish.check_all };
        foresee::foresee(work, &wish.mechanisms::<W>(), calibration, &checking, tell)
    }
}

struct Look<'a> {
    foreseen: &'a mut Foreseen,
    tell: &'a dyn Fn(&str),
}

impl Visit for Look<'_> {
    type Outcome = ();

    fn visit<W: Workload>(self, work: &W, _server: Option<u32>) {
        let Foreseen { measured, advice, .. } = self.foreseen;
        closer::look_at_each(measured, work, advice.as_ref().map(|advice| advice.mechanism), self.tell);
    }
}

/// One kind of work in an amount of half a second to two, as the sequential run has to be short. With a server, if it needs
/// one, that ends with the visit.
fn briefly<V: Visit>(kind: Kind, wish: &Wish, visit: V) -> io::Result<V::Outcome> {
    let size = wish.effort.size();
    let usual = wish.effort == Effort::Usual;
    let waiting = match wish.effort {
        Effort::Usual => 40,
        Effort::Quick => 30,
        Effort::Tiny => 8,
    };
    Ok(match kind {
        Kind::Mandelbrot => {
            let full = Mandelbrot::sized(size);
            let work = if usual { Mandelbrot { width: 1200, height: 900, ..full } } else { full };
            visit.visit(&work, None)
        }
        Kind::Primes => {
            let full = Primes::sized(size);
            visit.visit(&Primes { below: full.below / if usual { 8 } else { 4 }, ..full }, None)
        }
        Kind::Words => {
            let work = match &wish.input {
                Some(directory) => Words::in_directory(directory),
                None => {
                    let sized = Words::sized(size);
                    Words { limit: sized.limit.map(|limit| limit.min(MOST_BYTES)), ..sized }
                }
            };
            visit.visit(&work, None)
        }
        Kind::Images => {
            let server = ServerProcess::start(latency(wish.effort))?;
            // Each takes as long as a document, and a decoder's time besides.
            visit.visit(&Images::new(server.url(), (waiting / 2).max(8)), Some(server.id()))
        }
        Kind::Fetch => {
            let fetch = |url: &str| Fetch { timeout_ms: 5_000, retries: 1, ..Fetch::new(url, waiting) };
            match &wish.base_url {
                Some(url) => visit.visit(&fetch(url), None),
                None => {
                    let server = ServerProcess::start(latency(wish.effort))?;
                    visit.visit(&fetch(server.url()), Some(server.id()))
                }
            }
        }
    })
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
        Kind::Images => probe::run::<Images>(&mechanisms(), mechanism, workers),
    }
}
