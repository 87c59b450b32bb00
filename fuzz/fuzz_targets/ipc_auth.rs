//! Whatever somebody says who does not know the key, to a server or as one: he is not let in, and told apart by what was wrong
//! with it. He has said all that he will, so nobody waits.

#![no_main]

use std::{io::Write, net::Shutdown, os::unix::net::UnixStream, time::Duration};

use ipc::{
    Connection,
    auth::{AuthError, Key, LENGTH, admit, prove},
    frame::FrameError,
};
use libfuzzer_sys::fuzz_target;

/// Nothing here takes as long.
const LONG: Duration = Duration::from_secs(60);

type Side = fn(Connection, &Key, Duration) -> Result<Connection, AuthError>;

fn judge(side: Side, parts: &[&[u8]]) {
    let (mut stranger, ours) = UnixStream::pair().expect("descriptors");
    let bytes = parts.concat();
    stranger.write_all(&bytes).expect("it fits");
    stranger.shutdown(Shutdown::Write).expect("it is open");
    let key = Key::new("a key that is not among the bytes");
    match side(Connection::new(ours).expect("a socket"), &key, LONG) {
        Ok(_) => panic!("let in"),
        Err(AuthError::Strange { length, expected }) => {
            assert!(length != expected && length <= 2 * LENGTH);
        }
        Err(AuthError::Frame(FrameError::TooLong { offset, announced, maximum })) => {
            assert!(offset < bytes.len() as u64 && announced > maximum && maximum == 2 * LENGTH);
        }
        Err(AuthError::Frame(FrameError::Cut { offset, have, of })) => {
            assert!(offset + have as u64 == bytes.len() as u64 && have < of);
        }
        Err(AuthError::WrongKey | AuthError::Refused | AuthError::Gone) => {}
        Err(other) => panic!("{other}"),
    }
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes()[..], message].concat()
}

fuzz_target!(|bytes: &[u8]| {
    judge(admit, &[bytes]);
    judge(admit, &[&framed(bytes)]);
    judge(prove, &[bytes]);
    // A question as it should be, and whatever comes then.
    let question = framed(&[7; LENGTH]);
    judge(prove, &[&question, bytes]);
    judge(prove, &[&question, &framed(bytes)]);
});
