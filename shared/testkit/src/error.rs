//! What can go wrong in a test's own machinery, and what it finds.

use std::{io, time::Duration};

/// Why a test's child, guard or fault plan is not as it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestkitError {
    /// The system refused something the testkit needs.
    #[error("{what}: {why}")]
    System {
        /// What was attempted.
        what: String,
        /// The system's answer.
        #[source]
        why: io::Error,
    },

    /// A child did not end in time; it and all that it had started are killed.
    #[error(
        "{command} did not end within {limit:?} and was killed with all it had started: {}\n\
         --- stdout so far\n{stdout}\n--- stderr so far\n{stderr}", killed.join(", ")
    )]
    Late {
        /// The command line.
        command: String,
        /// Its deadline.
        limit: Duration,
        /// `pid name` of each process that was killed.
        killed: Vec<String>,
        /// What it had printed.
        stdout: String,
        /// What it had printed.
        stderr: String,
    },

    /// A child ended, but processes that it had started lived on; they are killed.
    #[error("{command} ended and left behind {} (killed now)", left.join(", "))]
    LeftBehind {
        /// The command line.
        command: String,
        /// `pid name` of each process that lived on.
        left: Vec<String>,
    },

    /// Something is here now that was not here when the guard was made.
    #[error("left behind: {}", left.join("; "))]
    Leaked {
        /// A description of each thing.
        left: Vec<String>,
    },

    /// A fault plan that can not be read.
    #[error("fault {rule:?}: {why} (expected: point@nth=kill|stop|panic|hang|exit(code), joined by ;)")]
    Fault {
        /// The part that is wrong.
        rule: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TestkitError {
    /// For `map_err`: what was attempted, and the system's answer.
    pub(crate) fn system<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |why| Self::System { what, why: why.into() }
    }
}
