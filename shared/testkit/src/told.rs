//! Whether a program tells all of its lessons, and every claim in them holds.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::run_within;

/// Lets the program that `command` starts tell all lessons, without those claims about time, and looks at each claim.
///
/// # Panics
/// When a claim does not hold, when one is skipped without a reason, when a lesson claims nothing or one of the list is
/// not told, and when the program does not end within five minutes with exit code 0.
pub fn every_claim_holds(command: impl Fn() -> Command) {
    let told = json(command().args(["--json", "--untimed"]));
    for lesson in &told {
        let claims = lesson["claims"].as_array().expect("claims");
        assert!(!claims.is_empty(), "a lesson without a claim: {lesson}");
        for claim in claims {
            let observed = claim["observed"].as_str().expect("what was observed");
            match claim["holds"].as_bool() {
                Some(holds) => assert!(holds, "{}: {claim}", lesson["lesson"]),
                None => assert!(observed.starts_with("skipped: "), "{}: {claim}", lesson["lesson"]),
            }
        }
    }
    let names = |lines: &[Value]| lines.iter().map(|line| line["lesson"].clone()).collect::<Vec<_>>();
    let listed = json(command().args(["list", "--json"]));
    assert!(!listed.is_empty(), "no lesson is listed");
    assert_eq!(names(&told), names(&listed), "all lessons are told, in the order of the list");
}

/// What the program prints: one JSON object a line.
fn json(command: &mut Command) -> Vec<Value> {
    let output = run_within(Duration::from_secs(300), command).unwrap_or_else(|why| panic!("{why}"));
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    stdout.lines().map(line).collect()
}
