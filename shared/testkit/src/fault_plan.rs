//! Writes down the faults that a test wants in a child; `faults.rs` reads them there.

use std::{path::PathBuf, process::Command};

use crate::{FAULTS, FAULTS_ONCE};

/// Faults for a child, written down by the test.
///
/// ```
/// let plan = testkit::FaultPlan::new().kill("mid work", 3).exit("before write", 1, 7);
/// assert_eq!(plan.to_string(), "mid work@3=kill;before write@1=exit(7)");
/// ```
#[derive(Debug, Clone, Default)]
pub struct FaultPlan {
    rules: Vec<String>,
    once_in: Option<PathBuf>,
}

impl FaultPlan {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// SIGKILL to itself at the `nth` passage (from 1) of `point`: no destructor runs.
    pub fn kill(self, point: &str, nth: u64) -> Self {
        self.with(point, nth, "kill")
    }

    /// SIGSTOP to itself: alive, but silent until SIGCONT.
    pub fn stop(self, point: &str, nth: u64) -> Self {
        self.with(point, nth, "stop")
    }

    /// A panic on the thread that passes.
    pub fn panic(self, point: &str, nth: u64) -> Self {
        self.with(point, nth, "panic")
    }

    /// The thread that passes goes no further.
    pub fn hang(self, point: &str, nth: u64) -> Self {
        self.with(point, nth, "hang")
    }

    /// The process exits with `code`.
    pub fn exit(self, point: &str, nth: u64, code: i32) -> Self {
        self.with(point, nth, &format!("exit({code})"))
    }

    /// Each fault strikes once over all processes that inherit the plan, so that a worker's replacement lives.
    /// Without this every process counts for itself. The tokens `fault-0`, `fault-1`, ... in `directory` (which must
    /// exist) also tell the test afterwards which faults have struck.
    pub fn once_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.once_in = Some(directory.into());
        self
    }

    /// Gives the plan to a child.
    pub fn apply<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some(directory) = &self.once_in {
            command.env(FAULTS_ONCE, directory);
        }
        command.env(FAULTS, self.to_string())
    }

    fn with(mut self, point: &str, nth: u64, action: &str) -> Self {
        self.rules.push(format!("{point}@{nth}={action}"));
        self
    }
}

impl std::fmt::Display for FaultPlan {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.rules.join(";"))
    }
}
