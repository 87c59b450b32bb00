//! What became of one input.

use std::{fmt, fs::File, time::Duration};

/// One run of the command that has ended, or could not begin.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Which input.
    pub(super) index: usize,
    pub(super) end: End,
    /// What it took.
    pub(super) cost: Cost,
    /// The most memory it had, in bytes.
    pub(super) memory: u64,
    /// What it has written to standard output and standard error.
    pub(super) written: Option<[File; 2]>,
}

/// What a run takes, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// From its start to its end, without the time in which it could have gone on and got no core.
    pub(super) wall: f64,
    /// On processors: more than `wall` if it uses several at once.
    pub(super) cpu: f64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this exit code; 0 is success.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// By us: it took longer than this.
    Late(Duration),
    /// It never began: the system's reason.
    NotStarted(String),
}

impl End {
    pub(super) fn of_status(status: libc::c_int) -> Self {
        match libc::WIFSIGNALED(status) {
            true => End::Signal(libc::WTERMSIG(status)),
            false => End::Code(libc::WEXITSTATUS(status)),
        }
    }

    pub(super) fn is_success(&self) -> bool {
        *self == End::Code(0)
    }
}

impl fmt::Display for End {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Code(code) => write!(out, "exit code {code}"),
            End::Signal(signal) => match signal_hook::low_level::signal_name(*signal) {
                Some(name) => write!(out, "ended by signal {signal} ({name})"),
                None => write!(out, "ended by signal {signal}"),
            },
            End::Late(limit) => write!(out, "took longer than {} s and was ended", limit.as_secs_f64()),
            End::NotStarted(why) => write!(out, "cannot be started: {why}"),
        }
    }
}
