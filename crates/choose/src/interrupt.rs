//! Ctrl-C ends everything at once.
//!
//! Workers and probes are children that end when this process does, however it ends (a worker's parent-death signal,
//! the end of its standard input): so there is nothing to tidy up but the terminal.

use std::{io, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
    low_level,
};

/// From now on Ctrl-C (and SIGTERM, SIGHUP) calls `tidy` and ends this process with 128 + the signal's number, as a
/// shell would report it: 130 for Ctrl-C.
///
/// # Errors
/// When the system lets no handler be set.
pub(crate) fn end_on_signal(tidy: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            tidy();
            // Not `std::process::exit`, which waits for destructors: other threads are in the middle of their work.
            low_level::exit(128 + signal);
        }
    })?;
    Ok(())
}
