//! This program once more, as a child that a lesson handles itself, and what must be true when it is gone.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{ChildStdout, Command, Stdio},
};

use lesson::Story;
use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, getpid, set_child_subreaper, wait, waitpid},
};

use crate::ended::pid;

/// This very file, also if a newer build has replaced it meanwhile.
pub(super) const THIS: &str = "/proc/self/exe";

/// This program, to play `scene` ("lesson/scene") with a pipe as its input and one as its output.
pub(super) fn again(scene: &str) -> Command {
    let mut command = Command::new(THIS);
    command.args(["--scene", scene]).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// What a child says, line by line.
pub(super) struct Said(BufReader<ChildStdout>);

impl Said {
    /// What comes out of `output`.
    ///
    /// # Errors
    /// When the output was not piped, or is taken.
    pub(super) fn by(output: &mut Option<ChildStdout>) -> io::Result<Self> {
        output.take().map(|output| Self(BufReader::new(output))).ok_or(io::ErrorKind::BrokenPipe.into())
    }

    /// The next line; an empty one at the end.
    pub(super) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// The process ids in the next line.
    pub(super) fn ids(&mut self) -> io::Result<Vec<u32>> {
        Ok(self.line()?.split(' ').flat_map(str::parse).collect())
    }
}

/// Waits until somebody closes this process's input: what a child does that shall live as long as its parent wants.
pub(super) fn until_input_ends() {
    // An error is an end, too.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// While it lives, this process is the one to which orphaned descendants come (PR_SET_CHILD_SUBREAPER, prctl(2)).
pub(super) struct Adopting(());

impl Adopting {
    pub(super) fn begin() -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        Ok(Self(()))
    }

    /// Waits for the end of an adopted process, as for that of any child; the signal that killed it, if one did.
    pub(super) fn wait(&self, id: u32) -> io::Result<Option<i32>> {
        let ended: Option<(Pid, _)> = waitpid(Some(pid(id)?), WaitOptions::empty())?;
        Ok(ended.and_then(|(_, status)| status.terminating_signal()))
    }
}

impl Drop for Adopting {
    fn drop(&mut self) {
        // Cannot fail: it is only ever refused to a kernel without it, which would have refused the first.
        let _ = set_child_subreaper(None);
    }
}

/// Claims that this process has no child at all, neither living nor zombie: wait(2) says ECHILD.
pub(super) fn nobody_left(story: &mut Story) {
    let left = match wait(WaitOptions::NOHANG) {
        Err(Errno::CHILD) => "none".to_owned(),
        other => format!("{other:?}"),
    };
    story.equal("no child is left, not even as a zombie", "none", &left);
}
