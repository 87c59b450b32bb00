//! Whatever a peer sends, in whatever cuts: the messages that the format says, or an error at the byte where it is; and never
//! more memory than twice what came, and 8 KiB. The first byte is the maximum, the second says in which cuts the others come.

#![no_main]

use ipc::frame::{FrameError, Frames, HEADER};
use libfuzzer_sys::fuzz_target;

/// What the format says, read with no regard to cuts: the next message's bytes, or why there is none, and where.
fn expected(bytes: &[u8], at: usize, maximum: usize) -> Result<&[u8], (&'static str, u64)> {
    let Some(header) = bytes[at..].first_chunk::<HEADER>() else { return Err(("cut", at as u64)) };
    let length = u32::from_be_bytes(*header) as usize;
    if length > maximum {
        return Err(("too long", at as u64));
    }
    bytes.get(at + HEADER..at + HEADER + length).ok_or(("cut", at as u64))
}

fuzz_target!(|bytes: &[u8]| {
    let [maximum, cut, bytes @ ..] = bytes else { return };
    let maximum = usize::from(*maximum) * 16;
    let mut frames = Frames::new(maximum);
    let (mut came, mut at) = (0, 0);
    while came < bytes.len() {
        let from = came;
        came += frames
            .fill(|room| {
                let count = usize::from(*cut).max(1).min(room.len()).min(bytes.len() - from);
                room[..count].copy_from_slice(&bytes[from..from + count]);
                Ok(count)
            })
            .expect("nothing fails here");
        assert!(frames.held() <= 2 * came + (8 << 10), "{} bytes for {came}", frames.held());
        loop {
            match frames.next_frame() {
                Ok(Some(message)) => {
                    assert_eq!(Ok(message), expected(bytes, at, maximum));
                    at += HEADER + message.len();
                }
                Ok(None) => break,
                Err(FrameError::TooLong { offset, .. }) => {
                    assert_eq!(expected(bytes, at, maximum), Err(("too long", offset)));
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    match frames.end() {
        Ok(()) => assert_eq!(at, bytes.len()),
        Err(FrameError::Cut { offset, .. }) => {
            assert_eq!(expected(bytes, at, maximum), Err(("cut", offset)));
        }
        Err(error) => panic!("{error}"),
    }
});
