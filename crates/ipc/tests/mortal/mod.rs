//! A scene of a lesson as a process that can be killed at any moment.

use std::{
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use ipc::Connection;

/// Nothing here takes as long: it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// A death is known at once; this is far more, and far less than any time limit that is given here.
pub(crate) const BOUND: Duration = Duration::from_secs(10);

/// The process, and the line to it: its standard input.
pub(crate) fn started(scene: &str) -> (Child, Connection) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_ipc"))
        .args(["--scene", scene])
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, Connection::new(ours).unwrap())
}

/// A moment between 0 and 3 ms after the first exchange, another one for each seed.
pub(crate) fn moment(seed: u64) -> Duration {
    Duration::from_nanos(testkit::mix(seed) % 3_000_000)
}
