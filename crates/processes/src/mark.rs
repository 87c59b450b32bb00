//! How a worker knows that it is one: its last argument says who started it, its parent really is that process,
//! and the first message on its standard input repeats the argument's nonce. No one of these is enough, so that
//! neither a stray variable, nor a stray argument, nor a stray pipe turns a program into a worker.

use std::{
    env,
    ffi::OsStr,
    hash::{BuildHasher, Hasher, RandomState},
    process,
    sync::atomic::{AtomicBool, Ordering},
};

use workload::RunError;

const PREFIX: &str = "processes-worker";

/// Only ever read to *refuse* something, see [`may_start_workers`].
pub(crate) const PARENT_VARIABLE: &str = "PROCESSES_WORKER_OF";

/// Whether this process is a worker that has entered.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// What a worker's last argument says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Process id of the caller.
    pub(crate) parent: u32,
    /// Another number for each worker. It is no secret: it keeps apart, it does not protect.
    pub(crate) nonce: u64,
}

impl Mark {
    /// A new one, with this process as the parent.
    pub(crate) fn new() -> Self {
        // Each `RandomState` has other keys, so the hash of nothing is a new number each time.
        Self { parent: process::id(), nonce: RandomState::new().build_hasher().finish() }
    }

    /// As an argument.
    pub(crate) fn argument(self) -> String {
        format!("{PREFIX}:{}:{:016x}", self.parent, self.nonce)
    }

    /// From an argument, if it is exactly such a one.
    pub(crate) fn parse(argument: &OsStr) -> Option<Self> {
        let mut fields = argument.to_str()?.split(':');
        let (prefix, parent, nonce) = (fields.next()?, fields.next()?, fields.next()?);
        let mark = Self { parent: parent.parse().ok()?, nonce: u64::from_str_radix(nonce, 16).ok()? };
        (prefix == PREFIX && mark.argument().as_str() == argument).then_some(mark)
    }
}

/// From now on this process is a worker, and one that keeps to the rules.
pub(crate) fn entered() {
    // Relaxed: it is set while there is one thread, before any other could look.
    ENTERED.store(true, Ordering::Relaxed);
}

/// Whether [`entered`] was called.
pub(crate) fn has_entered() -> bool {
    ENTERED.load(Ordering::Relaxed)
}

/// Refuses workers to a process that was started as a worker and does not know it, since its `main` does not
/// begin with [`enter`](crate::worker::enter): it would run the whole program once more, and so would its
/// workers, and theirs.
///
/// The variable counts only when it names the real parent: workers' other children inherit it too.
pub(crate) fn may_start_workers() -> Result<(), RunError> {
    let parent = env::var(PARENT_VARIABLE).ok().and_then(|id| id.parse().ok());
    if parent != Some(parent_id()) || has_entered() {
        return Ok(());
    }
    Err(RunError::Start {
        what: "workers".to_owned(),
        why: "this process was itself started as a worker, but the first line of its main is not \
              `processes::worker::enter(..)`"
            .to_owned(),
    })
}

/// Process id of the parent; 0 where it is out of sight, in another namespace.
pub(crate) fn parent_id() -> u32 {
    std::os::unix::process::parent_id()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_argument_is_a_mark() {
        let mark = Mark::new();
        assert_eq!(Mark::parse(OsStr::new(&mark.argument())), Some(mark));
        for stray in
            ["", "processes-worker", "processes-worker:1", "processes-worker:1:2", "processes-worker:x:y"]
        {
            assert_eq!(Mark::parse(OsStr::new(stray)), None, "{stray}");
        }
        assert_eq!(Mark::parse(OsStr::new(&format!("{}:", mark.argument()))), None);
        assert_ne!(Mark::new().nonce, mark.nonce);
    }
}
