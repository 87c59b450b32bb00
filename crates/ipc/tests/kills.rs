//! The other side is killed in the middle of a message, either way: an error or the end, at once, and never a wait.

use std::{
    os::fd::OwnedFd,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use ipc::{Connection, frame::FrameError};

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// Longer than any socket's buffer, so that the other one is in the middle of it.
const MIB: usize = 1 << 20;

#[test]
fn a_peer_killed_in_the_middle_is_an_error_on_both_ways() {
    for time in 0..300 {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // It sends back what it gets.
        let mut child = Command::new(env!("CARGO_BIN_EXE_ipc"))
            .args(["--scene", "socketpair/echo"])
            .stdin(OwnedFd::from(theirs))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut sender, mut receiver) = Connection::new(ours).unwrap().split();
        thread::scope(|scope| {
            let sending = scope.spawn(move || {
                let message = vec![0; MIB];
                loop {
                    if let Err(error) = sender.send_within(&message, LONG) {
                        return error;
                    }
                }
            });
            for _ in 0..time % 4 {
                assert_eq!(
                    receiver.receive_within(LONG).unwrap().map(<[u8]>::len),
                    Some(MIB + " and back".len())
                );
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let end = loop {
                match receiver.receive_within(LONG) {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            let kind = |error: &FrameError| match error {
                FrameError::Io(error) => format!("{:?}", error.kind()),
                FrameError::Cut { .. } => "Cut".into(),
                other => other.to_string(),
            };
            let end = end.as_ref().map_or_else(|| "the end".into(), kind);
            assert!(["the end", "Cut", "ConnectionReset"].contains(&&*end), "received: {end}");
            let sent = kind(&sending.join().unwrap());
            assert!(["BrokenPipe", "ConnectionReset"].contains(&&*sent), "sent: {sent}");
        });
    }
}
