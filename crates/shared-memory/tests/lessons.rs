//! Every lesson of this crate can be told, and every claim holds (or says why it cannot be judged here).

use std::process::Command;

#[test]
fn every_claim_holds_or_is_skipped_for_a_reason() {
    testkit::every_claim_holds(|| Command::new(env!("CARGO_BIN_EXE_shared-memory")));
}
