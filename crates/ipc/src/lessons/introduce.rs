//! How the other process of a lesson learns the key: over the socket that it inherits, where nobody else can read it.

use std::io;

use crate::{
    Connection,
    auth::Key,
    frame::FrameError,
    peer::{self, Peer},
};

/// As [`Peer::connected`]; the first message tells it the key.
pub(super) fn start(lesson: &str, scene: &str, key: &Key, words: &[&str]) -> io::Result<(Peer, Connection)> {
    let (peer, mut connection) = Peer::connected(lesson, scene, words)?;
    match connection.send_within(key.bytes(), super::LIMIT) {
        Ok(()) => Ok((peer, connection)),
        Err(FrameError::Io(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// In the other process: the connection to whoever has started it, and the key.
pub(super) fn key() -> (Connection, Key) {
    let mut starter = peer::connection().expect("a socket");
    let key = starter.receive_within(super::LIMIT).expect("a message").expect("a key").to_vec();
    (starter, Key::new(key))
}

/// In the other process: does nothing until whoever has started it goes.
pub(super) fn stay(starter: &mut Connection) {
    // An error or the end: he has gone.
    while let Ok(Some(_)) = starter.receive() {}
}
