//! The worker's side: it connects, shows the key, and does orders until there are no more.

use std::{
    marker::PhantomData,
    os::fd::AsFd,
    panic::{self, AssertUnwindSafe},
    process,
    sync::OnceLock,
};

use processes::{
    pool::{Task, TaskError},
    worker::{self, JobName},
};
use rustix::io::write;
use workload::{Failure, PieceError, Span, Workload, attempt, now, panic_message};

use super::{
    ipc_channel,
    line::{Carrier, LONGEST, Line, LineError},
    words::{self, Answer, Hello, Order, Terms},
};
use crate::{Address, Connection, frame};

pub(super) const fn job<W: Workload>() -> worker::Job {
    Be::<W>::WORKER.job()
}

/// The task for one workload, and its name among the others.
pub(super) struct Be<W>(PhantomData<W>);

impl<W: Workload> Be<W> {
    /// Its input is which worker to be; its argument says all else.
    pub(super) const WORKER: &'static Task<u32, (), Terms<W>, Terms<W>> =
        &Task::with_state(Self::NAME, Ok, work::<W>);

    const JOINED: &'static JobName = &JobName::of("ipc: ", W::NAME);
    const NAME: &'static str = Self::JOINED.as_str();
}

static WATCH: OnceLock<fn(&'static str)> = OnceLock::new();

/// Has `watch` called in this process, if it becomes a worker, at each point of its work, by name: for tests of what happens
/// when a worker is killed there. To be called before [`worker::enter`]; only the first call counts.
///
/// The points: `started`, `connected`, `known` (the key was shown), `taken`, `worked`, `half sent` (sockets alone), `sent`.
pub fn watch(watch: fn(&'static str)) {
    let _ = WATCH.set(watch);
}

fn at(point: &'static str) {
    if let Some(watch) = WATCH.get() {
        watch(point);
    }
}

// ANCHOR: work
/// Be worker `number`: whatever the caller says, until it says that there is no more.
fn work<W: Workload>(terms: &mut Terms<W>, number: u32) -> Result<(), TaskError> {
    at("started");
    let mut line = connect(terms, number)?;
    at("known");
    while let Some(order) = words::decode::<Option<Order<Vec<W::Piece>>>>(line.receive()?)? {
        at("taken");
        let answer = do_order(terms, &order);
        let bytes = words::encode(&answer).or_else(|error| {
            let why = Failure::Error(PieceError::new(format_args!("its part {error}")));
            words::encode(&Answer::<W::Part> { outcome: Err((order.first, why)), ..answer })
        })?;
        at("worked");
        send(&mut line, &bytes)?;
        at("sent");
    }
    Ok(())
}
// ANCHOR_END: work

fn connect<W: Workload>(terms: &Terms<W>, number: u32) -> Result<Line, TaskError> {
    let address: Address = terms.address.parse()?;
    let mut connection = Connection::connect(&address)?.with_maximum(LONGEST);
    at("connected");
    let hello = Hello { secret: terms.secret, worker: number, process: process::id() };
    connection.send(&words::encode(&hello)?)?;
    Ok(match terms.carrier {
        Carrier::UnixSocket | Carrier::Tcp => Line::Socket(connection),
        Carrier::IpcChannel => ipc_channel::join(connection)?,
    })
}

/// Does the pieces of an order one after the other, up to the first that fails.
fn do_order<W: Workload>(terms: &Terms<W>, order: &Order<Vec<W::Piece>>) -> Answer<W::Part> {
    let (mut spans, mut whole, mut outcome) = (Vec::new(), W::Part::default(), Ok(()));
    for (piece, index) in order.pieces.iter().zip(order.first..) {
        let start = if terms.timed { now() } else { 0 };
        let done = attempt(&terms.work, piece);
        if terms.timed {
            // The caller knows which worker this is, and fills in the number.
            spans.push(Span { piece: index, worker: 0, pid: process::id(), start, end: now() });
        }
        let combined = done.and_then(|part| {
            // Unwind safety: after a panic nobody looks at `whole` again.
            panic::catch_unwind(AssertUnwindSafe(|| terms.work.combine(&mut whole, part)))
                .map_err(|payload| Failure::Panic(panic_message(&*payload)))
        });
        if let Err(failure) = combined {
            outcome = Err((index, failure));
            break;
        }
    }
    Answer { first: order.first, count: order.pieces.len(), outcome: outcome.map(|()| whole), spans }
}

/// In one go; in two halves only when a test wants to be called in the middle.
fn send(line: &mut Line, message: &[u8]) -> Result<(), LineError> {
    if let (Line::Socket(connection), Some(_)) = (&*line, WATCH.get()) {
        let header = frame::header(message, LONGEST)?;
        let whole = [&header, message].concat();
        let (one, other) = whole.split_at(whole.len() / 2);
        for (half, point) in [(one, Some("half sent")), (other, None)] {
            let mut left = half;
            while !left.is_empty() {
                left = &left[write(connection.as_fd(), left).map_err(std::io::Error::from)?..];
            }
            point.into_iter().for_each(at);
        }
        return Ok(());
    }
    line.send(message)
}
