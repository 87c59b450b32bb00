//! The same program on several threads, under each answer to the question who may run when.
//!
//! | regime | who shares what | in Python |
//! |---|---|---|
//! | [`OneGil`](Regime::OneGil) | everything; one thread runs at a time | `threading`, as it has always been |
//! | [`GilEach`](Regime::GilEach) | nothing but messages; a lock each | `InterpreterPoolExecutor`, 3.14 |
//! | [`NoGil`](Regime::NoGil) | everything; all run at once, so each object has a lock and a count that stand that | free-threaded builds, 3.13t |
//! | [`Processes`](Regime::Processes) | nothing but bytes in pipes | `multiprocessing` |
//!
//! ```
//! use gil::{interpreter::Program, regime::{self, Plan, Regime}};
//!
//! let program = Program::assemble("
//!     def main n
//!         load n
//!         push 1
//!         add
//!         return
//! ", &[])?;
//! let outcome = regime::run(&Regime::OneGil, &program, &Plan::threads(3).argument(41))?;
//! assert_eq!(outcome.results, [42, 42, 42]);
//! # Ok::<(), regime::Error>(())
//! ```

mod free;
mod process;
mod under_gil;

use std::{io, process::Command, sync::Arc, sync::mpsc, thread, time::Duration, time::Instant};

use crate::{
    Gil, INTERVAL, Observer,
    interpreter::{self, Malformed, Program, Trouble},
};

pub use free::{Counting, Free, FreeGlobals};
pub use process::serve;
pub use under_gil::{Globals, UnderGil};

/// Who may run when.
#[derive(Clone, Copy, Debug)]
pub enum Regime {
    /// One interpreter, one lock, all threads.
    OneGil,
    /// A thread has an interpreter of its own, with its own lock and its own globals.
    GilEach,
    /// No lock around the interpreter.
    NoGil(Counting),
    /// A thread is a process; the function gives the command for one, which must call [`serve`].
    Processes(fn() -> io::Result<Command>),
}

impl Regime {
    /// In a word or two.
    pub fn name(&self) -> &'static str {
        match self {
            Regime::OneGil => "one GIL",
            Regime::GilEach => "a GIL each",
            Regime::NoGil(Counting::Atomic) => "no GIL, atomic counts",
            Regime::NoGil(Counting::Biased) => "no GIL, biased counts",
            Regime::Processes(_) => "processes",
        }
    }
}

/// How to run a program.
#[derive(Clone)]
pub struct Plan {
    threads: usize,
    arguments: Vec<i64>,
    interval: Duration,
    forced_switching: bool,
    observer: Option<Arc<dyn Observer>>,
}

impl Plan {
    /// On so many threads, without arguments, with Python's interval and forced switching.
    pub fn threads(threads: usize) -> Self {
        Self { threads, arguments: Vec::new(), interval: INTERVAL, forced_switching: true, observer: None }
    }

    /// Adds an argument, the same for all threads.
    pub fn argument(mut self, argument: i64) -> Self {
        self.arguments.push(argument);
        self
    }

    /// How long a waiter waits before it asks; for the regimes with a lock.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Whether a holder that was asked waits until another has taken the lock.
    pub fn forced_switching(mut self, forced: bool) -> Self {
        self.forced_switching = forced;
        self
    }

    /// Sees what happens to the lock, under [`Regime::OneGil`].
    pub fn observed(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    fn gil(&self) -> Gil {
        Gil::new(self.interval).forced_switching(self.forced_switching)
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the program's first function returned, thread by thread.
    pub results: Vec<i64>,
    /// The global variables at the end: one list where they are shared, else one a thread.
    pub globals: Vec<Vec<i64>>,
    /// How often the lock changed hands; 0 where no two threads share one.
    pub switches: u64,
    /// Seconds from before the threads are started until the last has ended.
    pub seconds: f64,
}

/// Why a program could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It went wrong while it ran.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// It was refused.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A program that was not assembled from text cannot be sent to a process.
    #[error("only a program that was assembled from text can be sent to a process")]
    NoSource,
    /// A native function panicked.
    #[error("a thread panicked")]
    Panicked,
    /// A thread or a process could not be started, or talked to.
    #[error("worker {worker}: {source}")]
    Io {
        /// Which.
        worker: usize,
        /// Why.
        source: io::Error,
    },
    /// A worker process ended without an answer, or with one that cannot be read.
    #[error("worker {worker} answered {answer:?} and ended with {status}")]
    Answer {
        /// Which.
        worker: usize,
        /// What it wrote.
        answer: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

/// Runs `program` on all the plan's threads at once; returns when all have ended.
///
/// # Errors
/// The first thread's trouble; the others run to their end all the same.
pub fn run(regime: &Regime, program: &Program, plan: &Plan) -> Result<Outcome, Error> {
    let begun = Instant::now();
    let mut outcome = match regime {
        Regime::OneGil => one_gil(program, plan),
        Regime::GilEach => gil_each(program, plan),
        Regime::NoGil(counting) => no_gil(program, plan, *counting),
        Regime::Processes(worker) => process::run(program, plan, *worker),
    }?;
    outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(outcome)
}

fn one_gil(program: &Program, plan: &Plan) -> Result<Outcome, Error> {
    let mut gil = plan.gil();
    if let Some(observer) = &plan.observer {
        gil = gil.observed(Arc::clone(observer));
    }
    let globals = Globals::of(program);
    let results = on_threads(plan, |_| {
        interpreter::run(program, &plan.arguments, &mut UnderGil::attach(&gil, &globals))
    })?;
    Ok(Outcome { results, globals: vec![globals.values()], switches: gil.switch_number(), seconds: 0.0 })
}

fn gil_each(program: &Program, plan: &Plan) -> Result<Outcome, Error> {
    // What an interpreter sends when it is done; nothing else leaves it.
    let (send, receive) = mpsc::channel();
    let results = on_threads(plan, |number| {
        let (gil, globals) = (plan.gil(), Globals::of(program));
        let result = interpreter::run(program, &plan.arguments, &mut UnderGil::attach(&gil, &globals))?;
        // The receiver lives until all threads are joined.
        let _ = send.send((number, globals.values()));
        Ok(result)
    })?;
    let mut globals: Vec<(usize, Vec<i64>)> = receive.try_iter().collect();
    globals.sort_unstable();
    let globals = globals.into_iter().map(|(_, values)| values).collect();
    Ok(Outcome { results, globals, switches: 0, seconds: 0.0 })
}

fn no_gil(program: &Program, plan: &Plan, counting: Counting) -> Result<Outcome, Error> {
    let globals = FreeGlobals::of(program, counting);
    let results = on_threads(plan, |_| interpreter::run(program, &plan.arguments, &mut Free::new(&globals)))?;
    Ok(Outcome { results, globals: vec![globals.values()], switches: 0, seconds: 0.0 })
}

/// Results in the order of the threads.
fn on_threads(plan: &Plan, body: impl Fn(usize) -> Result<i64, Trouble> + Sync) -> Result<Vec<i64>, Error> {
    thread::scope(|scope| {
        let body = &body;
        let threads: Vec<_> = (0..plan.threads)
            .map(|worker| {
                thread::Builder::new()
                    .name(format!("interpreter {worker}"))
                    .spawn_scoped(scope, move || body(worker))
                    .map_err(|source| Error::Io { worker, source })
            })
            .collect();
        let results: Vec<Result<i64, Error>> =
            threads.into_iter().map(|thread| Ok(thread?.join().map_err(|_| Error::Panicked)??)).collect();
        results.into_iter().collect()
    })
}
