//! How many descriptors a process may have: the soft limit can be raised to the hard one by anybody (getrlimit(2)).

use std::{fs, io};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for whatever else is opened meanwhile.
const RESERVE: usize = 100;

/// The limit is raised, for this process and those that it starts, until this is dropped.
pub(super) struct Raised {
    before: Rlimit,
    pub(super) limit: usize,
}

impl Raised {
    pub(super) fn to_the_most() -> io::Result<Self> {
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum })?;
        // None is no limit.
        Ok(Self { before, limit: before.maximum.map_or(usize::MAX, |limit| limit as usize) })
    }

    /// Connections that can be opened.
    pub(super) fn room(&self) -> io::Result<usize> {
        Ok(self.limit.saturating_sub(fs::read_dir("/proc/self/fd")?.count() + RESERVE))
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        // Lower than it is, which is always allowed.
        let _ = setrlimit(Resource::Nofile, self.before);
    }
}
