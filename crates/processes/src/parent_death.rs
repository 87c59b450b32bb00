//! A child that the kernel kills when its parent ends, for whatever reason (PR_SET_PDEATHSIG, prctl(2); Linux).
//!
//! Two things to know:
//! - the parent is the **thread** that started the child: when that thread ends, the child is killed, though the
//!   process lives on;
//! - a parent that ends between fork and prctl is never noticed: hence the look at getppid **after** prctl.
//!
//! In Python: `Process.daemon` kills at the parent's normal end only, not when the parent itself is killed.

use std::{io, os::unix::process::CommandExt, process::Command};

use rustix::process::{Pid, Signal, getpid, getppid, set_parent_process_death_signal};

// ANCHOR: die_with_parent
/// Makes the process that `command` starts end by SIGKILL as soon as the calling thread has ended.
pub fn die_with_parent(command: &mut Command) -> &mut Command {
    let parent = getpid();
    // SAFETY: between fork and exec only two system calls are made; nothing is allocated, no lock is taken.
    unsafe {
        command.pre_exec(move || match watch_parent(parent) {
            Ok(true) => Ok(()),
            Ok(false) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) => Err(error),
        })
    }
}

/// Asks for SIGKILL at the parent's end, then looks if the parent still is `parent`: false means that it ended
/// before it could be watched, and that nothing will come.
///
/// # Errors
/// Those of prctl(2).
pub fn watch_parent(parent: Pid) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(getppid() == Some(parent))
}
// ANCHOR_END: die_with_parent
