//! What goes over the wire: a kind and what belongs to it. Numbers are big-endian.
//!
//! | message | bytes |
//! |---|---|
//! | subscribe, from the subscriber and once | 1, then for each prefix its length (1) and itself |
//! | welcome | 2 |
//! | news | 3, length of the topic (1), topic, payload |
//! | missed | 4, how many (8) |
//! | end | 5 |

use crate::fields::{FieldError, Fields, push_short_text};

const SUBSCRIBE: u8 = 1;
const WELCOME: u8 = 2;
const NEWS: u8 = 3;
const MISSED: u8 = 4;
const END: u8 = 5;

/// The longest subscription in bytes, which bounds the number of its prefixes.
pub const SUBSCRIPTION: usize = 4096;

/// What a publisher says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// You are subscribed: what is published from now on comes to you.
    Welcome,
    /// Something was published.
    News {
        /// At most 255 bytes.
        topic: &'a str,
        /// What was published.
        payload: &'a [u8],
    },
    /// You were too slow: so many that were published between the last one and the next one do not come.
    Missed(u64),
    /// Nothing more will be published.
    End,
}

impl<'a> Told<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// [`FieldError`]. Nothing is allocated.
    pub fn decode(message: &'a [u8]) -> Result<Self, FieldError> {
        let mut fields = Fields::of(message);
        let told = match fields.byte()? {
            NEWS => return Ok(Self::News { topic: fields.short_text()?, payload: fields.rest() }),
            WELCOME => Self::Welcome,
            MISSED => Self::Missed(fields.number()?),
            END => Self::End,
            kind => return Err(fields.unknown(kind)),
        };
        fields.end()?;
        Ok(told)
    }

    /// Its bytes. `None` if the topic is longer than 255 bytes.
    pub fn encode(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Welcome => vec![WELCOME],
            Self::News { topic, payload } => {
                let mut message = vec![NEWS];
                push_short_text(&mut message, topic)?;
                message.extend_from_slice(payload);
                message
            }
            Self::Missed(count) => [&[MISSED][..], &count.to_be_bytes()].concat(),
            Self::End => vec![END],
        })
    }
}

/// The bytes of a subscription. `None` if a prefix is longer than 255 bytes.
pub fn encode_subscription(prefixes: &[&str]) -> Option<Vec<u8>> {
    let mut message = vec![SUBSCRIBE];
    prefixes.iter().try_for_each(|prefix| push_short_text(&mut message, prefix))?;
    Some(message)
}

/// Reads a subscription: its prefixes.
///
/// # Errors
/// [`FieldError`].
pub fn decode_subscription(message: &[u8]) -> Result<Vec<String>, FieldError> {
    let mut fields = Fields::of(message);
    match fields.byte()? {
        SUBSCRIBE => {}
        kind => return Err(fields.unknown(kind)),
    }
    let mut prefixes = Vec::new();
    while !fields.is_empty() {
        prefixes.push(fields.short_text()?.to_owned());
    }
    Ok(prefixes)
}
