//! Whatever comes in, in whatever cuts: messages or an error with the offset, never a panic, and no memory for a promise.

use std::io::{self, Read, Write};

use ipc::frame::{FrameError, FrameReader, Frames, HEADER, MAXIMUM, write_frame};
use proptest::{collection::vec, prelude::*};

const SMALL: usize = 64 << 10;

/// Gives out and takes in as many bytes at a time as `cuts` say, each time after an EINTR.
struct Cuts {
    bytes: Vec<u8>,
    at: usize,
    cuts: Vec<usize>,
    turn: usize,
}

impl Cuts {
    fn of(bytes: Vec<u8>, cuts: Vec<usize>) -> Self {
        Self { bytes, at: 0, cuts, turn: 0 }
    }

    fn next(&mut self) -> io::Result<usize> {
        self.turn += 1;
        if self.turn % 2 == 1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(self.cuts[self.turn / 2 % self.cuts.len()])
    }
}

impl Read for Cuts {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.next()?.min(room.len()).min(self.bytes.len() - self.at);
        room[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Cuts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.next()?.min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads to the end: the messages, and what ended it.
fn all(stream: impl Read, maximum: usize) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut reader = FrameReader::new(stream, maximum);
    let mut messages = Vec::new();
    loop {
        match reader.read_frame() {
            Ok(Some(message)) => messages.push(message.to_vec()),
            Ok(None) => return (messages, Ok(())),
            Err(error) => return (messages, Err(error)),
        }
    }
}

/// What the format says, decoded with no regard to cuts: the messages and, if it does not end well, where and why.
fn expected(mut bytes: &[u8], maximum: usize) -> (Vec<Vec<u8>>, Option<(u64, &'static str)>) {
    let (whole, mut messages) = (bytes.len(), Vec::new());
    loop {
        let at = (whole - bytes.len()) as u64;
        match bytes {
            [] => return (messages, None),
            [a, b, c, d, rest @ ..] => {
                let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
                if length > maximum {
                    return (messages, Some((at, "too long")));
                }
                if rest.len() < length {
                    return (messages, Some((at, "cut")));
                }
                messages.push(rest[..length].to_vec());
                bytes = &rest[length..];
            }
            _ => return (messages, Some((at, "cut"))),
        }
    }
}

fn why(end: Result<(), FrameError>) -> Option<(u64, &'static str)> {
    match end {
        Ok(()) => None,
        Err(FrameError::TooLong { offset, .. }) => Some((offset, "too long")),
        Err(FrameError::Cut { offset, .. }) => Some((offset, "cut")),
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_was_written_is_read_whatever_the_cuts(
        messages in vec(vec(any::<u8>(), 0..20_000), 0..6),
        into in vec(1..9_000usize, 1..8),
        out in vec(1..9_000usize, 1..8),
    ) {
        let mut stream = Cuts::of(Vec::new(), into);
        for message in &messages {
            write_frame(&mut stream, message, MAXIMUM).unwrap();
        }
        let (read, end) = all(Cuts::of(stream.bytes, out), MAXIMUM);
        prop_assert_eq!(read, messages);
        prop_assert!(end.is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100_000, failure_persistence: None, ..Default::default() })]

    /// Half of the lengths are small, so that rubbish also has messages in it.
    #[test]
    fn rubbish_is_read_as_the_format_says(
        parts in vec((prop_oneof![0..40u32, any::<u32>()], vec(any::<u8>(), 0..40)), 0..6),
        tail in vec(any::<u8>(), 0..5),
        cuts in vec(1..60usize, 1..4),
        maximum in prop_oneof![Just(10usize), Just(SMALL)],
    ) {
        let mut bytes = Vec::new();
        for (length, body) in parts {
            bytes.extend(length.to_be_bytes());
            bytes.extend(body);
        }
        bytes.extend(tail);
        let (messages, end) = all(Cuts::of(bytes.clone(), cuts), maximum);
        prop_assert_eq!((messages, why(end)), expected(&bytes, maximum));
    }
}

#[test]
fn memory_grows_with_what_came_and_not_with_what_was_promised() {
    let mut frames = Frames::new(MAXIMUM);
    let mut promise = (MAXIMUM as u32).to_be_bytes().to_vec();
    promise.extend([7; 100]);
    let mut stream = &promise[..];
    assert_eq!(frames.fill(|room| stream.read(room)).unwrap(), promise.len());
    assert_eq!(
        frames.fill(|_| Err(io::ErrorKind::WouldBlock.into())).unwrap_err().kind(),
        io::ErrorKind::WouldBlock
    );
    assert!(!frames.is_ready());
    assert!(frames.held() <= 16 << 10, "{} bytes for 104 that came", frames.held());

    let mut received = promise.len();
    while received < 3 << 20 {
        // A peer that sends little at a time: room that was made too early is not filled by it.
        received += frames.fill(|room| Ok(room.len().min(4 << 10))).unwrap();
        assert!(frames.held() <= 2 * received + (8 << 10), "{} bytes for {received}", frames.held());
    }
    assert!(
        matches!(frames.end(), Err(FrameError::Cut { offset: 0, have, of }) if have == received && of == HEADER + MAXIMUM)
    );
}

#[test]
fn a_hostile_length_is_refused_with_its_place_and_for_ever() {
    let mut stream = Vec::new();
    write_frame(&mut stream, b"good", 100).unwrap();
    stream.extend(101u32.to_be_bytes());
    stream.extend([0; 200]);
    let mut reader = FrameReader::new(&stream[..], 100);
    assert_eq!(reader.read_frame().unwrap(), Some(&b"good"[..]));
    for _ in 0..2 {
        let error = reader.read_frame().unwrap_err();
        assert!(matches!(error, FrameError::TooLong { offset: 8, announced: 101, maximum: 100 }), "{error}");
        assert_eq!(error.to_string(), "at byte 8: a message of 101 bytes, where at most 100 are allowed");
    }
}

#[test]
fn what_is_too_long_is_not_begun() {
    let mut stream = Vec::new();
    assert!(matches!(write_frame(&mut stream, &[0; 11], 10), Err(FrameError::TooLong { announced: 11, .. })));
    assert!(stream.is_empty());
}

#[test]
fn a_maximum_is_allowed_itself() {
    let (mut stream, message) = (Vec::new(), vec![5; SMALL]);
    write_frame(&mut stream, &message, SMALL).unwrap();
    assert_eq!(all(&stream[..], SMALL).0, [message]);
}
