//! What a queue's clients and its server say: a letter, and what belongs to it. Numbers are big-endian.
//!
//! | message | bytes |
//! |---|---|
//! | put | `P`, limit (8), then for each item its length (4) and itself |
//! | get | `G`, limit (8) |
//! | done | `D` |
//! | join | `J`, limit (8) |
//! | accepted | `a`, how many (8) |
//! | item | `i`, the how-many-th time (8), itself |
//! | joined, late, closed | `j`, `l`, `c` |
//!
//! A limit is in microseconds, the highest number for none. It travels with the request, since whoever has the queue is the
//! only one who can say for certain that nothing was taken, or put, before it passed. Were the client to stop waiting by
//! itself, an item could be on its way.

use std::time::Duration;

use crate::{
    fields::{FieldError, Fields},
    frame::MAXIMUM,
};

/// The longest item, in bytes.
pub const LONGEST: usize = MAXIMUM - 32;

const PUT: u8 = b'P';
const GET: u8 = b'G';
const DONE: u8 = b'D';
const JOIN: u8 = b'J';

const ACCEPTED: u8 = b'a';
const ITEM: u8 = b'i';
const JOINED: u8 = b'j';
const LATE: u8 = b'l';
const CLOSED: u8 = b'c';

/// No limit.
const EVER: u64 = u64::MAX;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Put each of them, in this order, and then say how many were accepted.
    Put {
        /// For each of them, in whole microseconds; `None` for ever.
        limit: Option<Duration>,
        /// Each at most [`LONGEST`].
        items: Vec<&'a [u8]>,
    },
    /// The one before is done; give me the next.
    Get {
        /// As above.
        limit: Option<Duration>,
    },
    /// The one before is done. Not answered.
    Done,
    /// Say when all are done.
    Join {
        /// As above.
        limit: Option<Duration>,
    },
}

/// What the server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// As many are in the queue.
    Accepted(u64),
    /// Here is one.
    Item {
        /// How often it has been given out, this time included.
        attempt: u64,
        /// What was put.
        bytes: &'a [u8],
    },
    /// Everything is done.
    Joined,
    /// Time is over.
    Late,
    /// The queue is closed (for a consumer: and empty).
    Closed,
}

impl<'a> Request<'a> {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Put { limit, items } => {
                let mut message = numbered(PUT, microseconds(*limit));
                for item in items {
                    // No item is longer than a frame can be.
                    message.extend((item.len() as u32).to_be_bytes());
                    message.extend_from_slice(item);
                }
                message
            }
            Self::Get { limit } => numbered(GET, microseconds(*limit)),
            Self::Done => vec![DONE],
            Self::Join { limit } => numbered(JOIN, microseconds(*limit)),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FieldError`]. Allocates nothing but the list of items, which takes at most eight times as much as the message.
    pub fn decode(message: &'a [u8]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(message);
        let request = match fields.byte()? {
            PUT => {
                let (limit, mut items) = (limit(&mut fields)?, Vec::new());
                while !fields.is_empty() {
                    let length = fields.length()?;
                    items.push(fields.bytes(length)?);
                }
                Self::Put { limit, items }
            }
            GET => Self::Get { limit: limit(&mut fields)? },
            DONE => Self::Done,
            JOIN => Self::Join { limit: limit(&mut fields)? },
            name => return Err(fields.unknown(name)),
        };
        fields.end()?;
        Ok(request)
    }
}

impl<'a> Answer<'a> {
    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        match *self {
            Self::Accepted(count) => numbered(ACCEPTED, count),
            Self::Item { attempt, bytes } => [&numbered(ITEM, attempt)[..], bytes].concat(),
            Self::Joined => vec![JOINED],
            Self::Late => vec![LATE],
            Self::Closed => vec![CLOSED],
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FieldError`]. Nothing is allocated.
    pub fn decode(message: &'a [u8]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(message);
        let answer = match fields.byte()? {
            ITEM => return Ok(Self::Item { attempt: fields.number()?, bytes: fields.rest() }),
            ACCEPTED => Self::Accepted(fields.number()?),
            JOINED => Self::Joined,
            LATE => Self::Late,
            CLOSED => Self::Closed,
            name => return Err(fields.unknown(name)),
        };
        fields.end()?;
        Ok(answer)
    }
}

fn microseconds(limit: Option<Duration>) -> u64 {
    limit.map_or(EVER, |limit| limit.as_micros().try_into().unwrap_or(EVER))
}

fn limit(fields: &mut Fields<'_>) -> Result<Option<Duration>, FieldError> {
    let number = fields.number()?;
    Ok((number != EVER).then(|| Duration::from_micros(number)))
}

fn numbered(name: u8, number: u64) -> Vec<u8> {
    let mut message = vec![name];
    message.extend(number.to_be_bytes());
    message
}
