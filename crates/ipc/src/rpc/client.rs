//! The calling side: many calls on one connection, each with a number, and one thread that hands out the replies.

mod pending;

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    net::{Shutdown, shutdown},
};

use super::{
    CallError, Lost,
    wire::{Outcome, Reply, Request},
};
use crate::{
    Connection, Sender,
    frame::FrameError,
    ready::{deadline, ready},
};

pub use pending::Pending;

type Answer = Result<Vec<u8>, CallError>;

/// How long a cancellation may take to send, once the socket has room. It is a courtesy: the server knows the deadline.
const COURTESY: Duration = Duration::from_secs(1);

/// Makes calls over one connection, from as many threads as like.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// The sender is there again, or the connection is lost.
    turn: Condvar,
    /// Only to be shut down, which ends whoever waits in a read or a write.
    socket: OwnedFd,
}

#[derive(Debug)]
struct State {
    /// The number of the next call. None is used twice, so that a late reply can reach nobody but its own call.
    next: u64,
    /// Not there while somebody sends: a lock that can be waited for with a deadline, which a `Mutex` cannot.
    sender: Option<Sender>,
    /// Sent, or about to be, and not answered.
    outstanding: HashMap<u64, Outstanding>,
    lost: Option<Arc<Lost>>,
    discarded: u64,
}

#[derive(Debug)]
struct Outstanding {
    deadline: Option<Instant>,
    to: SyncSender<Answer>,
}

impl Client {
    /// Calls go over `connection` from now on.
    ///
    /// # Errors
    /// No thread or no descriptor left.
    pub fn new(connection: Connection) -> io::Result<Self> {
        let socket = connection.as_fd().try_clone_to_owned()?;
        let (sender, mut receiver) = connection.split();
        let state =
            State { next: 1, sender: Some(sender), outstanding: HashMap::new(), lost: None, discarded: 0 };
        let shared = Arc::new(Shared { state: Mutex::new(state), turn: Condvar::new(), socket });
        let theirs = Arc::clone(&shared);
        let read = move || {
            let lost = loop {
                let taken = match receiver.receive() {
                    Ok(Some(message)) => Reply::decode(message).map_err(Lost::from),
                    Ok(None) => break Lost::Closed,
                    Err(error) => break error.into(),
                };
                if let Err(lost) = taken.and_then(|reply| theirs.deliver(reply)) {
                    break lost;
                }
            };
            theirs.lose(lost);
        };
        let reader = thread::Builder::new().name("rpc-replies".into()).spawn(read)?;
        Ok(Self { shared, reader: Some(reader) })
    }

    /// Calls `method` and waits for what comes of it, at most `within`.
    ///
    /// # Errors
    /// [`CallError`], within the deadline whatever the server does.
    pub fn call(&self, method: &str, argument: &[u8], within: Duration) -> Answer {
        self.start(method, argument, within)?.wait()
    }

    // ANCHOR: start
    /// Sends a call and does not wait for its reply: others can be sent behind it.
    ///
    /// # Errors
    /// Those [`CallError`]s after which nothing was done. If the deadline passes in the middle of the request, the
    /// connection is lost: nothing can follow half a message.
    pub fn start(&self, method: &str, argument: &[u8], within: Duration) -> Result<Pending<'_>, CallError> {
        let deadline = deadline(within);
        let left = || deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        let (mut sender, id) = self.take_sender(left())?;
        let (to, answer) = sync_channel(1);
        // Before it is sent: the reply may be here before `send` returns.
        self.shared.lock().outstanding.insert(id, Outstanding { deadline, to });
        let mut pending = Pending { client: self, id, deadline, answer, over: true };

