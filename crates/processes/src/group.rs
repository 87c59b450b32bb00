//! Ends a whole family: SIGTERM to its process group, a grace time, then SIGKILL.
//!
//! A process that is asked (SIGTERM) can tidy up, or refuse; one that is killed (SIGKILL) can do neither. The
//! group is what makes it a family: children are born into the group of their parent, and kill(2) reaches them all
//! with one call. In Python: `Process.terminate`, then `Process.kill`, each for one process only.

use std::{
    io,
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Signal, kill_process_group},
};

use crate::ended::{ended_within, pid};

// ANCHOR: end
/// Ends `leader`, which was started with [`process_group(0)`](std::os::unix::process::CommandExt::process_group),
/// and all of its group: SIGTERM, up to `grace` for the leader to end, SIGKILL. Returns how the leader ended.
///
/// # Errors
/// Those of kill(2) and wait(2).
pub fn end(leader: &mut Child, grace: Duration) -> io::Result<ExitStatus> {
    signal(leader, Signal::TERM)?;
    ended_within(leader.id(), grace)?;
    // Also when the leader has ended: others of the group may not have. Not waited for, it is a zombie that keeps
    // the group's number from being given to somebody else in between.
    signal(leader, Signal::KILL)?;
    leader.wait()
}
// ANCHOR_END: end

/// Sends `signal` to all processes in the group of `leader`.
///
/// # Errors
/// Those of kill(2), but not that there is nobody left.
pub fn signal(leader: &Child, signal: Signal) -> io::Result<()> {
    match kill_process_group(pid(leader.id())?, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
