//! The side that listens: news in order, a number where some are missing, and an end that can be told from being cut off.

use std::time::Duration;

use super::wire::{Told, encode_subscription};
use crate::{Connection, fields::FieldError, frame::FrameError};

/// What a subscriber gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Something was published.
    News {
        /// Where.
        topic: &'a str,
        /// What.
        payload: &'a [u8],
    },
    /// We were too slow: so many are missing here.
    Missed(u64),
    /// Nothing more will come, and nothing was kept back.
    End,
}

/// Why there is no news.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// The stream failed; [`FrameError::is_timeout`] if nothing came in time, and it may be asked again.
    #[error(transparent)]
    Stream(#[from] FrameError),
    /// The stream has ended without an end: we were too slow and were cut off, or the publisher has died.
    #[error("cut off: too slow, or the publisher has died")]
    CutOff,
    /// What came is no message of a publisher.
    #[error("not of a publisher: {0}")]
    Message(#[from] FieldError),
    /// What came does not belong here: a welcome to one who is in, or news to one who is not.
    #[error("a message that does not belong here")]
    OutOfPlace,
    /// A prefix is longer than 255 bytes.
    #[error("a prefix is longer than 255 bytes")]
    TooLong,
}

/// One who has subscribed.
#[derive(Debug)]
pub struct Subscriber {
    connection: Connection,
}

impl Subscriber {
    /// Subscribes to all topics that begin with one of `prefixes` (`""`: to all). When this returns, everything that is
    /// published from then on will come.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn new(
        mut connection: Connection,
        prefixes: &[&str],
        within: Duration,
    ) -> Result<Self, SubscribeError> {
        let message = encode_subscription(prefixes).ok_or(SubscribeError::TooLong)?;
        connection.send_within(&message, within)?;
        match Told::decode(connection.receive_within(within)?.ok_or(SubscribeError::CutOff)?)? {
            Told::Welcome => Ok(Self { connection }),
            _ => Err(SubscribeError::OutOfPlace),
        }
    }

    /// What comes next, within this time.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn next(&mut self, within: Duration) -> Result<Event<'_>, SubscribeError> {
        let message = match self.connection.receive_within(within) {
            // Cut off in the middle of a message, or with something of ours unread: that is how it looks from here.
            Err(FrameError::Cut { .. }) | Ok(None) => return Err(SubscribeError::CutOff),
            Err(FrameError::Io(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return Err(SubscribeError::CutOff);
            }
            message => message?.ok_or(SubscribeError::CutOff)?,
        };
        match Told::decode(message)? {
            Told::News { topic, payload } => Ok(Event::News { topic, payload }),
            Told::Missed(count) => Ok(Event::Missed(count)),
            Told::End => Ok(Event::End),
            Told::Welcome => Err(SubscribeError::OutOfPlace),
        }
    }
}
