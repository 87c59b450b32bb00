//! Every lesson of this crate can be told, every claim holds (or says why it cannot be judged here), and nothing is left.

use std::{env, fs, process::Command, time::Duration};

use serde_json::Value;
use testkit::run_within;

const IPC: &str = env!("CARGO_BIN_EXE_ipc");

/// Runs the program, without leaving a process or a file, and reads its stdout as one JSON object a line.
fn json(arguments: &[&str]) -> Vec<Value> {
    // Short: a socket's path is at most 107 bytes long.
    let temporary = env::temp_dir().join(format!("rust-ipc-l{}", std::process::id()));
    fs::create_dir_all(&temporary).unwrap();
    let output =
        run_within(Duration::from_secs(300), Command::new(IPC).args(arguments).env("TMPDIR", &temporary))
            .unwrap();
    let left: Vec<_> = fs::read_dir(&temporary).unwrap().flatten().map(|entry| entry.path()).collect();
    fs::remove_dir_all(&temporary).unwrap();
    assert!(left.is_empty(), "left behind: {left:?}");
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}\n{stdout}\n{stderr}", output.status);
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}")))
        .collect()
}

#[test]
fn every_claim_holds_or_is_skipped_for_a_reason() {
    let told = json(&["--json", "--untimed"]);
    for lesson in &told {
        let claims = lesson["claims"].as_array().unwrap();
        assert!(!claims.is_empty(), "a lesson without a claim: {lesson}");
        for claim in claims {
            let observed = claim["observed"].as_str().unwrap();
            match claim["holds"].as_bool() {
                Some(holds) => assert!(holds, "{}: {claim}", lesson["lesson"]),
                None => assert!(observed.starts_with("skipped: "), "{}: {claim}", lesson["lesson"]),
            }
        }
    }
    let names = |lines: &[Value]| lines.iter().map(|line| line["lesson"].clone()).collect::<Vec<_>>();
    let listed = json(&["list", "--json"]);
    assert!(!listed.is_empty());
    assert_eq!(names(&told), names(&listed), "all lessons are told, in the order of the list");
}
