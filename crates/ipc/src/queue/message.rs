//! What a queue's clients and its server say: a byte that names it, a time limit or a number, and bytes.
//!
//! A time limit travels with the request, since whoever has the queue is the only one who can say for certain that
//! nothing was taken, or put, before it passed. Were the client to stop waiting by itself, an item could be on its way.

use std::time::Duration;

use crate::frame::MAXIMUM;

/// The longest item, in bytes.
pub const LONGEST: usize = MAXIMUM - 32;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// Each of them, in this order, and then say how many were accepted.
    Put { limit: Option<Duration>, items: Vec<&'a [u8]> },
    /// The one before is done; give me the next.
    Get { limit: Option<Duration> },
    /// The one before is done. Not answered.
    Done,
    /// Say when all are done.
    Join { limit: Option<Duration> },
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer<'a> {
    /// As many are in the queue.
    Accepted(u64),
    Item {
        attempt: u64,
        bytes: &'a [u8],
    },
    /// Everything is done.
    Joined,
    /// Time is over.
    Late,
    /// The queue is closed (for a consumer: and empty).
    Closed,
}

/// No limit.
const EVER: u64 = u64::MAX;

impl<'a> Request<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let microseconds = |limit: &Option<Duration>| {
            limit.map_or(EVER, |limit| limit.as_micros().try_into().unwrap_or(EVER))
        };
        match self {
            Self::Put { limit, items } => {
                let mut message = word(b'P', microseconds(limit));
                for item in items {
                    // No item is longer than a frame can be.
                    message.extend((item.len() as u32).to_be_bytes());
                    message.extend_from_slice(item);
                }
                message
            }
            Self::Get { limit } => word(b'G', microseconds(limit)),
            Self::Done => word(b'D', 0),
            Self::Join { limit } => word(b'J', microseconds(limit)),
        }
    }

    /// `None` for what is no request.
    pub(super) fn decode(message: &'a [u8]) -> Option<Self> {
        let (name, number, mut rest) = split(message)?;
        let limit = (number != EVER).then(|| Duration::from_micros(number));
        match name {
            b'P' => {
                let mut items = Vec::new();
                while !rest.is_empty() {
                    let (length, behind) = rest.split_first_chunk()?;
                    let (item, behind) = behind.split_at_checked(u32::from_be_bytes(*length) as usize)?;
                    items.push(item);
                    rest = behind;
                }
                Some(Self::Put { limit, items })
            }
            _ if !rest.is_empty() => None,
            b'G' => Some(Self::Get { limit }),
            b'D' => Some(Self::Done),
            b'J' => Some(Self::Join { limit }),
            _ => None,
        }
    }
}

impl<'a> Answer<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Accepted(count) => word(b'a', *count),
            Self::Item { attempt, bytes } => [&word(b'i', *attempt)[..], bytes].concat(),
            Self::Joined => word(b'j', 0),
            Self::Late => word(b'l', 0),
            Self::Closed => word(b'c', 0),
        }
    }

    /// `None` for what is no answer.
    pub(super) fn decode(message: &'a [u8]) -> Option<Self> {
        match split(message)? {
            (b'i', attempt, bytes) => Some(Self::Item { attempt, bytes }),
            (b'a', count, []) => Some(Self::Accepted(count)),
            (b'j', _, []) => Some(Self::Joined),
            (b'l', _, []) => Some(Self::Late),
            (b'c', _, []) => Some(Self::Closed),
            _ => None,
        }
    }
}

fn word(name: u8, number: u64) -> Vec<u8> {
    let mut message = vec![name];
    message.extend(number.to_be_bytes());
    message
}

fn split(message: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (name, rest) = message.split_first()?;
    let (number, rest) = rest.split_first_chunk()?;
    Some((*name, u64::from_be_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_comes_is_decoded_or_not_and_never_more_than_came(message: Vec<u8>, name in "[PGDJaijlc]") {
            let named = [name.as_bytes(), &message].concat();
            for message in [&message, &named] {
                if let Some(Request::Put { items, .. }) = Request::decode(message) {
                    let bytes: usize = items.iter().map(|item| item.len() + 4).sum();
                    prop_assert_eq!(bytes + 9, message.len());
                }
                if let Some(Answer::Item { bytes, .. }) = Answer::decode(message) {
                    prop_assert_eq!(bytes.len() + 9, message.len());
                }
            }
        }
    }

    #[test]
    fn what_is_said_is_heard_and_nothing_else_is() {
        let second = Some(Duration::from_secs(1));
        let puts = Request::Put { limit: second, items: vec![b"one", b"", b"three"] };
        for request in [puts, Request::Get { limit: None }, Request::Done, Request::Join { limit: second }] {
            let message = request.encode();
            assert_eq!(Request::decode(&message), Some(request));
            // Cut anywhere, it is another or none; never a panic.
            for end in 0..message.len() {
                assert_ne!(Request::decode(&message[..end]), Request::decode(&message), "{end}");
            }
        }
        let item = Answer::Item { attempt: 2, bytes: b"item" };
        for answer in [item, Answer::Accepted(7), Answer::Joined, Answer::Late, Answer::Closed] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        // A length that promises more than there is.
        assert_eq!(Request::decode(b"P\0\0\0\0\0\0\0\0\xff\xff\xff\xffx"), None);
        assert_eq!(Request::decode(b"X\0\0\0\0\0\0\0\0"), None);
        assert_eq!(Answer::decode(b""), None);
    }
}
