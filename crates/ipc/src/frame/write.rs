//! A message and its length, written as one where that is possible, and to the end where it is not.

use std::io::{self, IoSlice, Write};

use super::{FrameError, header};

// ANCHOR: write_frame
/// Writes `payload` as a frame: length and bytes in one system call, and what that left over in as many as it takes.
///
/// # Errors
/// [`FrameError::TooLong`] before anything is written. After [`FrameError::Io`] nobody knows how much was: nothing more
/// may be written to this stream.
pub fn write_frame(to: &mut impl Write, payload: &[u8], maximum: usize) -> Result<(), FrameError> {
    let header = header(payload, maximum)?;
    let mut parts = [IoSlice::new(&header), IoSlice::new(payload)];
    let mut left = &mut parts[..];
    // An empty payload: an empty slice is written at once, and `advance_slices` drops it.
    while !left.is_empty() {
        match to.write_vectored(left) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
            Ok(count) => IoSlice::advance_slices(&mut left, count),
            // A signal's handler ran before a byte went: as if it had not been called.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
// ANCHOR_END: write_frame
