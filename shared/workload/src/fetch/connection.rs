//! One client's connection: which state it is in, and how it gets from one to the next without ever waiting.

use std::{
    io::{self, Read, Write},
    mem,
    net::{Shutdown, TcpStream},
};

use super::{
    reply::{Desk, Reply, Then},
    request::{self, parse},
};

/// A connection, and how far its conversation is.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    /// What has come and is not understood yet; never more than a request may have.
    received: Vec<u8>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Before a request, or in the middle of one.
    Listening,
    /// The request has come, the answer is not due yet.
    Thinking { reply: Reply },
    /// So much of the reply is sent; the rest waits until the client has taken that.
    Sending { reply: Reply, sent: usize },
    /// Nothing more will be said. What comes is thrown away, until the client hangs up: if we closed the socket
    /// while something unread is in it, the system would throw away what we said last, too.
    Ended,
}

/// What the event loop has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Wait for more to read.
    Read,
    /// Wait until more can be written, and do not read meanwhile.
    Write,
    /// A document was asked for: call [`Connection::answer`] when it is due.
    Answer,
    /// Forget this connection.
    Close,
}

impl Connection {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self { socket, received: Vec::new(), state: State::Listening }
    }

    /// Takes what has come.
    pub(super) fn readable(&mut self, desk: &mut Desk) -> Next {
        let mut chunk = [0; request::LONGEST];
        match self.socket.read(&mut chunk) {
            Ok(0) => Next::Close,
            Ok(got) => match self.state {
                State::Ended => Next::Read,
                _ if self.received.len() + got > 2 * request::LONGEST => Next::Close,
                State::Listening => {
                    self.received.extend(&chunk[..got]);
                    self.understand(desk)
                }
                State::Thinking { .. } | State::Sending { .. } => {
                    self.received.extend(&chunk[..got]);
                    Next::Read
                }
            },
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Next::Read
            }
            Err(_) => Next::Close,
        }
    }

    /// Looks for a request in what was received.
    fn understand(&mut self, desk: &mut Desk) -> Next {
        let (reply, late, len) = match parse(&self.received) {
            Ok(None) => return Next::Read,
            Ok(Some(request)) => {
                let (reply, late) = desk.reply(&request);
                (reply, late, request.len)
            }
            Err(status) => (Reply::status(status, Then::HangUp), false, self.received.len()),
        };
        self.received.drain(..len);
        if late {
            self.state = State::Thinking { reply };
            return Next::Answer;
        }
        self.state = State::Sending { reply, sent: 0 };
        self.writable(desk)
    }

    /// Sends the document that was asked for: now it is due.
    pub(super) fn answer(&mut self, desk: &mut Desk) -> Next {
        self.state = match mem::replace(&mut self.state, State::Listening) {
            State::Thinking { reply } => State::Sending { reply, sent: 0 },
            other => other,
        };
        self.writable(desk)
    }

    /// Sends as much as the client takes.
    pub(super) fn writable(&mut self, desk: &mut Desk) -> Next {
        let State::Sending { reply, sent } = &mut self.state else { return Next::Read };
        while *sent < reply.bytes.len() {
            match self.socket.write(&reply.bytes[*sent..]) {
                Ok(0) => return Next::Close,
                Ok(some) => *sent += some,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Next::Write,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Next::Close,
            }
        }
        match reply.then {
            Then::NextRequest => {
                self.state = State::Listening;
                // It may be here already: a client need not wait for the answer to the one before.
                if self.received.is_empty() { Next::Read } else { self.understand(desk) }
            }
            Then::HangUp => {
                self.state = State::Ended;
                // An error here says that the client is gone, which is what the next read will say.
                let _ = self.socket.shutdown(Shutdown::Write);
                Next::Read
            }
            Then::Again => {
                // Others want their turn too: on with it when the loop comes round.
                *sent = 0;
                Next::Write
            }
            Then::Silence => {
                self.state = State::Ended;
                Next::Read
            }
        }
    }
}
