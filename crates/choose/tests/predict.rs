//! `choose` as it usually is: what it prints, whatever the figures are.

use std::process::{Command, Output, Stdio};

use choose::check::{self, Check};
use serde_json::Value;

fn choose(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_choose"));
    command.args(["--tiny", "--no-report"]).args(args);
    command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null()).output().expect("choose starts")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn each_prediction_is_a_line_beside_what_was_measured() {
    let output = choose(&["--json", "--workload", "primes,fetch"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let calibration = &lines[0]["calibration"];
    assert_eq!(calibration["gains"][0], 1.0);
    assert!(calibration["wake"].as_f64().unwrap() > 0.0 && calibration["process"].as_f64().unwrap() > 0.0);
    let predictions: Vec<&Value> = lines.iter().filter_map(|line| line.get("prediction")).collect();
    // On a machine where starting threads takes longer than this little work there is nothing to check.
    for one in predictions {
        let seconds = |field: &str| one[field].as_f64().unwrap();
        let (predicted, measured) = (seconds("predicted_s"), seconds("measured_s"));
        assert!((seconds("error") - (measured / predicted - 1.0)).abs() < 1e-9, "{one}");
        assert_eq!(one["held_out"], true);
        assert_eq!(one["kind"].is_string(), seconds("error").abs() > 0.15, "{one}");
        let row = |line: &&Value| {
            ["workload", "mechanism", "workers"].iter().all(|field| line.get(field) == Some(&one[field]))
        };
        let row = lines.iter().find(row).expect("what is compared with was measured");
        assert_eq!(row["median_s"], one["measured_s"]);
    }
    let advice = lines.last().unwrap()["recommendation"].as_array().unwrap();
    assert_eq!(advice.len(), 2);
    for advice in advice {
        assert!(advice["why"].as_str().unwrap().starts_with("Take "), "{advice}");
    }
}

#[test]
fn people_get_the_machine_what_was_recorded_and_advice() {
    let output = choose(&["--workload", "fetch", "--mechanism", "dynamic,static"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = str::from_utf8(&output.stdout).unwrap();
    for part in ["wake-up", "N* =", "one after the other", "Take ", "fetch: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("process-dynamic"), "{text}");
}

#[test]
fn advice_is_judged_when_everything_is_checked() {
    let output = choose(&["--json", "--check-all", "--workload", "fetch", "--mechanism", "dynamic,static"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let regret = lines.iter().find_map(|line| line.get("regret")).expect("a judgement");
    let advised = &lines.last().unwrap()["recommendation"][0];
    assert_eq!((&regret["mechanism"], &regret["workers"]), (&advised["mechanism"], &advised["workers"]));
    assert!(regret["times"].as_f64().unwrap() >= 1.0 && regret["of"].as_u64().unwrap() >= 2, "{regret}");
}

#[test]
fn what_is_predicted_for_all_numbers_of_workers_takes_none() {
    for extra in [&["--workers", "2"][..], &["--runs", "3"], &["--check-all", "--measure"]] {
        assert_eq!(choose(extra).status.code(), Some(2));
    }
}

#[test]
fn errors_to_either_side_do_not_cancel_out() {
    let check = |error| Check {
        workload: "made-up",
        mechanism: "pool",
        workers: 2,
        predicted_s: 1.0,
        pace: 1.0,
        measured_s: 1.0 + error,
        error,
        held_out: true,
        kind: None,
    };
    assert_eq!(check::errors(&[check(-0.5), check(0.125), check(0.125)]), Some((0.5, 0.25)));
    assert_eq!(check::errors(&[]), None);
    assert!(check(-0.15).holds() && !check(-0.2).holds() && !check(0.2).holds());
}
