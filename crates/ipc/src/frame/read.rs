//! Bytes in, whatever the cuts; whole messages out, in place and without a copy.

use std::io::{self, Read};

use super::{FrameError, HEADER, LONGEST};

/// The least that one `read` asks for. Small messages come several at once, and an idle connection holds no more.
const READ: usize = 8 << 10;

/// What has been received and not yet been taken out.
///
/// Its memory is at most twice what has been received and not taken out, and 8 KiB; it stays until it is dropped, so that
/// the next message as long as the longest so far needs none.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Received and not taken out: `bytes[start..end]`. Behind `end` there is room, of which nothing is read.
    start: usize,
    end: usize,
    /// Where in the stream `start` is.
    offset: u64,
    maximum: usize,
}

impl Frames {
    /// Messages of at most `maximum` bytes each (at most [`LONGEST`]).
    pub fn new(maximum: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, end: 0, offset: 0, maximum: maximum.min(LONGEST) }
    }

    /// From now on messages of at most `maximum` bytes each. What has come is kept.
    pub(crate) fn set_maximum(&mut self, maximum: usize) {
        self.maximum = maximum.min(LONGEST);
    }

    /// Has `read` write into the room that there is; it returns how many bytes it wrote, 0 for the end of the stream.
    ///
    /// # Errors
    /// Those of `read`; what had come before is kept, and it may be called again. EINTR is no error: it reads again.
    pub fn fill(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<usize> {
        self.make_room();
        loop {
            match read(&mut self.bytes[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                // A signal's handler ran before a byte came: nothing has happened to the stream.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next message, if all of it is there.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], as soon as the length is there, and again at each further call.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let Some(of) = self.promised()? else { return Ok(None) };
        if self.end - self.start < of {
            return Ok(None);
        }
        let from = self.start + HEADER;
        self.start += of;
        self.offset += of as u64;
        Ok(Some(&self.bytes[from..self.start]))
    }

    /// Whether a message can be taken out, or refused, without reading more. Who waits for a descriptor to become
    /// readable must ask this first: the message may have left the kernel together with the one before.
    pub fn is_ready(&self) -> bool {
        match self.promised() {
            Ok(None) => false,
            Ok(Some(of)) => self.end - self.start >= of,
            Err(_) => true,
        }
    }

    /// To be asked at the end of the stream: is nothing cut off?
    ///
    /// # Errors
    /// [`FrameError::Cut`] when it ended in the middle of a message.
    pub fn end(&self) -> Result<(), FrameError> {
        let have = self.end - self.start;
        let of = self.promised()?.unwrap_or(HEADER);
        if have == 0 { Ok(()) } else { Err(FrameError::Cut { offset: self.offset, have, of }) }
    }

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Gives back its memory, if nothing is in it: for one of many that waits long.
    pub fn release(&mut self) {
        if self.start == self.end {
            (self.bytes, self.start, self.end) = (Vec::new(), 0, 0);
        }
    }

    /// Length of the next frame, header included, once the header is there.
    fn promised(&self) -> Result<Option<usize>, FrameError> {
        let Some(header) = self.bytes[self.start..self.end].first_chunk() else { return Ok(None) };
        let announced = u32::from_be_bytes(*header) as usize;
        if announced > self.maximum {
            return Err(FrameError::TooLong { offset: self.offset, announced, maximum: self.maximum });
        }
        Ok(Some(HEADER + announced))
    }

    fn make_room(&mut self) {
        let have = self.end - self.start;
        if have == 0 {
            (self.start, self.end) = (0, 0);
        }
        if self.bytes.len() - self.end >= READ / 2 {
            return;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, have);
        }
        // Room for as much as has come, once more: so a byte is moved a few times at most on average, and a length that
        // promises much costs nothing until as much has come.
        let size = have + have.max(READ);
        if self.bytes.len() < size {
            self.bytes.reserve_exact(size - self.bytes.len());
            self.bytes.resize(size, 0);
        }
    }
}

/// Reads messages from anything that can be read.
///
/// ```
/// use ipc::frame::{FrameError, FrameReader, MAXIMUM, write_frame};
///
/// let mut stream = Vec::new();
/// write_frame(&mut stream, b"one", MAXIMUM)?;
/// write_frame(&mut stream, b"", MAXIMUM)?;
///
/// let mut reader = FrameReader::new(&stream[..], MAXIMUM);
/// assert_eq!(reader.read_frame()?, Some(&b"one"[..]));
/// assert_eq!(reader.read_frame()?, Some(&b""[..]));
/// assert_eq!(reader.read_frame()?, None);
/// # Ok::<(), FrameError>(())
/// ```
#[derive(Debug)]
pub struct FrameReader<R> {
    from: R,
    frames: Frames,
}

impl<R: Read> FrameReader<R> {
    /// Messages of at most `maximum` bytes each.
    pub fn new(from: R, maximum: usize) -> Self {
        Self { from, frames: Frames::new(maximum) }
    }

    /// The next message; `None` at the end of the stream.
    ///
    /// # Errors
    /// [`FrameError`]. After `Io` (a time limit) it may be called again, nothing is lost.
    pub fn read_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        while !self.frames.is_ready() {
            if self.frames.fill(|room| self.from.read(room))? == 0 {
                return self.frames.end().map(|()| None);
            }
        }
        self.frames.next_frame()
    }
}
