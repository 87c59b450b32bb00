//! The side that is called: one thread reads, a few run what was asked, and each replies when it is done.

use std::{
    collections::{HashMap, VecDeque},
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::net::{Shutdown, shutdown};

use super::{
    Context, Methods,
    methods::Ran,
    wire::{Outcome, Reply, Request},
};
use crate::{Connection, Receiver, Sender, fields::FieldError, frame::FrameError, ready::deadline};

/// What one client may have of a server.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Methods that run at once; at least one.
    pub workers: usize,
    /// Calls that wait to be run. One more is answered with [`Outcome::Busy`].
    pub waiting: usize,
    /// Bytes of a request or a reply, at most.
    pub longest: usize,
    /// A client that does not take a reply for so long is let go.
    pub reply_within: Duration,
}

/// Memory for one client: at most (`workers` + `waiting`) times `longest`, 68 MiB.
impl Default for Limits {
    fn default() -> Self {
        Self { workers: 4, waiting: 64, longest: 1 << 20, reply_within: Duration::from_secs(10) }
    }
}

/// Why a conversation ended otherwise than by the client's leaving.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The stream failed, or broke off inside a message.
    #[error(transparent)]
    Stream(#[from] FrameError),
    /// What came is no request.
    #[error("not a request: {0}")]
    Request(#[from] FieldError),
    /// A second call by a number whose call is not answered yet.
    #[error("call {id} twice")]
    Twice {
        /// The number.
        id: u64,
    },
    /// No thread or descriptor left.
    #[error(transparent)]
    Io(#[from] io::Error),
}

struct Conversation<'a> {
    methods: &'a Methods,
    limits: Limits,
    calls: Mutex<Calls>,
    changed: Condvar,
    sender: Mutex<Sender>,
    socket: OwnedFd,
}

#[derive(Default)]
struct Calls {
    waiting: VecDeque<Call>,
    /// Waiting or running, by number.
    open: HashMap<u64, Arc<Context>>,
    ended: bool,
}

struct Call {
    id: u64,
    method: String,
    argument: Vec<u8>,
    context: Arc<Context>,
}

/// Answers the calls of one client until it leaves. Then methods that still run are told that nobody waits for them,
/// and this returns when they have returned. Who serves many clients has a thread for each.
///
/// # Errors
/// [`ServeError`]; whatever it is, the connection is closed, and nothing of it is left.
pub fn serve(connection: Connection, methods: &Methods, limits: Limits) -> Result<(), ServeError> {
    let connection = connection.with_maximum(limits.longest);
    let socket = connection.as_fd().try_clone_to_owned()?;
    let (sender, mut receiver) = connection.split();
    let conversation = Conversation {
        methods,
        limits,
        calls: Mutex::default(),
        changed: Condvar::new(),
        sender: Mutex::new(sender),
        socket,
    };
    thread::scope(|scope| {
        let workers = (0..limits.workers.max(1)).try_for_each(|_| {
            thread::Builder::new().spawn_scoped(scope, || conversation.work())?;
            Ok(())
        });
        let read = workers.and_then(|()| conversation.read(&mut receiver));
        conversation.end();
        read
    })
}

impl Conversation<'_> {
    fn read(&self, receiver: &mut Receiver) -> Result<(), ServeError> {
        while let Some(message) = receiver.receive()? {
            match Request::decode(message)? {
                Request::Cancel { id } => {
                    if let Some(context) = self.calls().open.get(&id) {
                        context.give_up();
                    }
                }
                Request::Call { id, within, method, argument } => {
                    let context = Arc::new(Context::new(deadline(within)));
                    let mut calls = self.calls();
                    if calls.open.contains_key(&id) {
                        return Err(ServeError::Twice { id });
                    }
                    if calls.waiting.len() >= self.limits.waiting {
                        drop(calls);
                        self.reply(&Reply { id, outcome: Outcome::Busy });
                        continue;
                    }
                    calls.open.insert(id, Arc::clone(&context));
                    let (method, argument) = (method.to_owned(), argument.to_owned());
                    calls.waiting.push_back(Call { id, method, argument, context });
                    self.changed.notify_one();
                }
            }
        }
        Ok(())
    }

    // ANCHOR: work
    fn work(&self) {
        while let Some(call) = self.next() {
            // It may have waited too long: then it is not begun, and nobody is told, since nobody waits.
            let ran = call
                .context
                .is_wanted()
                .then(|| self.methods.run(&call.method, &call.argument, &call.context));
            self.calls().open.remove(&call.id);
            let outcome = match &ran {
                None => continue,
                Some(Ran::Done(result)) => Outcome::Done(result),
                Some(Ran::Failed(error)) => Outcome::Failed(error),
                Some(Ran::Panicked(words)) => Outcome::Panicked(words),
                Some(Ran::Unknown) => Outcome::Unknown,
            };
            self.reply(&Reply { id: call.id, outcome });
        }
    }
    // ANCHOR_END: work

    fn next(&self) -> Option<Call> {
        let waits = |calls: &mut Calls| calls.waiting.is_empty() && !calls.ended;
        let mut calls = self.changed.wait_while(self.calls(), waits).unwrap_or_else(PoisonError::into_inner);
        if calls.ended { None } else { calls.waiting.pop_front() }
    }

    /// If it cannot be sent in time the connection is over: the reader sees its end, and ends everything.
    fn reply(&self, reply: &Reply<'_>) {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sent = sender.send_within(&reply.encode(), self.limits.reply_within);
        if let Err(FrameError::TooLong { announced, maximum, .. }) = sent {
            let why = format!("a reply of {announced} bytes, where at most {maximum} are allowed");
            let shorter = Reply { id: reply.id, outcome: Outcome::Failed(&why) };
            sent = sender.send_within(&shorter.encode(), self.limits.reply_within);
        }
        if sent.is_err() {
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
    }

    /// Nobody waits for anything any more.
    fn end(&self) {
        let _ = shutdown(&self.socket, Shutdown::Both);
        let mut calls = self.calls();
        calls.ended = true;
        calls.waiting.clear();
        for context in calls.open.values() {
            context.give_up();
        }
        self.changed.notify_all();
    }

    /// A panic in between leaves nothing half done: each change is one step. (Methods run without the lock.)
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
