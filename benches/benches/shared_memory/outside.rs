//! Programs in other languages, both ends of which are theirs.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    time::Duration,
};

use benches::peers::Peer;
use processes::ended::ended_within;
use rustix::process::{Pid, Signal, kill_process_group};

/// Seconds that the program in C took; NaN without it.
pub(crate) fn of_c(c: Option<&Peer>, what: &str, words: &[String; 3]) -> f64 {
    let [first, second, third] = words.each_ref().map(String::as_str);
    c.map_or(f64::NAN, |c| c.run(&[what, first, second, third]).expect("it ends well").seconds)
}

/// What it prints, if it ends well and in time. It is killed otherwise, with all that it has started.
pub(crate) fn printed_within(command: &mut Command, limit: Duration) -> Option<String> {
    let child = command.stdout(Stdio::piped()).process_group(0).spawn().ok()?;
    if !ended_within(child.id(), limit).unwrap_or(false) {
        let group = Pid::from_child(&child);
        // Refused only if all of them have ended meanwhile.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let output = child.wait_with_output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
