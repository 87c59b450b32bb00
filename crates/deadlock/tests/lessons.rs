//! Every lesson of this crate can be told, and every claim holds (or says why it cannot be judged here).

use std::{process::Command, time::Duration};

use testkit::run_within;

const DEADLOCK: &str = env!("CARGO_BIN_EXE_deadlock");

#[test]
fn every_claim_holds_or_is_skipped_for_a_reason() {
    testkit::every_claim_holds(|| Command::new(DEADLOCK));
}

/// A lesson draws many times, each time from a seed of its own, which it makes of the given one.
#[test]
fn the_largest_seed_is_a_seed() {
    let mut lessons = Command::new(DEADLOCK);
    lessons.args(["--quiet", "--untimed", "--seed", &u64::MAX.to_string()]);
    let output = run_within(Duration::from_secs(300), &mut lessons).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
