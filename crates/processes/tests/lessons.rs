//! Every lesson of this crate can be told, every claim holds (or says why it cannot be judged here), and nothing is
//! left of all that was started, killed and orphaned.

use std::process::Command;

use testkit::LeakGuard;

/// The only test of this binary: what is left behind is looked for in the whole process.
#[test]
fn every_claim_holds_or_is_skipped_for_a_reason_and_nothing_is_left() {
    let guard = LeakGuard::new("processes");
    testkit::every_claim_holds(|| Command::new(env!("CARGO_BIN_EXE_processes")));
    guard.check().unwrap();
}
