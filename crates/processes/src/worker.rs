//! The worker's side: [`enter`] is the first line of a program's `main`, and in a worker it is also the last.

use std::{
    env, fmt,
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, OwnedFd},
    panic::{self, AssertUnwindSafe},
    process,
};

use rustix::fs::FileType;
use workload::{Failure, PieceError, Span, Workload, attempt, now, panic_message};

use crate::{
    frame::{self, FrameError, Inbox},
    lines,
    mark::{self, Mark},
    message::{self, Greeting, OpeningError, Order, Reply, Welcome},
};

pub use crate::{job_name::JobName, point::Point};

/// What workers of this program can do: a workload ([`job`]) or a task of a pool
/// ([`Task::job`](crate::pool::Task::job)).
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// The name by which a caller asks for it.
    pub name: &'static str,
    pub(crate) service: Service,
    pub(crate) line: lines::Do,
    pub(crate) join: lines::Join,
}

/// The loop in which it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Service {
    Workload(fn(Duty) -> Result<(), FrameError>),
    Task(&'static dyn Serve),
}

/// A task, whatever goes in and comes out.
pub(crate) trait Serve: Sync + fmt::Debug {
    fn serve(&self, duty: Duty) -> Result<(), FrameError>;
}

/// Makes `W` known to [`enter`]. What cannot be sent to another process is no [`Workload`], and does not compile.
pub const fn job<W: Workload>() -> Job {
    let service = Service::Workload(serve::<W>);
    Job { name: W::NAME, service, line: lines::do_line::<W>, join: lines::join_parts::<W> }
}

/// Turns this process into a worker if it was started as one, and then never returns; otherwise does nothing.
///
/// It is the first line of `main`, so that a worker does not do what else the program does at its start.
///
/// ```no_run
/// # use processes::worker;
/// # use workload::{PieceError, Workload};
/// # #[derive(Clone, Debug, serde::Serialize, serde::Deserialize)] struct Squares;
/// # impl Workload for Squares {
/// #     const NAME: &'static str = "squares"; type Piece = u64; type Part = u64;
/// #     fn pieces(&self) -> Result<Vec<u64>, PieceError> { Ok(vec![]) }
/// #     fn run(&self, piece: &u64) -> Result<u64, PieceError> { Ok(piece * piece) }
/// #     fn combine(&self, left: &mut u64, right: u64) { *left += right }
/// # }
/// fn main() {
///     worker::enter(&[worker::job::<Squares>()]);
///     // ... the program
/// }
/// ```
///
/// In a worker, standard output is standard error (frames have a pipe of their own, which no `println!` can
/// reach), standard input is empty, a piece's panic prints nothing (its message goes to the caller), and on
/// Linux the kernel kills the process as soon as the thread that started it is gone.
pub fn enter(jobs: &[Job]) {
    enter_watched(jobs, None);
}

/// [`enter`], with a function that is called at each [`Point`]: for tests of what happens when a worker ends
/// there.
pub fn enter_watched(jobs: &[Job], watch: Option<fn(Point)>) {
    let Some(mark) = env::args_os().next_back().and_then(|last| Mark::parse(&last)) else { return };
    process::exit(match work(jobs, mark, watch) {
        Ok(()) => 0,
        // The caller is gone or wants no more: nobody to tell.
        Err(EnterError::Frame(FrameError::Io(error)) | EnterError::Io(error))
            if error.kind() == io::ErrorKind::BrokenPipe =>
        {
            1
        }
        Err(error) => {
            eprintln!("worker (process {}): {error}", process::id());
            2
        }
    })
}

