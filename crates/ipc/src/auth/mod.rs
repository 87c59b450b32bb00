//! Who is there? Both sides show that they know a key, and none of them says it; and the kernel tells which process and
//! user it is.
//!
//! Three messages ([`prove`] on the side that connects, [`admit`] on the one that accepts):
//!
//! | who | sends |
//! |---|---|
//! | server | 32 random bytes S |
//! | client | 32 random bytes C, and HMAC-SHA-256(key, "client", S, C) |
//! | server | HMAC-SHA-256(key, "server", S, C); an empty message if the client's was wrong |
//!
//! | attack | why it fails |
//! |---|---|
//! | a wrong key | another HMAC, compared in a time that tells nothing |
//! | a replay of what was seen | S and C are new each time |
//! | a reflection: our own words come back to us | "client" and "server" are in the proof |
//! | to say nothing | all of it has one time limit, and others are served meanwhile ([`Door`]) |
//! | to say much | before the proof no message may be longer than 64 bytes |
//!
//! # Limits
//! - Somebody in the middle who passes every message on is let in: with the client's proof, and with what the client says
//!   afterwards. On a Unix socket [`credentials`] tells whose process is at the other end: compare the user.
//! - What is said afterwards is neither encrypted nor signed. On one machine the kernel carries it; over a network take TLS.
//! - The key must be random ([`Key::random`]). A password can be guessed by whoever heard one conversation.
//!
//! In Python: `authkey`, `deliver_challenge`, `answer_challenge`, `AuthenticationError` (spoken in [`python`](crate::python)).
//! Sources: RFC 2104 (HMAC); ISO/IEC 9798-4, three pass mutual authentication; unix(7).

mod door;
mod handshake;

use std::{fmt, io, os::fd::AsFd, time::Duration};

use rustix::{
    net::{
        AddressFamily,
        sockopt::{socket_domain, socket_peercred},
    },
    rand::{GetRandomFlags, getrandom},
};

pub use door::{Door, PATIENCE, STRANGERS};
pub use handshake::{admit, prove};

use crate::frame::FrameError;

/// Bytes of a key from [`Key::random`], of each side's random bytes, and of a proof.
pub const LENGTH: usize = 32;

/// What both sides know.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// A new one, from the system's random source.
    ///
    /// # Errors
    /// The system's.
    pub fn random() -> io::Result<Self> {
        Ok(Self(random()?.to_vec()))
    }

    /// The one that the other side has. Hand it over an inherited pipe: arguments can be read by everybody.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The key itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    /// Says nothing of what it is: what is printed ends in logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// Its proof was made with another key, for another conversation, or in the other role.
    #[error("the other side does not know the key")]
    WrongKey,
    /// It says that our proof is wrong.
    #[error("the other side does not take our key")]
    Refused,
    /// It says something else than this protocol does.
    #[error("the other side speaks something else: a message of {length} bytes where {expected} were due")]
    Strange {
        /// How long its message was.
        length: usize,
        /// How long it should be.
        expected: usize,
    },
    /// It did not say all that it had to in time.
    #[error("the other side has not proven itself within {0:?}")]
    Late(Duration),
    /// It went in the middle.
    #[error("the other side went before it had proven itself")]
    Gone,
    /// Its process belongs to another user.
    #[error("user {theirs} is at the other end, and {ours} is wanted")]
    User {
        /// Whose it is.
        theirs: u32,
        /// Whose it should be.
        ours: u32,
    },
    /// The connection failed.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Who is at the other end of a Unix socket, as the kernel saw it at the connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Its process. It may have ended since, and its number may be another one's.
    pub pid: u32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

/// Who is at the other end of a Unix socket (SO_PEERCRED, unix(7)).
///
/// # Errors
/// `Unsupported` for any other socket: over TCP nobody knows.
pub fn credentials(socket: impl AsFd) -> io::Result<Credentials> {
    let socket = socket.as_fd();
    if socket_domain(socket)? != AddressFamily::UNIX {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let who = socket_peercred(socket)?;
    Ok(Credentials {
        pid: who.pid.as_raw_pid().cast_unsigned(),
        uid: who.uid.as_raw(),
        gid: who.gid.as_raw(),
    })
}

fn random() -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    // Up to 256 bytes come whole (getrandom(2)); less would leave zeros.
    match getrandom(&mut bytes, GetRandomFlags::empty())? {
        LENGTH => Ok(bytes),
        _ => Err(io::Error::other("the random source gave too little")),
    }
}