        let request = Request::Call { id, within: left(), method, argument }.encode();
        let sent = match (request, ready(&sender, PollFlags::OUT, deadline)) {
            (None, _) => Err(CallError::TooLong),
            (_, Ok(false)) => Err(CallError::NoRoom),
            (_, Err(error)) => Err(self.shared.lose(FrameError::from(error).into())),
            (Some(request), Ok(true)) => match sender.send_within(&request, left()) {
                Ok(()) => Ok(()),
                Err(FrameError::TooLong { .. }) => Err(CallError::TooLong),
                Err(error) => Err(self.shared.lose(error.into())),
            },
        };
        self.shared.give_back(sender);
        match sent {
            Ok(()) => {
                pending.over = false;
                Ok(pending)
            }
            Err(why) => {
                self.shared.lock().outstanding.remove(&id);
                Err(why)
            }
        }
    }
    // ANCHOR_END: start

    /// Replies that came when nobody waited for them any more.
    pub fn discarded(&self) -> u64 {
        self.shared.lock().discarded
    }

    /// Calls that have been sent and not answered.
    pub fn outstanding(&self) -> usize {
        self.shared.lock().outstanding.len()
    }

    fn take_sender(&self, within: Duration) -> Result<(Sender, u64), CallError> {
        let waits = |state: &mut State| state.sender.is_none() && state.lost.is_none();
        let guard = self.shared.lock();
        let (mut state, _) =
            self.shared.turn.wait_timeout_while(guard, within, waits).unwrap_or_else(PoisonError::into_inner);
        if let Some(lost) = &state.lost {
            return Err(CallError::NotSent(Arc::clone(lost)));
        }
        let sender = state.sender.take().ok_or(CallError::NoRoom)?;
        state.next += 1;
        Ok((sender, state.next - 1))
    }

    /// Tells the server that nobody waits for `id`, if that can be said at once.
    fn cancel(&self, id: u64) {
        let mut state = self.shared.lock();
        if state.outstanding.remove(&id).is_none() {
            return;
        }
        let Some(mut sender) = state.sender.take() else { return };
        drop(state);
        // A socket that is writable has room for a message this short, so the time is never needed.
        if let (Some(cancel), Ok(true)) =
            (Request::Cancel { id }.encode(), ready(&sender, PollFlags::OUT, deadline(Duration::ZERO)))
            && let Err(error) = sender.send_within(&cancel, COURTESY)
        {
            self.shared.lose(error.into());
        }
        self.shared.give_back(sender);
    }
}

impl Shared {
    /// A panic in between leaves nothing half done: each change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, sender: Sender) {
        self.lock().sender = Some(sender);
        self.turn.notify_one();
    }

    // ANCHOR: deliver
    /// Hands a reply to its call, and to no other one.
    fn deliver(&self, reply: Reply<'_>) -> Result<(), Lost> {
        let mut state = self.lock();
        let Some(call) = state.outstanding.remove(&reply.id) else {
            if reply.id == 0 || reply.id >= state.next {
                return Err(Lost::Stranger { id: reply.id });
            }
            state.discarded += 1;
            return Ok(());
        };
        let answer = if call.deadline.is_some_and(|deadline| deadline < Instant::now()) {
            state.discarded += 1;
            Err(CallError::Late)
        } else {
            answer(reply.outcome)
        };
        // Its receiver may have gone this moment: then nobody waits.
        let _ = call.to.send(answer);
        Ok(())
    }

    /// The connection is lost: every call learns it now, and every later one at once.
    fn lose(&self, why: Lost) -> CallError {
        let mut state = self.lock();
        let lost = Arc::clone(state.lost.get_or_insert(Arc::new(why)));
        // Their `to` goes with them, and so each of the receivers wakes up.
        state.outstanding.clear();
        drop(state);
        self.turn.notify_all();
        // An error says that it is shut down already.
        let _ = shutdown(&self.socket, Shutdown::Both);
        CallError::NotSent(lost)
    }
    // ANCHOR_END: deliver
}

fn answer(outcome: Outcome<'_>) -> Answer {
    match outcome {
        Outcome::Done(result) => Ok(result.to_vec()),
        Outcome::Failed(text) => Err(CallError::Failed(text.to_owned())),
        Outcome::Panicked(text) => Err(CallError::Panicked(text.to_owned())),
        Outcome::Unknown => Err(CallError::Unknown),
        Outcome::Busy => Err(CallError::Busy),
    }
}

/// Calls that still wait are told that the connection is lost; the thread that reads ends.
impl Drop for Client {
    fn drop(&mut self) {
        let _ = shutdown(&self.shared.socket, Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
