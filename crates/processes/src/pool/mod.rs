//! A pool of processes that loses nothing: every piece has an owner, and a worker that dies takes none with it.
//!
//! ```no_run
//! use processes::{pool::{Pool, Task}, worker};
//!
//! static SQUARE: Task<u64, u64> = Task::new("square", |x| x.checked_mul(x).ok_or_else(|| "too large".into()));
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     worker::enter(&[SQUARE.job()]); // in a worker this is all that happens
//!
//!     let pool = Pool::of(&SQUARE).workers(4).start()?;
//!     let squares: Vec<u64> = pool.map(0..1_000).collect::<Result<_, _>>()?;
//!     let later = pool.submit(1 << 40);
//!     assert_eq!(squares[12], 144);
//!     assert_eq!(later.wait().unwrap_err().why.to_string(), "too large");
//!     pool.close();
//!     Ok(())
//! }
//! ```
//!
//! # What happens when
//!
//! | what happens | what comes of it |
//! |---|---|
//! | a piece returns an error, or panics | its answer is [`Failed`], with the input, the words and the worker's stack; the worker goes on |
//! | an output cannot be encoded | the same, for this piece alone |
//! | a worker is killed, exits, crashes | its pieces are done again by others; a new worker is started |
//! | a piece kills each worker that tries it | after [`tries`](Settings::tries) it is reported as [`Why::Poison`] with its input; all others are done |
//! | a piece hangs, or its worker is stopped | after the [`limit`](Settings::limit), if there is one, the worker is killed; as above |
//! | a worker sends rubbish, floods, falls silent | the same; memory grows only with what was received, up to 256 MiB a frame |
//! | workers never get ready | [`Why::Ended`] for all pieces, with the reason; [`Pool::broken`] |
//! | the pool is dropped | workers are killed and waited for: no process, zombie or descriptor is left |
//! | this process is killed | workers end: by PR_SET_PDEATHSIG, and when their input ends |
//!
//! A piece may be done twice: when its worker dies between doing and answering. Its answer comes once. So a piece
//! should be something that may be done twice, as with every queue that loses nothing.
//!
//! In Python `Pool` loses the pieces of a killed worker and waits for ever (cpython#96062), and
//! `ProcessPoolExecutor` gives up all of them (`BrokenProcessPool`).
//!
//! # Files
//!
//! | file | idea |
//! |---|---|
//! | `task.rs` | what a worker can do, and what can be sent |
//! | `rules.rs` | settings |
//! | `desk.rs`, `results.rs`, `pending.rs` | how callers give pieces and take answers |
//! | `ledger.rs` | who owns which piece: pure bookkeeping, tried with random courses of events |
//! | `keeper.rs`, `staff.rs` | the pool's thread; its workers |
//! | `words.rs`, `listener.rs` | what is said; how it is judged |
//! | `serve.rs` | the worker's loop |

mod desk;
mod failed;
mod interrupt;
mod keeper;
pub mod ledger;
pub mod listener;
mod pending;
mod report;
mod results;
mod rules;
mod serve;
mod staff;
mod task;
mod words;

use std::{
    fmt,
    sync::{Arc, PoisonError, mpsc::sync_channel},
    thread::{self, JoinHandle},
};

pub use failed::{Failed, PoolError, Why};
pub use interrupt::exit_on_interrupt;
pub use pending::Pending;
pub use report::Report;
pub use results::{Results, Unordered};
pub use rules::Settings;
pub use task::{Sendable, Task, TaskError};
pub use words::{Answers, Told};

use crate::child::Handle;
use desk::{Desk, How, Request};

/// Worker processes that do one task, until this is dropped. It may be shared between threads.
pub struct Pool<I: Sendable, O: Sendable> {
    desk: Arc<Desk<I, O>>,
    keeper: Option<JoinHandle<()>>,
    ahead: usize,
}

impl<I: Sendable, O: Sendable> Pool<I, O> {
    /// A pool for `task`: the beginning of its settings.
    pub fn of(task: &'static Task<I, O>) -> Settings<I, O> {
        Settings::new(task.name, &())
    }

