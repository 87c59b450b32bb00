//! The three messages: each side proves a key with random bytes of both, in its own role.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{AuthError, Key, LENGTH, random};
use crate::{
    Connection,
    frame::{FrameError, MAXIMUM},
    ready::deadline,
};

/// The longest message from somebody who has not proven anything.
const STRANGER: usize = 2 * LENGTH;
/// A server's last word to a client with the wrong key.
const REFUSED: &[u8] = b"";

// ANCHOR: proof
/// What shows that somebody knows the key, in this role and this conversation. Each part has a fixed length, so that no two
/// sets of parts are the same bytes.
fn proof(key: &Key, role: &[u8; 6], server: &[u8], client: &[u8]) -> Hmac<Sha256> {
    // An HMAC takes a key of any length (RFC 2104), so that this has no error to report.
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.bytes()).expect("any length of key will do");
    for part in [&b"rust-ipc 1 "[..], role, server, client] {
        mac.update(part);
    }
    mac
}
// ANCHOR_END: proof

/// For the side that accepted: lets the client prove itself, and then proves us to it. All of it within `limit`.
///
/// # Errors
/// [`AuthError`]; the connection is closed.
pub fn admit(connection: Connection, key: &Key, limit: Duration) -> Result<Connection, AuthError> {
    let mut asked = Asked::ask(connection, limit)?;
    let left = asked.left();
    asked.check(key, left)?;
    Ok(asked.connection)
}

/// A client that was asked and has not answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) connection: Connection,
    server: [u8; LENGTH],
    until: Option<Instant>,
    limit: Duration,
}

impl Asked {
    pub(super) fn ask(mut connection: Connection, limit: Duration) -> Result<Self, AuthError> {
        connection.set_maximum(STRANGER);
        let (server, until) = (random().map_err(FrameError::from)?, deadline(limit));
        // As small as this it always fits into a new socket: the limit is for strange ones.
        within(connection.send_within(&server, limit), limit)?;
        Ok(Self { connection, server, until, limit })
    }

    /// What is left to it.
    pub(super) fn left(&self) -> Duration {
        self.until.map_or(self.limit, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Reads its answer, and says ours.
    pub(super) fn check(&mut self, key: &Key, wait: Duration) -> Result<(), AuthError> {
        let answer = within(self.connection.receive_within(wait), self.limit)?.ok_or(AuthError::Gone)?;
        let Some((client, theirs)) = answer.split_first_chunk::<LENGTH>() else {
            return Err(AuthError::Strange { length: answer.len(), expected: STRANGER });
        };
        // Compares in a time that does not depend on where the first wrong byte stands.
        let verified = proof(key, b"client", &self.server, client).verify_slice(theirs);
        let ours = proof(key, b"server", &self.server, client).finalize().into_bytes();
        let verdict = if verified.is_ok() { &ours[..] } else { REFUSED };
        let told = within(self.connection.send_within(verdict, wait), self.limit);
        // What was wrong with it matters more than that it did not hear so.
        verified.map_err(|_| AuthError::WrongKey).and(told)?;
        self.connection.set_maximum(MAXIMUM);
        Ok(())
    }
}

/// For the side that connected: proves us to the server, and has it prove itself. All of it within `limit`.
///
/// # Errors
/// [`AuthError`]; the connection is closed.
pub fn prove(mut connection: Connection, key: &Key, limit: Duration) -> Result<Connection, AuthError> {
    let until = deadline(limit);
    let left = || until.map_or(limit, |until| until.saturating_duration_since(Instant::now()));
    connection.set_maximum(STRANGER);
    let client = random().map_err(FrameError::from)?;
    let server: [u8; LENGTH] = {
        let message = within(connection.receive_within(left()), limit)?.ok_or(AuthError::Gone)?;
        let strange = AuthError::Strange { length: message.len(), expected: LENGTH };
        message.try_into().map_err(|_| strange)?
    };
    let ours = proof(key, b"client", &server, &client).finalize().into_bytes();
    within(connection.send_within(&[&client[..], &ours].concat(), left()), limit)?;
    let theirs = match within(connection.receive_within(left()), limit)? {
        None => return Err(AuthError::Gone),
        Some(REFUSED) => return Err(AuthError::Refused),
        Some(theirs) => theirs,
    };
    proof(key, b"server", &server, &client).verify_slice(theirs).map_err(|_| AuthError::WrongKey)?;
    connection.set_maximum(MAXIMUM);
    Ok(connection)
}

fn within<T>(done: Result<T, FrameError>, limit: Duration) -> Result<T, AuthError> {
    done.map_err(|error| if error.is_timeout() { AuthError::Late(limit) } else { error.into() })
}
