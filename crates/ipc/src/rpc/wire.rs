//! What a client and a server say: a kind, the call's number, and what belongs to it. Numbers are big-endian.
//!
//! | message | bytes |
//! |---|---|
//! | call | 1, number (8), microseconds that are left (8), length of the method's name (1), name, argument |
//! | cancel | 2, number (8) |
//! | reply | 3, number (8), outcome (1), result or text |
//!
//! The deadline goes as **what is left** of it: two machines agree on how long a second is, not on what time it is.

use std::time::Duration;

use crate::fields::{FieldError, Fields, push_short_text};

const CALL: u8 = 1;
const CANCEL: u8 = 2;
const REPLY: u8 = 3;

const DONE: u8 = 0;
const FAILED: u8 = 1;
const PANICKED: u8 = 2;
const UNKNOWN: u8 = 3;
const BUSY: u8 = 4;

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Run this method.
    Call {
        /// The call's number on this connection; no other call has had it.
        id: u64,
        /// After this time nobody waits for the result, in whole microseconds.
        within: Duration,
        /// At most 255 bytes.
        method: &'a str,
        /// What it is given.
        argument: &'a [u8],
    },
    /// Nobody waits for this call any more.
    Cancel {
        /// The call's number.
        id: u64,
    },
}

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The call's number.
    pub id: u64,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

/// What came of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The method has returned this.
    Done(&'a [u8]),
    /// The method has returned this error.
    Failed(&'a str),
    /// The method has panicked with these words. The server goes on.
    Panicked(&'a str),
    /// There is no such method: nothing was done.
    Unknown,
    /// Too many calls wait already: nothing was done.
    Busy,
}

impl<'a> Request<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// [`FieldError`]. Nothing is allocated.
    pub fn decode(message: &'a [u8]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(message);
        match fields.byte()? {
            CALL => Ok(Self::Call {
                id: fields.number()?,
                within: Duration::from_micros(fields.number()?),
                method: fields.short_text()?,
                argument: fields.rest(),
            }),
            CANCEL => {
                let id = fields.number()?;
                fields.end()?;
                Ok(Self::Cancel { id })
            }
            kind => Err(fields.unknown(kind)),
        }
    }

    /// Its bytes. `None` if the method's name is longer than 255 bytes.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut message = Vec::new();
        match *self {
            Self::Call { id, within, method, argument } => {
                message.push(CALL);
                message.extend(id.to_be_bytes());
                message.extend(u64::try_from(within.as_micros()).unwrap_or(u64::MAX).to_be_bytes());
                push_short_text(&mut message, method)?;
                message.extend_from_slice(argument);
            }
            Self::Cancel { id } => {
                message.push(CANCEL);
                message.extend(id.to_be_bytes());
            }
        }
        Some(message)
    }
}

impl<'a> Reply<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// [`FieldError`]. Nothing is allocated.
    pub fn decode(message: &'a [u8]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(message);
        match fields.byte()? {
            REPLY => {}
            kind => return Err(fields.unknown(kind)),
        }
        let id = fields.number()?;
        let outcome = match fields.byte()? {
            DONE => Outcome::Done(fields.rest()),
            FAILED => Outcome::Failed(fields.rest_as_text()?),
            PANICKED => Outcome::Panicked(fields.rest_as_text()?),
            UNKNOWN => fields.end().map(|()| Outcome::Unknown)?,
            BUSY => fields.end().map(|()| Outcome::Busy)?,
            code => return Err(fields.unknown(code)),
        };
        Ok(Self { id, outcome })
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let (code, rest) = match self.outcome {
            Outcome::Done(result) => (DONE, result),
            Outcome::Failed(text) => (FAILED, text.as_bytes()),
            Outcome::Panicked(text) => (PANICKED, text.as_bytes()),
            Outcome::Unknown => (UNKNOWN, &[][..]),
            Outcome::Busy => (BUSY, &[][..]),
        };
        [&[REPLY][..], &self.id.to_be_bytes(), &[code], rest].concat()
    }
}