    /// A pool for a task with a state, which each worker makes from `argument` at its start (`initializer` and
    /// `initargs` in Python).
    pub fn with<A: Sendable, S: 'static>(task: &'static Task<I, O, A, S>, argument: &A) -> Settings<I, O> {
        Settings::new(task.name, argument)
    }

    fn start(rules: rules::Rules, ahead: usize) -> Result<Self, PoolError> {
        let cannot = |error: std::io::Error| PoolError::Start {
            what: "a pool".to_owned(),
            why: rules::in_words(&error),
        };
        let desk = Arc::new(Desk::new().map_err(cannot)?);
        let (sender, started) = sync_channel(1);
        let keeper = {
            let desk = Arc::clone(&desk);
            let run = move || keeper::run(desk, rules, &sender);
            thread::Builder::new().name("pool".to_owned()).spawn(run).map_err(cannot)?
        };
        let pool = Self { desk, keeper: Some(keeper), ahead };
        match started.recv() {
            Ok(Ok(())) => Ok(pool),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(PoolError::Broken("its own thread has panicked".to_owned())),
        }
    }

    /// Answers to `input`, in its order (`imap` in Python). Input is read as answers are taken, and at most
    /// [`ahead`](Settings::ahead) of them: it may be endless. Collect into a `Result<Vec<_>, _>` to stop at the first
    /// piece that fails, into a `Vec<Result<_, _>>` to have all.
    ///
    /// Dropping the iterator gives up what nobody has begun.
    pub fn map<T: IntoIterator<Item = I>>(&self, input: T) -> Results<'_, I, O, T::IntoIter> {
        Results::new(&self.desk, input.into_iter(), self.ahead)
    }

    /// Answers as they come, each with the place of its input, from 0 (`imap_unordered`, `as_completed`). Otherwise
    /// as [`map`](Self::map).
    pub fn map_unordered<T: IntoIterator<Item = I>>(&self, input: T) -> Unordered<'_, I, O, T::IntoIter> {
        Unordered::new(&self.desk, input.into_iter(), self.ahead)
    }

    /// One piece, to be waited for later (`submit`, `apply_async`). It does not wait, so that whoever submits without
    /// end fills the memory: that is what [`map`](Self::map) is for.
    pub fn submit(&self, input: I) -> Pending<I, O> {
        let (promise, pending) = pending::pending();
        self.desk.ask(Request::Piece(input, promise));
        pending
    }

    /// Its workers, as they are at this moment.
    pub fn workers(&self) -> Vec<Handle> {
        self.desk.workers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it has done until now.
    pub fn report(&self) -> Report {
        self.desk.counts.report()
    }

    /// Why it can do nothing any more, if that is so.
    pub fn broken(&self) -> Option<PoolError> {
        self.desk.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it when all that was submitted is done: workers see the end of their input, and exit.
    pub fn close(mut self) -> Report {
        self.end(How::Close)
    }

    /// Ends it now: workers get SIGTERM, and those that are still there after 2 s SIGKILL. Pieces that are not done
    /// end as [`Why::Ended`].
    pub fn terminate(mut self) -> Report {
        self.end(How::Terminate)
    }

    /// Ends it now, with SIGKILL. The same as dropping it.
    pub fn kill(mut self) -> Report {
        self.end(How::Kill)
    }

    fn end(&mut self, how: How) -> Report {
        if let Some(keeper) = self.keeper.take() {
            self.desk.ask(Request::End(how));
            // A panic there has been printed; whoever waits for an answer panics too.
            let _ = keeper.join();
        }
        self.report()
    }
}

impl<I: Sendable, O: Sendable> Drop for Pool<I, O> {
    fn drop(&mut self) {
        self.end(How::Kill);
    }
}

impl<I: Sendable, O: Sendable> fmt::Debug for Pool<I, O> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Pool").field("workers", &self.workers()).field("report", &self.report()).finish()
    }
}
