//! What a manager's client and server say: these types as [postcard](https://postcard.jamesmunns.com/wire-format.html) writes
//! them, and nothing behind.
//!
//! A byte says which call or answer it is, numbers take as few bytes as they need, what has no fixed length has its length in
//! front. Keys and values are bytes here; what they mean is the proxies' affair.

use serde::{Deserialize, Serialize};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Keys and values.
    Dict,
    /// One whole number.
    Counter,
    /// Names and values of any type.
    Namespace,
    /// One holder at a time.
    Lock,
}

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// Its name.
    pub object: &'a str,
    /// What it is to do.
    pub call: Call<'a>,
}

/// What an object can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call<'a> {
    /// Make it, unless it is there.
    Open(Kind),
    /// What is at this key?
    Get(&'a [u8]),
    /// Put at this key this value.
    Insert(&'a [u8], &'a [u8]),
    /// Take away what is at this key. Answered with 1, or 0 if nothing was there.
    Remove(&'a [u8]),
    /// How many keys are there?
    Len,
    /// Which keys are there?
    Keys,
    /// Add this, and say what it is then.
    Add(i64),
    /// Take the lock, within so many microseconds; `None` for ever.
    Acquire(Option<u64>),
    /// Let the lock go.
    Release,
}

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// It is done.
    Done,
    /// What is at the key, if something is.
    Value(#[serde(borrow)] Option<&'a [u8]>),
    /// The keys.
    Keys(Vec<&'a [u8]>),
    /// What was asked for.
    Number(i64),
    /// The lock; whether its last holder went without letting it go.
    Acquired(bool),
    /// The lock was not free in time.
    Late,
    /// It was not done.
    Error(RemoteError),
}

/// Why the server did not do it. In Python: the exception that a proxy raises again, or `RemoteError`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no object of this name.
    #[error("there is no {0:?}")]
    NoObject(String),
    /// The object of this name is something else.
    #[error("{name:?} is a {is:?}")]
    Kind {
        /// Its name.
        name: String,
        /// What it is.
        is: Kind,
    },
    /// The sum is no `i64` any more. The counter is as it was.
    #[error("the counter {0:?} would overflow")]
    Overflow(String),
    /// This client does not hold the lock.
    #[error("the lock {0:?} is not held by this client")]
    NotHeld(String),
    /// This client holds the lock already, and would wait for itself.
    #[error("the lock {0:?} is held by this client already")]
    HeldAlready(String),
    /// This kind of object cannot do that.
    #[error("the request makes no sense")]
    Request,
    /// That is no request.
    #[error("at byte {0}: no request")]
    Message(u64),
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {why}")]
pub struct MessageError {
    /// How far it was read, in bytes from its beginning: up to a field that is cut, and with one that is wrong.
    pub offset: usize,
    /// What is wrong with it.
    pub why: MessageFault,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageFault {
    /// It ends inside a field.
    #[error("the message ends inside a field")]
    Cut,
    /// A number that stands for nothing, or is too large; text that is not UTF-8.
    #[error("what stands there is no such field")]
    Field,
    /// It should be at its end.
    #[error("{0} bytes too many")]
    Trailing(usize),
}

impl<'a> Request<'a> {
    /// Writes it behind what is in `to`.
    ///
    /// # Errors
    /// There is none that this type could have.
    pub fn encode(&self, to: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, to)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`MessageError`]. Nothing is allocated.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        decode(message)
    }
}

impl<'a> Answer<'a> {
    /// Writes it behind what is in `to`.
    ///
    /// # Errors
    /// There is none that this type could have.
    pub fn encode(&self, to: Vec<u8>) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, to)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`MessageError`]. Allocates nothing but a list of keys, which takes at most 32 times as much as the message, and the
    /// texts of a [`RemoteError`], which take no more than it.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        decode(message)
    }
}

/// All of it.
fn decode<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Result<T, MessageError> {
    let mut fields = postcard::Deserializer::from_bytes(message);
    let read = T::deserialize(&mut fields);
    let left = fields.finalize().map_or(0, <[u8]>::len);
    let why = match read {
        Ok(value) if left == 0 => return Ok(value),
        Ok(_) => MessageFault::Trailing(left),
        Err(postcard::Error::DeserializeUnexpectedEnd) => MessageFault::Cut,
        Err(_) => MessageFault::Field,
    };
    Err(MessageError { offset: message.len() - left, why })
}
