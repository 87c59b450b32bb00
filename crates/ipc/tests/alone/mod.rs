//! A test program with a directory for temporary files that is its own and must be empty in the end: other tests that run at
//! the same time use the same names.

use std::{env, fs, path::Path, process, process::Command};

const ALONE: &str = "IPC_TEST_ALONE";

/// To be called at the start of `main`: runs this program once more, in a directory of its own, and ends.
pub(crate) fn be_alone() {
    if env::var_os(ALONE).is_some() {
        return;
    }
    // Short: a socket's path is at most 107 bytes long.
    let directory = env::temp_dir().join(format!("rust-ipc-a{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    let mut command = Command::new("/proc/self/exe");
    let command = command.args(env::args_os().skip(1)).env("TMPDIR", &directory).env(ALONE, "");
    let status = command.status().unwrap();
    let left = files(&directory);
    fs::remove_dir_all(&directory).unwrap();
    assert!(left.is_empty(), "left behind: {left:?}");
    process::exit(status.code().unwrap_or(101));
}

fn files(directory: &Path) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path().display().to_string()).collect()
}
