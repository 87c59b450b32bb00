//! Compares what a process owns before and after: children, threads, descriptors, shared memory, temporary files.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

use crate::{TestkitError, procfs};

/// Remembers what there was; [`check`](Self::check) says what has been added since.
///
/// Descriptors, threads and children belong to the whole process and tests of one binary run side by side, so a leak
/// test lives **in a test binary of its own**, as the only test there.
#[derive(Debug)]
pub struct LeakGuard {
    prefix: String,
    before: Belongings,
}

/// What is compared: a key that says which one it is, and a description.
type Belongings = BTreeMap<String, String>;

impl LeakGuard {
    /// How long [`check`](Self::check) waits for things that end on their own.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// Looks at children, threads and descriptors of this process, and at the entries of /dev/shm and of the
    /// directory for temporary files whose name begins with `prefix`: the one that the code under test gives its
    /// own, because other programs use both directories all the time. `""` takes them all.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), before: belongings(prefix) }
    }

    /// Waits until nothing is left over, at most [`PATIENCE`](Self::PATIENCE).
    ///
    /// # Errors
    /// [`Leaked`](TestkitError::Leaked) lists what is still there.
    pub fn check(&self) -> Result<(), TestkitError> {
        self.check_within(Self::PATIENCE)
    }

    /// As [`check`](Self::check), with another limit.
    ///
    /// # Errors
    /// [`Leaked`](TestkitError::Leaked) lists what is still there.
    pub fn check_within(&self, patience: Duration) -> Result<(), TestkitError> {
        let deadline = Instant::now() + patience;
        loop {
            let now = belongings(&self.prefix);
            let left: Vec<String> = now
                .into_iter()
                .filter(|(key, _)| !self.before.contains_key(key))
                .map(|(_, what)| what)
                .collect();
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(TestkitError::Leaked { left });
            }
            // A child just killed, a thread past its last line: both are seen for a moment longer.
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn belongings(prefix: &str) -> Belongings {
    let mut all = Belongings::new();
    let me = process::id().cast_signed();
    // By parent and not from /proc/self/task/*/children: that file may miss one while another ends (proc(5)).
    for child in procfs::processes().into_iter().filter(|process| process.parent == me) {
        all.insert(format!("child {}", child.pid), format!("child {}", child.describe()));
    }
    for (id, name) in procfs::threads() {
        all.insert(format!("thread {id}"), format!("thread {id} {name}"));
    }
    for (fd, target) in procfs::descriptors() {
        // The target is part of the key: a number that was closed and used again is another descriptor.
        let what = format!("descriptor {fd} -> {target}");
        all.insert(what.clone(), what);
    }
    for path in entries(Path::new("/dev/shm"), prefix).chain(entries(&env::temp_dir(), prefix)) {
        let what = format!("file {}", path.display());
        all.insert(what.clone(), what);
    }
    all
}

fn entries(directory: &Path, prefix: &str) -> impl Iterator<Item = PathBuf> {
    let names = fs::read_dir(directory).into_iter().flatten().flatten();
    names
        .filter(move |entry| entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()))
        .map(|e| e.path())
}
