//! A program that tells its lessons badly is found out, whichever way.

use std::{panic, process::Command};

use testkit::every_claim_holds;

const HOLDS: &str = r#"{"lesson":"a","claims":[{"observed":"1","holds":true}]}"#;

/// A program that prints `told` when it is to tell, and `listed` when it is to list, and ends with `code`.
fn program(told: &str, listed: &str, code: u8) -> impl Fn() -> Command {
    let script = format!("case $1 in list) echo '{listed}' ;; *) echo '{told}' ;; esac; exit {code}");
    move || {
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, "sh"]);
        shell
    }
}

#[test]
fn claims_that_hold_or_are_skipped_for_a_reason_pass() {
    every_claim_holds(program(HOLDS, r#"{"lesson":"a"}"#, 0));
    let skipped = r#"{"lesson":"a","claims":[{"observed":"skipped: one core","holds":null}]}"#;
    every_claim_holds(program(skipped, r#"{"lesson":"a"}"#, 0));
}

#[test]
fn whatever_is_wrong_is_found() {
    let lied = r#"{"lesson":"a","claims":[{"observed":"2","holds":false}]}"#;
    let silent = r#"{"lesson":"a","claims":[{"observed":"2","holds":null}]}"#;
    let empty = r#"{"lesson":"a","claims":[]}"#;
    let (a, both) = (r#"{"lesson":"a"}"#, "{\"lesson\":\"a\"}\n{\"lesson\":\"b\"}");
    for (expected, told, listed, code) in [
        ("\"holds\":false", lied, a, 0),
        ("\"holds\":null", silent, a, 0),
        ("a lesson without a claim", empty, a, 0),
        ("all lessons are told", HOLDS, both, 0),
        ("exit status: 1", HOLDS, a, 1),
        ("expected", "no JSON", a, 0),
    ] {
        let why = panic::catch_unwind(|| every_claim_holds(program(told, listed, code))).unwrap_err();
        let why = why.downcast_ref::<String>().unwrap();
        assert!(why.contains(expected), "{why}");
    }
}
