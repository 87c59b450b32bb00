//! Ctrl-C is handled once, by the caller: one line, exit code 130, and no worker left.
//!
//! A terminal sends SIGINT to every process of the foreground group. In Python each worker of a pool then prints its
//! own traceback. Here a pool's worker does not end by SIGINT: it ends when its caller does, by the kernel's
//! PR_SET_PDEATHSIG and by the end of its input.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use signal_hook::{consts::SIGINT, iterator::Signals, low_level};

/// From now on Ctrl-C prints `line` on standard error and ends this process with exit code 130 (128 + 2, as a shell
/// reports it). Without this call SIGINT kills the process, which ends its workers too, but without a word.
///
/// A second call changes nothing.
///
/// # Errors
/// When the system lets no handler be set, or no thread be started.
pub fn exit_on_interrupt(line: &'static str) -> io::Result<()> {
    static SET: AtomicBool = AtomicBool::new(false);
    // Relaxed: only one may win; nothing else is published by it.
    if SET.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let set = set(line);
    if set.is_err() {
        SET.store(false, Ordering::Relaxed);
    }
    set
}

fn set(line: &'static str) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT])?;
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            // Whether anyone reads it does not change what follows.
            let _ = writeln!(io::stderr(), "{line}");
            // Not `std::process::exit`, which runs destructors of C libraries while other threads still work.
            low_level::exit(128 + SIGINT);
        }
    })?;
    Ok(())
}
