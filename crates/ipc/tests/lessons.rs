//! Every lesson of this crate can be told, every claim holds (or says why it cannot be judged here), and nothing is left.

use std::{env, fs, process::Command};

#[test]
fn every_claim_holds_or_is_skipped_for_a_reason() {
    // Short: a socket's path is at most 107 bytes long.
    let temporary = env::temp_dir().join(format!("rust-ipc-l{}", std::process::id()));
    fs::create_dir_all(&temporary).unwrap();
    testkit::every_claim_holds(|| {
        let mut ipc = Command::new(env!("CARGO_BIN_EXE_ipc"));
        ipc.env("TMPDIR", &temporary);
        ipc
    });
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().map(|entry| entry.path()).collect();
    fs::remove_dir_all(&temporary).unwrap();
    assert!(left.is_empty(), "left behind: {left:?}");
}
