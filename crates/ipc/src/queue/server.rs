//! Serves the queue: a thread for each client, which takes back what it had when it goes.

use std::{
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    state::{Item, Line, Now, State},
    wire::{Answer, Request},
};
use crate::{
    Address, Connection, Listener,
    auth::{Door, Key},
    ready::deadline,
    server::{Server, Turn, Waited, lock, wait_for},
};

/// The process in which the queue is. Dropped, it takes the queue with it, and every client is told.
#[derive(Debug)]
pub struct QueueServer {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl QueueServer {
    /// A queue at `address` for those who know `key`. With a `capacity` producers wait when so many items are in it (those
    /// that a consumer has do not count); without, they never do, and it grows.
    ///
    /// # Errors
    /// Those of [`Listener::bind_over_stale`], and when no thread can be started.
    pub fn start(address: &Address, key: Key, capacity: Option<NonZeroUsize>) -> io::Result<Self> {
        let door = Door::new(Listener::bind_over_stale(address)?, key);
        let state = Arc::new(Mutex::new(State::new(capacity.map(NonZeroUsize::get))));
        let shared = Arc::clone(&state);
        let server = Server::start(door, move |_, connection| {
            // Without an eventfd it cannot wait: its connection ends, and it knows.
            if let Ok(turn) = Turn::new() {
                Client { connection, turn: Arc::new(turn), state: &shared, held: None }.serve();
            }
        })?;
        Ok(Self { server, state })
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        self.server.address()
    }

    /// Nothing more may be put. Consumers get what is there, and then the end.
    pub fn close(&self) {
        lock(&self.state).close();
    }

    /// Items that wait to be taken, at this moment.
    pub fn len(&self) -> usize {
        lock(&self.state).len()
    }

    /// Whether no item waits to be taken, at this moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Items that were accepted and are not done, at this moment.
    pub fn unfinished(&self) -> usize {
        lock(&self.state).unfinished()
    }
}

struct Client<'a> {
    connection: Connection,
    turn: Arc<Turn>,
    state: &'a Mutex<State>,
    /// What it has and is not done with.
    held: Option<Item>,
}

/// What a client is told, with what it holds kept apart.
enum Reply {
    Word(Answer<'static>),
    Item,
    /// It has gone.
    None,
}

impl Client<'_> {
    /// To its end, whatever that is: it hangs up, it is killed, it says what is no request.
    fn serve(mut self) {
        // The bytes of a put stay where they are while it waits for room, so they are moved out.
        while let Ok(Some(message)) = self.connection.receive().map(|message| message.map(<[u8]>::to_vec)) {
            let Ok(request) = Request::decode(&message) else { return };
            let reply = match request {
                Request::Done => {
                    self.done();
                    continue;
                }
                Request::Put { limit, items } => self.put(&items, limit),
                Request::Get { limit } => self.get(limit),
                Request::Join { limit } => self.join(limit),
            };
            let said = match (&reply, &self.held) {
                (Reply::Word(answer), _) => answer.encode(),
                (Reply::Item, Some(item)) => {
                    Answer::Item { attempt: item.attempts, bytes: &item.bytes }.encode()
                }
                _ => return,
            };
            if self.connection.send(&said).is_err() {
                return;
            }
        }
    }

    /// Asks until it is answered with something else than "wait".
    fn ask<T>(
        &mut self,
        line: Line,
        limit: Option<Duration>,
        mut ask: impl FnMut(&mut State) -> Now<T>,
    ) -> Result<T, Reply> {
        let until = limit.and_then(deadline);
        loop {
            {
                let mut state = lock(self.state);
                match ask(&mut state) {
                    Now::Yes(answer) => return Ok(answer),
                    Now::Closed => return Err(Reply::Word(Answer::Closed)),
                    // In the line before the lock is let go: what comes from now on gives us our turn.
                    Now::Wait => state.line(line).push_back(Arc::clone(&self.turn)),
                }
            }
            let waited = wait_for(&self.turn, &mut self.connection, until);
            match waited {
                Ok(Waited::Turn) => {
                    self.turn.take();
                    // Somebody may have been faster: then we wait again.
                    continue;
                }
                Ok(Waited::Late) => {
                    lock(self.state).leave(line, &self.turn);
                    return Err(Reply::Word(Answer::Late));
                }
                Ok(Waited::Gone) | Err(_) => {
                    lock(self.state).leave(line, &self.turn);
                    return Err(Reply::None);
                }
            }
        }
    }

    fn put(&mut self, items: &[&[u8]], limit: Option<Duration>) -> Reply {
        for (accepted, item) in items.iter().enumerate() {
            match self.ask(Line::Putters, limit, |state| state.put(item)) {
                Ok(()) => {}
                // A limit holds for one item, and a batch has none.
                Err(Reply::Word(Answer::Closed)) if accepted > 0 => {
                    return Reply::Word(Answer::Accepted(accepted as u64));
                }
                Err(reply) => return reply,
            }
        }
        Reply::Word(Answer::Accepted(items.len() as u64))
    }

    fn get(&mut self, limit: Option<Duration>) -> Reply {
        self.done();
        match self.ask(Line::Getters, limit, State::get) {
            Ok(item) => {
                self.held = Some(item);
                Reply::Item
            }
            Err(reply) => reply,
        }
    }

    fn join(&mut self, limit: Option<Duration>) -> Reply {
        match self.ask(Line::Joiners, limit, |state| state.is_done()) {
            Ok(()) => Reply::Word(Answer::Joined),
            Err(reply) => reply,
        }
    }

    fn done(&mut self) {
        if self.held.take().is_some() {
            lock(self.state).done();
        }
    }
}

/// It has gone: what it had goes to another.
impl Drop for Client<'_> {
    fn drop(&mut self) {
        if let Some(item) = self.held.take() {
            lock(self.state).give_back(item);
        }
    }
}
