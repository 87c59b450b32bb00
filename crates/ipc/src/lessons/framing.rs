//! Where does a message end?
//!
//! A stream gives back bytes, in cuts of its own: one `write` may come out of several `read`s, two of one. So whoever takes
//! one `read` for one message is right until the day of the first long message or of the second quick one. A length in front
//! tells where a message ends; then every call may do less than it was asked for, or nothing since a signal came (EINTR), and
//! the loop goes on.
//!
//! A length is what the *other side* says. To allocate what it says is to give the memory of this process away for four bytes:
//! there is a maximum, and below it memory grows with what came. (Text where frames should be is caught too: four letters are
//! a length above any maximum.) Every error says at which byte of the stream.
//!
//! In Python: `Connection.send_bytes`, `recv_bytes(maxlength)`: the same bytes on the way.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
};

use lesson::{Lesson, Story};

use crate::frame::{FrameError, FrameReader, Frames, MAXIMUM, write_frame};

pub(super) const LESSON: Lesson = Lesson {
    name: "framing",
    question: "Where does a message end?",
    python: &["Connection.send_bytes", "Connection.recv_bytes(maxlength)"],
    run,
    scenes: &[],
};

const MESSAGES: [&[u8]; 3] = [b"a", b"", b"bc"];

fn run(story: &mut Story) -> lesson::Result {
    story.say("Broken: one read is taken for one message.");
    let (mut ours, mut theirs) = UnixStream::pair()?;
    theirs.write_all(b"one")?;
    theirs.write_all(b"two")?;
    let mut room = [0; 64];
    let count = ours.read(&mut room)?;
    story.equal("two messages come out of one read", "onetwo", &String::from_utf8_lossy(&room[..count]));
    every_cut(story)?;
    hostile(story)
}

fn every_cut(story: &mut Story) -> lesson::Result {
    let mut stream = Vec::new();
    for message in MESSAGES {
        write_frame(&mut stream, message, MAXIMUM)?;
    }
    // A bit for each place between two bytes: cut there or not.
    let places = stream.len() - 1;
    let all = 1u32 << places;
    let right = |careful: bool| {
        (0..all).filter(|cuts| messages(&stream, *cuts, careful).is_ok_and(|read| read == MESSAGES)).count()
    };
    story.say(format!(
        "{} messages are {} bytes of stream, which can be cut in {all} ways. Before each piece a signal interrupts the read.",
        MESSAGES.len(),
        stream.len()
    ));
    let naive = (0..all).filter(|cuts| one_read_each(&stream, *cuts)).count();
    story.equal("one read for each length and each message: right in this many ways", naive_ways(), naive);
    story.equal("with the loop: right in all of them", all as usize, right(true));
    story.equal("a reader that takes EINTR for an error: right in none", 0, right(false));
    Ok(())
}

/// It is right if no cut falls inside a length or a body: of the 14 places three are inside each length and one is inside
/// `bc`. The other four do no harm, since it asks for no more than one length or body at a time.
fn naive_ways() -> usize {
    let inside_lengths = 3 * 3;
    let inside_bodies = 1;
    1 << (14 - inside_lengths - inside_bodies)
}

// ANCHOR: hostile
fn hostile(story: &mut Story) -> lesson::Result {
    let mut stream = Vec::new();
    write_frame(&mut stream, b"good", MAXIMUM)?;
    stream.extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n");
    let mut reader = FrameReader::new(&stream[..], MAXIMUM);
    reader.read_frame()?;
    story.equal(
        "text where a length should be",
        "at byte 8: a message of 1213486160 bytes, where at most 67108864 are allowed",
        &told(reader.read_frame()),
    );

    let mut frames = Frames::new(MAXIMUM);
    let promise = (MAXIMUM as u32).to_be_bytes();
    frames.fill(|room| (&promise[..]).read(room))?;
    story.claim(
        format!("a promise of {MAXIMUM} bytes, allowed, of which none came"),
        "at most 16384 bytes of memory",
        format!("{}", frames.held()),
        !frames.is_ready() && frames.held() <= 16 << 10,
    );

    let mut cut = FrameReader::new(&stream[..6], MAXIMUM);
    story.equal(
        "a stream that ends too early",
        "at byte 0: the stream ends after 6 bytes of a message of 8",
        &told(cut.read_frame()),
    );
    let mut nothing = Vec::new();
    let refused = write_frame(&mut nothing, &[0; 11], 10).is_err();
    story.equal(
        "what is too long is refused by the sender, before a byte is written",
        (true, 0),
        (refused, nothing.len()),
    );
    Ok(())
}
// ANCHOR_END: hostile

fn told(read: Result<Option<&[u8]>, FrameError>) -> String {
    match read {
        Ok(message) => format!("{message:?}"),
        Err(error) => error.to_string(),
    }
}

/// A stream that gives one piece a read, and EINTR before each.
struct Pieces<'a> {
    left: &'a [u8],
    cuts: u32,
    interrupt: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if std::mem::replace(&mut self.interrupt, false) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        self.interrupt = true;
        let mut count = 0;
        while count < room.len() && !self.left.is_empty() {
            room[count] = self.left[0];
            (count, self.left) = (count + 1, &self.left[1..]);
            // The lowest bit: a cut behind this byte?
            let cut = self.cuts & 1 == 1;
            self.cuts >>= 1;
            if cut {
                break;
            }
        }
        Ok(count)
    }
}

/// All messages, through a reader that goes on after EINTR or does not.
fn messages(stream: &[u8], cuts: u32, careful: bool) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut reader =
        FrameReader::new(Told { from: Pieces { left: stream, cuts, interrupt: true }, careful }, MAXIMUM);
    let mut messages = Vec::new();
    while let Some(message) = reader.read_frame()? {
        messages.push(message.to_vec());
    }
    Ok(messages)
}

/// Turns EINTR into an error that nobody goes on after, if it is not careful.
struct Told<'a> {
    from: Pieces<'a>,
    careful: bool,
}

impl Read for Told<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(room);
        if self.careful { read } else { read.map_err(|_| io::Error::other("interrupted")) }
    }
}

/// The broken form: a read for the length, a read for the body, and what it returns is not looked at.
fn one_read_each(stream: &[u8], cuts: u32) -> bool {
    let mut from = Pieces { left: stream, cuts, interrupt: false };
    MESSAGES.into_iter().all(|message| {
        let mut read = |room: &mut [u8]| {
            from.interrupt = false;
            room.is_empty() || from.read(room).is_ok()
        };
        let (mut length, mut body) = ([0; 4], vec![0; message.len()]);
        read(&mut length)
            && length == (message.len() as u32).to_be_bytes()
            && read(&mut body)
            && body == message
    })
}
