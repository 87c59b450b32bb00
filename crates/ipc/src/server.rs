//! A thread for each client, behind a [`Door`]: it may wait for its own client as long as it likes and holds nobody up.
//!
//! In Python: the `Server` of `multiprocessing.managers`, one thread a client as well.

use std::{
    collections::HashMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::{
    event::{EventfdFlags, PollFlags, eventfd},
    io::{Errno, read, write},
    net::{Shutdown, shutdown},
};

use crate::{
    Address, Connection,
    auth::Door,
    ready::{deadline, ready},
    wait::wait,
};

/// They look something up and answer: no deep calls.
const STACK: usize = 256 << 10;

/// Serves until it is dropped. Then every client reads the end.
#[derive(Debug)]
pub(crate) struct Server {
    address: Address,
    stop: Arc<Turn>,
    accepts: Option<JoinHandle<()>>,
}

/// Sockets of the clients that are served, by number: to be shut from outside.
type Open = Arc<Mutex<HashMap<u64, OwnedFd>>>;

impl Server {
    /// Calls `serve` on a thread of its own for each client that comes in, with a number that no other client gets. When
    /// it returns, the client is gone.
    pub(crate) fn start(
        door: Door,
        serve: impl Fn(u64, Connection) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (stop, address) = (Arc::new(Turn::new()?), door.address().clone());
        let until = Arc::clone(&stop);
        let accepts = thread::Builder::new()
            .name("accepts".into())
            .spawn(move || accept(door, &until, Arc::new(serve)))?;
        Ok(Self { address, stop, accepts: Some(accepts) })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.give();
        // A client's thread that panicked has said so; the others were joined.
        let _ = self.accepts.take().map(JoinHandle::join);
    }
}

fn accept(mut door: Door, stop: &Turn, serve: Arc<impl Fn(u64, Connection) + Send + Sync + 'static>) {
    let open = Open::default();
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let mut number = 0;
    loop {
        let connection = match door.accept_until(&stop.0) {
            Ok(None) => break,
            Ok(Some(connection)) => connection,
            // No descriptors left, for instance: it would fail again at once, and one of the clients may go.
            Err(_) => match ready(&stop.0, PollFlags::IN, deadline(Duration::from_millis(10))) {
                Ok(true) => break,
                _ => continue,
            },
        };
        threads.retain(|thread| !thread.is_finished());
        number += 1;
        // Without a second descriptor it could not be stopped: then this client is not served, and reads the end.
        let Ok(socket) = connection.as_fd().try_clone_to_owned() else { continue };
        lock(&open).insert(number, socket);
        let (serve, opened) = (Arc::clone(&serve), Arc::clone(&open));
        let entry = Entry { number, open: opened };
        let spawned = thread::Builder::new().stack_size(STACK).spawn(move || {
            let entry = entry;
            serve(entry.number, connection);
        });
        // The entry went with the closure if there is no thread for it.
        threads.extend(spawned.ok());
    }
    for socket in lock(&open).values() {
        // It may have gone at this moment: that is what is wanted.
        let _ = shutdown(socket, Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Takes a client out of the table, also when serving it panicked.
struct Entry {
    number: u64,
    open: Open,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}

/// Says to one thread that it may look again: an eventfd, so that it can be waited for beside the thread's connection.
#[derive(Debug)]
pub(crate) struct Turn(OwnedFd);

impl Turn {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    pub(crate) fn give(&self) {
        // It fails where 2^64 - 2 turns were given and none taken.
        let _ = write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Whether there was one.
    pub(crate) fn take(&self) -> bool {
        !matches!(read(&self.0, &mut [0_u8; 8]), Err(Errno::AGAIN))
    }
}

/// How a wait for a [`Turn`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// Something has changed.
    Turn,
    /// The time is over.
    Late,
    /// The client has gone, or speaks out of turn.
    Gone,
}

/// Waits for `turn`, and watches the client meanwhile: who was killed must not be given anything.
pub(crate) fn wait_for(
    turn: &Turn,
    client: &mut Connection,
    until: Option<Instant>,
) -> Result<Waited, io::Error> {
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    let ready = wait(&mut [client, &mut turn.0.as_fd()], left)?;
    Ok(match ready.first() {
        None => Waited::Late,
        Some(0) => Waited::Gone,
        Some(_) => Waited::Turn,
    })
}

/// What is behind these locks is whole at every moment, whoever panicked while holding one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
