//! A worker that does not keep to the protocol is an error, whatever it says.

use std::{env, io::Write, thread};

use processes::frame;
use workload::{Failure, RunError};

use crate::{both, scenes::scene_program, support::Numbers};

pub(crate) fn hostile() {
    for (name, words) in [
        ("hostile-text", "bytes, where at most"),
        ("hostile-magic", "something else"),
        ("hostile-version", "version 999"),
        ("hostile-nonce", "nonce"),
        ("hostile-reply", "is not the message expected"),
        ("hostile-pieces", "a reply about pieces 7..9"),
        ("hostile-flood", "a reply about pieces 7..9"),
    ] {
        for result in both(&scene_program(name), &Numbers::plain(4)) {
            match result {
                Err(RunError::Protocol { why, .. }) => assert!(why.contains(words), "{name}: {why}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    // About the one piece that it has; but what failed was another.
    for result in both(&scene_program("hostile-stray"), &Numbers::plain(1)) {
        match result {
            Err(RunError::Protocol { why, .. }) => assert_eq!(why, "piece 9 in a reply about pieces 0..1"),
            other => panic!("{other:?}"),
        }
    }
    for result in both(&scene_program("hostile-half"), &Numbers::plain(4)) {
        match result {
            Err(RunError::Poison { deaths, .. }) => {
                assert_eq!(deaths, ["exited with code 0 in the middle of a message"; 3]);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// A worker that does not keep to the protocol, in one way.
pub(crate) fn lie(how: &str) {
    const MAGIC: [u8; 4] = *b"prcs";
    let mark = env::args().next_back().unwrap();
    let nonce = u64::from_str_radix(mark.rsplit(':').next().unwrap(), 16).unwrap();
    let mut out = std::io::stdout();
    let mut say = |frame: &[u8]| out.write_all(frame).and_then(|()| out.flush());
    let nobody: Option<String> = None;
    let welcome = frame::encode(&(MAGIC, 1u16, nonce, &nobody)).unwrap();
    // (first, count, part, nanoseconds, spans), as in a reply.
    let part: Result<Vec<u64>, ()> = Ok(vec![1, 2]);
    let reply = frame::encode(&(7usize, 2usize, part, 5u64, Vec::<u64>::new())).unwrap();
    let failed: Result<Vec<u64>, _> = Err((9usize, Failure::Panic("no".to_owned())));
    let stray = frame::encode(&(0usize, 1usize, failed, 5u64, Vec::<u64>::new())).unwrap();
    // Whether the caller still listens is not this worker's concern.
    let _ = match how {
        "text" => say(b"hello from main\n"),
        "magic" => say(&frame::encode(&(*b"HTTP", 1u16, nonce, &nobody)).unwrap()),
        "version" => say(&frame::encode(&(MAGIC, 999u16, "whatever")).unwrap()),
        "nonce" => say(&frame::encode(&(MAGIC, 1u16, nonce ^ 1, &nobody)).unwrap()),
        "reply" => say(&welcome).and_then(|()| say(&frame::encode(&[0xff_u8; 3]).unwrap())),
        "pieces" => say(&welcome).and_then(|()| say(&reply)),
        "stray" => say(&welcome).and_then(|()| say(&stray)),
        "half" => say(&welcome).and_then(|()| say(&reply[..reply.len() / 2])),
        "flood" => say(&welcome).and_then(|()| {
            loop {
                say(&reply)?;
            }
        }),
        other => panic!("{other}"),
    };
    if how != "half" {
        loop {
            thread::park();
        }
    }
}
