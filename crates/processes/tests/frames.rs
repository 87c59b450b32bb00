//! Whatever bytes come, in whatever cuts: values or errors, never a panic, never memory for a mere promise.

use std::io::Write;

use processes::frame::{FrameError, Inbox, LIMIT, decode, encode};
use proptest::prelude::*;

type Message = (u32, String, Vec<(u64, Option<i8>)>, Result<Vec<u16>, String>);

/// All frames in `bytes`, pushed in pieces of the given sizes; an error ends it.
fn frames(bytes: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, Result<(), FrameError>) {
    let mut inbox = Inbox::default();
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut cuts = cuts.iter().cycle();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(*cuts.next().unwrap_or(&rest.len())));
        inbox.push(now);
        rest = later;
        loop {
            match inbox.next_frame() {
                Ok(Some(payload)) => out.push(payload.to_vec()),
                Ok(None) => break,
                Err(error) => return (out, Err(error)),
            }
        }
    }
    let end = inbox.end();
    (out, end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_in_comes_out_whatever_the_cuts(messages in prop::collection::vec(any::<Message>(), 0..9), cuts in prop::collection::vec(1..50usize, 1..9)) {
        let bytes: Vec<u8> = messages.iter().flat_map(|message| encode(message).unwrap()).collect();
        let (payloads, end) = frames(&bytes, &cuts);
        prop_assert!(end.is_ok());
        let back: Vec<Message> = payloads.iter().map(|payload| decode(payload).unwrap()).collect();
        prop_assert_eq!(back, messages);
    }

    #[test]
    fn rubbish_is_an_error_or_a_value(bytes: Vec<u8>, cuts in prop::collection::vec(1..50usize, 1..9)) {
        let (payloads, _) = frames(&bytes, &cuts);
        for payload in payloads.iter().chain([&bytes]) {
            let _ = decode::<Message>(payload);
            let _ = decode::<Vec<Vec<String>>>(payload);
        }
    }

    #[test]
    fn a_cut_off_frame_is_said_to_be_one(message: Message, at: prop::sample::Index) {
        let bytes = encode(&message).unwrap();
        let cut = &bytes[..at.index(bytes.len())];
        let (payloads, end) = frames(cut, &[7]);
        prop_assert!(payloads.is_empty());
        prop_assert_eq!(matches!(end, Err(FrameError::Cut { .. })), !cut.is_empty());
    }

    #[test]
    fn one_changed_byte_is_an_error_or_another_value(message: Message, at: prop::sample::Index, by in 1..=255u8) {
        let mut bytes = encode(&message).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        let (payloads, _) = frames(&bytes, &[13]);
        for payload in payloads {
            let _ = decode::<Message>(&payload);
        }
    }
}

#[test]
fn a_length_above_the_limit_is_refused_at_once() {
    let (payloads, end) = frames(&(LIMIT as u32 + 1).to_le_bytes(), &[1]);
    assert!(payloads.is_empty());
    assert!(matches!(end, Err(FrameError::TooLong { bytes }) if bytes == LIMIT + 1));
    assert!(matches!(frames(b"hello", &[5]).1, Err(FrameError::TooLong { .. })));
}

#[test]
fn bytes_behind_the_value_are_an_error() {
    let mut payload = encode(&7u32).unwrap()[4..].to_vec();
    payload.extend([0, 0]);
    assert!(matches!(decode::<u32>(&payload), Err(FrameError::Trailing(2))));
}

#[test]
fn an_element_count_that_lies_gets_no_memory() {
    // A list that promises 2^60 elements, in a frame of ten bytes.
    let payload = encode(&(1u64 << 60)).unwrap()[4..].to_vec();
    assert!(matches!(decode::<Vec<[u64; 16]>>(&payload), Err(FrameError::Decode(_))));
    assert!(matches!(decode::<String>(&payload), Err(FrameError::Decode(_))));
}

#[test]
fn a_pipe_that_ends_between_frames_is_an_end_and_in_one_an_error() {
    let frame = encode(&"a message").unwrap();
    for (bytes, whole) in [(frame.len(), true), (frame.len() - 1, false), (2, false)] {
        let (from, mut to) = std::io::pipe().unwrap();
        to.write_all(&frame[..bytes]).unwrap();
        drop(to);
        let mut inbox = Inbox::default();
        match inbox.receive(&from) {
            Ok(Some(payload)) => assert!(whole && decode::<String>(payload).unwrap() == "a message"),
            Err(FrameError::Cut { have, of }) => assert!(!whole && have == bytes && of > have),
            other => panic!("{other:?}"),
        }
        if whole {
            assert!(inbox.receive(&from).unwrap().is_none());
        }
    }
}
