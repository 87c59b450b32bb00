//! Each kind of deadlock is found while it would close, and nothing else is.
#![cfg(feature = "detector")]

mod channels;
mod locks;
mod sleepers;

use std::time::Duration;

use deadlock::detector::Report;

/// What hangs is a deadlock that was missed.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn names(report: &Report) -> Vec<&str> {
    report.threads().iter().map(|stuck| stuck.thread.as_str()).collect()
}

/// Polls until `condition` holds: it will, since nothing that it waits for can fail to come.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}
