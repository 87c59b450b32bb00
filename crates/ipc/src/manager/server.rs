//! Serves the objects: a thread for each client, which lets go of its locks when it goes.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    LOOKS,
    state::{Acquired, State},
    wire::{Answer, Call, RemoteError, Request},
};
use crate::{
    Address, Connection, Listener,
    auth::{Door, Key},
    ready::deadline,
    server::{Server, Turn, Waited, lock, wait_for},
};

/// The process in which the state is. Dropped, it takes the state with it, and every client is told.
#[derive(Debug)]
pub struct ManagerServer {
    server: Server,
}

impl ManagerServer {
    /// Serves at `address` those who know `key`.
    ///
    /// # Errors
    /// Those of [`Listener::bind_over_stale`], and when no thread can be started.
    pub fn start(address: &Address, key: Key) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let server =
            Server::start(Door::new(Listener::bind_over_stale(address)?, key), move |number, connection| {
                // Without an eventfd it cannot wait: its connection ends, and it knows.
                if let Ok(turn) = Turn::new() {
                    let connection = connection.with_looks(LOOKS);
                    Client { number, connection, turn: Arc::new(turn), state: &state }.serve();
                }
            })?;
        Ok(Self { server })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        self.server.address()
    }
}

struct Client<'a> {
    number: u64,
    connection: Connection,
    turn: Arc<Turn>,
    state: &'a Mutex<State>,
}

impl Client<'_> {
    /// To its end, whatever that is: it hangs up, it is killed, it says what is no request.
    fn serve(mut self) {
        let (mut asked, mut said) = (Vec::new(), Vec::new());
        while let Ok(Some(message)) = self.connection.receive() {
            message.clone_into(&mut asked);
            said.clear();
            if self.answer(&asked, &mut said).is_none() || self.connection.send(&said).is_err() {
                return;
            }
        }
    }

    /// `None` when it has gone, or what it says is no request.
    fn answer(&mut self, asked: &[u8], said: &mut Vec<u8>) -> Option<()> {
        let Request { object, call } = match Request::decode(asked) {
            Ok(request) => request,
            Err(error) => return say(said, &Answer::Error(RemoteError::Message(error.offset as u64))),
        };
        if let Call::Acquire(limit) = call {
            return match self.acquire(object, limit.map(Duration::from_micros)) {
                Ok(answer) => say(said, &answer?),
                Err(why) => say(said, &Answer::Error(why)),
            };
        }
        let mut state = lock(self.state);
        match state.call(self.number, object, &call) {
            // Written while the lock is held, since it is a view of what others change.
            Ok(answer) => say(said, &answer),
            Err(why) => say(said, &Answer::Error(why)),
        }
    }

    // ANCHOR: acquire
    /// `None` when it went while it waited.
    fn acquire(
        &mut self,
        name: &str,
        limit: Option<Duration>,
    ) -> Result<Option<Answer<'static>>, RemoteError> {
        let until = limit.and_then(deadline);
        if let Acquired::Yes(after_death) = lock(self.state).acquire(self.number, name, &self.turn)? {
            return Ok(Some(Answer::Acquired(after_death)));
        }
        let waited = wait_for(&self.turn, &mut self.connection, until);
        if matches!(waited, Ok(Waited::Gone) | Err(_)) {
            // If the lock came at this moment, `drop` hands it on.
            return Ok(None);
        }
        // Also when time is over: the lock may have come at this moment, and nobody else knows.
        let has_it = lock(self.state).has_waited(self.number, name)?;
        self.turn.take();
        Ok(Some(has_it.map_or(Answer::Late, Answer::Acquired)))
    }
    // ANCHOR_END: acquire
}

/// It has gone, and its locks are free.
impl Drop for Client<'_> {
    fn drop(&mut self) {
        lock(self.state).forget(self.number);
    }
}

fn say(said: &mut Vec<u8>, answer: &Answer<'_>) -> Option<()> {
    // It fails only where there is no memory, and that aborts.
    *said = answer.encode(std::mem::take(said)).ok()?;
    Some(())
}
