//! Where callers leave what they want and the pool's thread finds it: a list behind a lock, and a bell.
//!
//! The pool's thread sleeps in poll(2), which knows descriptors and no condition variables. So the bell is an
//! eventfd(2); it is rung only for the first request in an empty list, since one look takes all of them.

use std::{
    collections::VecDeque,
    io, mem,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::Sender,
    },
};

use rustix::event::{EventfdFlags, eventfd};

use super::{failed::PoolError, pending::Promise, report::Counts, results::Batch};
use crate::child::Handle;

/// What callers want.
pub(super) enum Request<I, O> {
    /// There will be pieces of this client, and this is where answers go.
    Client(u64, Sender<Batch<I, O>>),
    /// The next pieces of a client.
    Pieces { client: u64, first: u64, pieces: Vec<I> },
    /// One piece.
    Piece(I, Promise<I, O>),
    /// This client wants no more answers.
    Cancel(u64),
    /// End when all is done, or at once.
    End(How),
}

/// How a pool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// When all pieces are done; workers see the end of their input.
    Close,
    /// At once; workers get SIGTERM, and SIGKILL after a grace time.
    Terminate,
    /// At once; workers get SIGKILL.
    Kill,
}

pub(super) struct Desk<I, O> {
    /// `None` when the pool's thread has ended.
    requests: Mutex<Option<VecDeque<Request<I, O>>>>,
    bell: OwnedFd,
    clients: AtomicU64,
    pub(super) counts: Counts,
    /// The workers that are there.
    pub(super) workers: Mutex<Vec<Handle>>,
    pub(super) broken: Mutex<Option<PoolError>>,
}

impl<I, O> Desk<I, O> {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            requests: Mutex::new(Some(VecDeque::new())),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            clients: AtomicU64::new(0),
            counts: Counts::default(),
            workers: Mutex::default(),
            broken: Mutex::default(),
        })
    }

    /// A number for a new client.
    pub(super) fn client(&self) -> u64 {
        // Relaxed: only that no two get the same.
        self.clients.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn ask(&self, request: Request<I, O>) {
        let mut requests = self.lock();
        // Nobody looks any more: dropping it, when the lock is free again, tells who waits for an answer.
        let Some(waiting) = &mut *requests else { return };
        let first = waiting.is_empty();
        waiting.push_back(request);
        drop(requests);
        if first {
            // It fails only when 2^64 - 2 rings were not heard, and then it rings anyway.
            let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
        }
    }

    /// All that is wanted. To be called after the bell was silenced: the other way round a request that comes in
    /// between would lie there with the bell silent.
    pub(super) fn requests(&self) -> VecDeque<Request<I, O>> {
        self.lock().as_mut().map(mem::take).unwrap_or_default()
    }

    /// From now on nobody looks: what lies here, and what comes, is dropped.
    pub(super) fn close(&self) {
        let left = self.lock().take();
        drop(left);
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Request<I, O>>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn silence(&self) {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
