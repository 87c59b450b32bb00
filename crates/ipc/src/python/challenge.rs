//! Each side sends random bytes, and the other returns them mixed with the key (an HMAC): so both know that the other
//! knows the key, nobody has seen it, and an old answer is of no use.
//!
//! Two forms are spoken. Up to Python 3.11 the challenge is 20 bytes and the answer a bare HMAC-MD5 of 16; from 3.12 on
//! both begin with the name of a digest, `{sha256}`, which the HMAC covers too, so that nobody on the way can talk the
//! two into a weaker one. An old client takes a new challenge as plain bytes and answers it with its MD5: that is
//! accepted, unless [`Key::without_md5`]. (HMAC-MD5 is still not broken as a proof of a key; MD5 is as a hash.)
//!
//! What this protocol does not have: the HMAC says nothing about who is asking, so somebody between a client that
//! connects twice and a server can pass one connection's challenge to the other. Nor is anything encrypted, or signed,
//! after the challenge.
//!
//! CPython: `Lib/multiprocessing/connection.py`, "Authentication Handshake Protocol Description".

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::Sha256;

use super::{Connection, ConnectionError, stream::Deadline};

const CHALLENGE: &[u8] = b"#CHALLENGE#";
const WELCOME: &[u8] = b"#WELCOME#";
const FAILURE: &[u8] = b"#FAILURE#";

/// The most that is read from somebody who has not shown the key yet.
const MAX: usize = 256;
/// Random bytes in our challenges, as many as Python's.
const RANDOM: usize = 40;
/// How long a challenge of the old form is, and its answer: the only sign of the form.
const OLD: [usize; 2] = [20, 16];

/// A key that both sides know, made of any bytes. In Python: `authkey`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    bytes: Vec<u8>,
    md5: bool,
}

impl Key {
    /// This one.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self { bytes: bytes.into(), md5: true }
    }

    /// 32 bytes from the system's random source.
    ///
    /// # Errors
    /// The system's.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self::new(random::<32>()?))
    }

    /// The same, but never used with MD5: no Python before 3.12 can talk to it.
    pub fn without_md5(self) -> Self {
        Self { md5: false, ..self }
    }

    /// The key itself: to be handed to a child over an inherited pipe. Arguments and environment can be read by others.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Key {
    /// Says nothing of what it is.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Key").finish_non_exhaustive()
    }
}

/// Why somebody was not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The peer's answer was made with another key, or is no answer at all.
    #[error("the peer does not know the key")]
    WrongKey,
    /// The peer says that ours is wrong.
    #[error("the peer does not take our key")]
    Refused,
    /// No challenge came where one was due.
    #[error("the peer did not send a challenge")]
    NoChallenge,
    /// The digest that the peer names is none of ours, or is MD5, which this key does not allow.
    #[error("the peer asks for a digest that is not spoken here")]
    Digest,
}

/// How to mix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digest {
    /// The form without a name.
    Old,
    Md5,
    Sha256,
}

impl Digest {
    /// The digest that `message` (a challenge, or an answer) says it is for, and its length of name.
    fn of(message: &[u8]) -> Option<(Self, usize)> {
        if OLD.contains(&message.len()) {
            return Some((Self::Old, 0));
        }
        [Self::Md5, Self::Sha256]
            .into_iter()
            .find(|digest| message.starts_with(digest.name()))
            .map(|digest| (digest, digest.name().len()))
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::Old => b"",
            Self::Md5 => b"{md5}",
            Self::Sha256 => b"{sha256}",
        }
    }

    fn is_allowed(self, key: &Key) -> bool {
        key.md5 || self == Self::Sha256
    }
}

fn mac<M: Mac + KeyInit>(key: &Key, message: &[u8]) -> M {
    // An HMAC takes a key of any length (RFC 2104), so that this has no error to report.
    let mut mac = <M as KeyInit>::new_from_slice(&key.bytes).expect("any length of key will do");
    mac.update(message);
    mac
}

