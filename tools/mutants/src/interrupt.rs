//! Ctrl-C ends a run at once and leaves neither a process nor a copy behind.
//!
//! Each check runs in a process group of its own, so that it can be killed when it hangs; the terminal's signal does
//! not reach that group, and a test that hangs would stay for ever.

use std::{
    fs, io, process,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

// Relaxed: a flag that publishes nothing else.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Whether the run was told to end.
pub fn is_stopped() -> bool {
    STOPPED.load(Relaxed)
}

/// From now on SIGINT and SIGTERM kill all checks, which this process then finds to have failed.
///
/// # Errors
/// When the system refuses a handler.
pub fn stop_on_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            STOPPED.store(true, Relaxed);
            // Again and again until this process ends: one may be started at this moment.
            loop {
                kill_children_of(process::id());
                thread::sleep(Duration::from_millis(20));
            }
        }
    });
    Ok(())
}

/// Kills all descendants, the youngest first; who is gone meanwhile needs no killing.
fn kill_children_of(parent: u32) {
    let Ok(threads) = fs::read_dir(format!("/proc/{parent}/task")) else { return };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|number| number.parse::<u32>().ok()) {
            kill_children_of(child);
            if let Some(child) = Pid::from_raw(child.cast_signed()) {
                let _ = kill_process(child, Signal::KILL);
            }
        }
    }
}
