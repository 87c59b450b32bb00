//! Where a message ends: four bytes of length, signed and big-endian; or -1 and then eight bytes, which Python writes
//! from 2 GiB on, and reads for any length.
//!
//! CPython: `Lib/multiprocessing/connection.py`, `Connection._send_bytes`.

/// The longest header.
pub const LONG: usize = 12;
/// The usual one.
pub const SHORT: usize = 4;

/// Why a header is refused: before a byte of the message is read or room is made for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// A negative length other than -1.
    #[error("a length of {0}")]
    Negative(i32),
    /// More than is allowed.
    #[error("a message of {length} bytes, where at most {max} are allowed")]
    TooLong {
        /// What was announced, or was to be sent.
        length: u64,
        /// What is allowed.
        max: usize,
    },
}

/// What the bytes so far say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Not all of it is there: so many bytes are needed in all.
    Needs(usize),
    /// The header takes `header` bytes and the message behind it `message`.
    Whole {
        /// 4 or 12.
        header: usize,
        /// Bytes of the message.
        message: usize,
    },
}

/// Reads the header that `bytes` begin with.
///
/// # Errors
/// When it announces a length that cannot be, or more than `max`.
pub fn decode(bytes: &[u8], max: usize) -> Result<Header, HeaderError> {
    let Some(short) = bytes.first_chunk::<SHORT>() else { return Ok(Header::Needs(SHORT)) };
    let (header, length) = match i32::from_be_bytes(*short) {
        -1 => match bytes.get(SHORT..).and_then(<[u8]>::first_chunk::<8>) {
            Some(long) => (LONG, u64::from_be_bytes(*long)),
            None => return Ok(Header::Needs(LONG)),
        },
        length => (SHORT, u64::try_from(length).map_err(|_| HeaderError::Negative(length))?),
    };
    match usize::try_from(length) {
        Ok(message) if message <= max => Ok(Header::Whole { header, message }),
        _ => Err(HeaderError::TooLong { length, max }),
    }
}

/// The header for a message of `length` bytes: as much of the array as the number says.
pub fn encode(length: usize) -> ([u8; LONG], usize) {
    let mut header = [0; LONG];
    match i32::try_from(length) {
        Ok(short) => {
            header[..SHORT].copy_from_slice(&short.to_be_bytes());
            (header, SHORT)
        }
        Err(_) => {
            header[..SHORT].copy_from_slice(&(-1_i32).to_be_bytes());
            header[SHORT..].copy_from_slice(&(length as u64).to_be_bytes());
            (header, LONG)
        }
    }
}