/// The answer to `challenge`, which comes without the `#CHALLENGE#` in front.
///
/// # Errors
/// [`NoChallenge`](AuthenticationError::NoChallenge) if it is too short to be one, which protects us from proving
/// ourselves to bytes that somebody has chosen; [`Digest`](AuthenticationError::Digest).
pub fn answer(key: &Key, challenge: &[u8]) -> Result<Vec<u8>, AuthenticationError> {
    if challenge.len() < OLD[0] {
        return Err(AuthenticationError::NoChallenge);
    }
    let (digest, _) = Digest::of(challenge).ok_or(AuthenticationError::Digest)?;
    if !digest.is_allowed(key) {
        return Err(AuthenticationError::Digest);
    }
    let mut answer = digest.name().to_owned();
    match digest {
        Digest::Sha256 => answer.extend(mac::<Hmac<Sha256>>(key, challenge).finalize().into_bytes()),
        Digest::Old | Digest::Md5 => answer.extend(mac::<Hmac<Md5>>(key, challenge).finalize().into_bytes()),
    }
    Ok(answer)
}

// ANCHOR: verify
/// Whether `answer` shows that its sender knows the key, compared in a time that tells nothing about it.
///
/// # Errors
/// [`WrongKey`](AuthenticationError::WrongKey), [`Digest`](AuthenticationError::Digest).
pub fn verify(key: &Key, challenge: &[u8], answer: &[u8]) -> Result<(), AuthenticationError> {
    let (digest, name) = Digest::of(answer).ok_or(AuthenticationError::Digest)?;
    if !digest.is_allowed(key) {
        return Err(AuthenticationError::Digest);
    }
    let proof = &answer[name..];
    let verified = match digest {
        Digest::Sha256 => mac::<Hmac<Sha256>>(key, challenge).verify_slice(proof),
        Digest::Old | Digest::Md5 => mac::<Hmac<Md5>>(key, challenge).verify_slice(proof),
    };
    verified.map_err(|_| AuthenticationError::WrongKey)
}
// ANCHOR_END: verify

/// Asks the peer for its proof. In Python: `deliver_challenge`.
pub(super) fn ask(peer: &mut Connection, key: &Key, deadline: Deadline) -> Result<(), ConnectionError> {
    let mut challenge = b"{sha256}".to_vec();
    challenge.extend(random::<RANDOM>()?);
    peer.send_by(&[CHALLENGE, &challenge].concat(), deadline)?;
    let answer = peer.recv_by(MAX, deadline)?.ok_or(ConnectionError::Gone)?;
    let verified = verify(key, &challenge, &answer);
    let verdict = if verified.is_ok() { WELCOME } else { FAILURE };
    let told = peer.send_by(verdict, deadline);
    // What was wrong with the peer matters more than that it did not hear so.
    verified.map_err(ConnectionError::from).and(told)
}

/// Gives the peer ours. In Python: `answer_challenge`.
pub(super) fn reply(peer: &mut Connection, key: &Key, deadline: Deadline) -> Result<(), ConnectionError> {
    let message = peer.recv_by(MAX, deadline)?.ok_or(ConnectionError::Gone)?;
    let challenge = message.strip_prefix(CHALLENGE).ok_or(AuthenticationError::NoChallenge)?;
    peer.send_by(&answer(key, challenge)?, deadline)?;
    match peer.recv_by(MAX, deadline)? {
        Some(verdict) if verdict == WELCOME => Ok(()),
        Some(_) => Err(AuthenticationError::Refused.into()),
        None => Err(ConnectionError::Gone),
    }
}

fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // Up to 256 bytes come whole (getrandom(2)); a shorter answer would leave zeros.
    match getrandom(&mut bytes, GetRandomFlags::empty())? {
        count if count == N => Ok(bytes),
        _ => Err(std::io::Error::other("the random source gave too little")),
    }
}
