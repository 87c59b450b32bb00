//! What a manager's client and server say, in postcard.

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

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request<'a> {
    pub(super) object: &'a str,
    pub(super) call: Call<'a>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Call<'a> {
    /// Make it, unless it is there.
    Open(Kind),
    Get(&'a [u8]),
    Insert(&'a [u8], &'a [u8]),
    Remove(&'a [u8]),
    Len,
    Keys,
    Add(i64),
    /// At most so many microseconds; `None` for ever.
    Acquire(Option<u64>),
    Release,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Answer<'a> {
    Done,
    Value(#[serde(borrow)] Option<&'a [u8]>),
    Keys(Vec<&'a [u8]>),
    Number(i64),
    /// The lock; whether its last holder went without letting it go.
    Acquired(bool),
    /// The lock was not free in time.
    Late,
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
    /// The request is none.
    #[error("the request makes no sense")]
    Request,
}