/// Why a process that has a worker's argument is no worker, or ends early.
#[derive(Debug, thiserror::Error)]
enum EnterError {
    #[error(
        "the last argument says that process {said} started this one as a worker, but its parent is {is}"
    )]
    Parent { said: u32, is: u32 },
    #[error("the last argument says that this is a worker, but standard input is no pipe")]
    NoPipe,
    #[error("the caller's first message: {0}")]
    Opening(#[from] OpeningError),
    #[error("the caller's message {0}")]
    Frame(#[from] FrameError),
    #[error("cannot set up: {0}")]
    Io(#[from] io::Error),
}

fn work(jobs: &[Job], mark: Mark, watch: Option<fn(Point)>) -> Result<(), EnterError> {
    end_with_parent()?;
    // Only after the line above: a parent that ended before it would never be noticed.
    let is = mark::parent_id();
    if is != mark.parent {
        return Err(EnterError::Parent { said: mark.parent, is });
    }
    let mut pipes = Pipes::take()?;
    let greeting: Greeting = match pipes.inbox.receive(&pipes.from_caller)? {
        Some(payload) => message::opened(payload)?,
        None => return Ok(()),
    };
    if greeting.nonce != mark.nonce {
        return Err(OpeningError::Nonce.into());
    }
    mark::entered();
    // A piece's panic is reported to the caller, which says it once; n workers need not print it n times.
    panic::set_hook(Box::new(|_| {}));
    let job = jobs.iter().find(|job| job.name == greeting.job);
    let refused = job.is_none().then(|| {
        let known: Vec<_> = jobs.iter().map(|job| job.name).collect();
        format!("it does not know the job `{}`, only: {}", greeting.job, known.join(", "))
    });
    pipes.to_caller.write_all(&message::open(&Welcome { nonce: mark.nonce, refused })?)?;
    let duty = Duty { pipes, timed: greeting.timed, watch };
    match job.map(|job| job.service) {
        Some(Service::Workload(serve)) => Ok(serve(duty)?),
        Some(Service::Task(task)) => Ok(task.serve(duty)?),
        None => Ok(()),
    }
}

/// Asks the kernel to kill this process when the thread that started it ends, for whatever reason.
fn end_with_parent() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    Ok(())
}

/// The two pipes to the caller.
struct Pipes {
    from_caller: OwnedFd,
    to_caller: File,
    inbox: Inbox,
}

impl Pipes {
    /// Moves the pipes from descriptors 0 and 1 to private ones, which no child of this process inherits. What
    /// the work reads from 0 is empty from now on, and what it prints to 1 comes out of 2.
    fn take() -> Result<Self, EnterError> {
        let stat = rustix::fs::fstat(io::stdin()).map_err(io::Error::from)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Fifo {
            return Err(EnterError::NoPipe);
        }
        let from_caller = io::stdin().as_fd().try_clone_to_owned()?;
        let to_caller = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        rustix::stdio::dup2_stdin(File::open("/dev/null")?).map_err(io::Error::from)?;
        rustix::stdio::dup2_stdout(io::stderr()).map_err(io::Error::from)?;
        Ok(Self { from_caller, to_caller, inbox: Inbox::default() })
    }
}

/// What a worker has to do, and through which pipes.
pub(crate) struct Duty {
    pipes: Pipes,
    timed: bool,
    watch: Option<fn(Point)>,
}

impl Duty {
    /// The caller's next message; `None` when there will be no more.
    pub(crate) fn receive(&mut self) -> Result<Option<&[u8]>, FrameError> {
        self.pipes.inbox.receive(&self.pipes.from_caller)
    }

    /// A frame that is no answer, so that no [`Point`] is passed.
    pub(crate) fn write(&mut self, frame: &[u8]) -> Result<(), FrameError> {
        Ok(self.pipes.to_caller.write_all(frame)?)
    }

    pub(crate) fn at(&self, point: Point) {
        if let Some(watch) = self.watch {
            watch(point);
        }
    }

    /// Writes a whole frame at once; in two halves only when a test wants to be called in the middle.
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<(), FrameError> {
        let half = if self.watch.is_some() { frame.len() / 2 } else { 0 };
        self.at(Point::BeforeWrite);
        if half > 0 {
            self.pipes.to_caller.write_all(&frame[..half])?;
            self.at(Point::MidWrite);
        }
        self.pipes.to_caller.write_all(&frame[half..])?;
        self.at(Point::AfterWrite);
        Ok(())
    }
}

/// The worker's loop: reads an order, does it, replies; until the caller closes the pipe.
fn serve<W: Workload>(mut duty: Duty) -> Result<(), FrameError> {
    let workload: W = match duty.receive()? {
        Some(payload) => frame::decode(payload)?,
        None => return Ok(()),
    };
    loop {
        duty.at(Point::BeforeRead);
        let order: Order<Vec<W::Piece>> = match duty.receive()? {
            Some(payload) => frame::decode(payload)?,
            None => return Ok(()),
        };
        duty.at(Point::AfterRead);
        let reply = do_order(&workload, &order, &duty);
        let frame = frame::encode(&reply).or_else(|error| {
            let why = Failure::Error(PieceError::new(format!("its part {error}")));
            frame::encode(&Reply::<W::Part> { outcome: Err((order.first, why)), ..reply })
        })?;
        duty.send(&frame)?;
    }
}

/// Does the pieces of an order one after the other, up to the first that fails.
fn do_order<W: Workload>(workload: &W, order: &Order<Vec<W::Piece>>, duty: &Duty) -> Reply<W::Part> {
    let mut spans = Vec::new();
    let mut whole = W::Part::default();
    let began = now();
    let mut outcome = Ok(());
    for (piece, index) in order.pieces.iter().zip(order.first..) {
        duty.at(Point::MidWork);
        let start = if duty.timed { now() } else { 0 };
        let done = attempt(workload, piece);
        if duty.timed {
            // The caller knows which of its workers this is, and fills in the number.
            spans.push(Span { piece: index, worker: 0, pid: process::id(), start, end: now() });
        }
        let combined = done.and_then(|part| {
            // Unwind safety: after a panic nobody looks at `whole` again.
            panic::catch_unwind(AssertUnwindSafe(|| workload.combine(&mut whole, part)))
                .map_err(|payload| Failure::Panic(panic_message(&*payload)))
        });
        if let Err(failure) = combined {
            outcome = Err((index, failure));
            break;
        }
    }
    Reply {
        first: order.first,
        count: order.pieces.len(),
        outcome: outcome.map(|()| whole),
        nanoseconds: now() - began,
        spans,
    }
}

/// Whether this process is a worker.
pub fn is_worker() -> bool {
    mark::has_entered()
}
