//! Waiting for a descriptor with a deadline: poll(2), which a signal may interrupt but not lengthen.

use std::{
    io,
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    time::Timespec,
};

/// The moment `within` from now; `None`, no limit, if it is too far to be told.
pub(crate) fn deadline(within: Duration) -> Option<Instant> {
    Instant::now().checked_add(within)
}

/// What is left until `deadline`, as poll(2) wants it.
pub(crate) fn left(deadline: Option<Instant>) -> io::Result<Option<Timespec>> {
    let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    Ok(left.map(Timespec::try_from).transpose().map_err(|_| io::ErrorKind::InvalidInput)?)
}

/// Waits until `descriptor` is ready for `what`, or its other end has closed, or `deadline` has passed: then false.
/// `None` is for ever.
pub(crate) fn ready(descriptor: impl AsFd, what: PollFlags, deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        match poll(&mut [PollFd::new(&descriptor, what)], left(deadline)?.as_ref()) {
            Ok(count) => return Ok(count > 0),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
