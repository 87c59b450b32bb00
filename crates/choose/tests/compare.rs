//! `choose compare`: what it tells apart, what it refuses, and what its exit code says.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn compare(first: &Path, second: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_choose"));
    command.arg("compare").args([first, second]).args(more).env("NO_COLOR", "1").output().unwrap()
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

/// A row whose runs lie 2 % to either side of `seconds`.
fn row(workload: &str, mechanism: &str, seconds: f64, speedup: f64) -> Value {
    json!({
        "workload": workload, "mechanism": mechanism, "workers": 2, "runs": 5,
        "median_s": seconds, "p10_s": 0.98 * seconds, "p90_s": 1.02 * seconds,
        "speedup": speedup, "speedup_p10": 0.98 * speedup, "speedup_p90": 1.02 * speedup,
        "ceiling": 2.0, "efficiency": speedup / 2.0, "cpu_s": 1.0, "peak_memory_bytes": 1 << 20,
        "dispatch_ns": 100.0, "answer": {"count": 7}
    })
}

fn last(mechanism: &str, cores: usize) -> Value {
    json!({
        "recommendation": [{"workload": "primes", "mechanism": mechanism, "workers": 2, "why": "so"}],
        "machine": {"cores": cores, "processor": "A", "system": "Linux", "memory": null},
        "gain": 1.9
    })
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

#[test]
fn a_run_does_not_differ_from_itself() {
    let files = Files::new();
    let args = [
        "--tiny",
        "--measure",
        "--json",
        "--no-report",
        "--workload",
        "primes,fetch",
        "--workers",
        "1,2",
        "--runs",
        "3",
    ];
    let run = Command::new(env!("CARGO_BIN_EXE_choose")).args(args).output().unwrap();
    assert!(run.status.success(), "{}", stderr(&run));
    let file = files.write("a.json", &run.stdout);
    let output = compare(&file, &file, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let said: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, pairs) = said.split_last().unwrap();
    assert_eq!(summary["differs"], false);
    assert_eq!(pairs.len(), stdout(&run).lines().count() - 1);
    for pair in pairs {
        assert_eq!(pair["time"]["ratio"], 1.0, "{pair}");
        // Where there are fewer than three runs, nothing is said.
        assert_ne!(pair["time"]["beyond_noise"], true, "{pair}");
    }
}

#[test]
fn what_is_beyond_noise_is_told_and_nothing_else() {
    let files = Files::new();
    let first = files.write(
        "a.json",
        lines(&[row("primes", "pool", 1.0, 1.9), row("primes", "scoped", 1.0, 1.9), last("pool", 2)]),
    );
    let second = files.write(
        "b.json",
        lines(&[row("primes", "pool", 1.5, 1.2), row("primes", "scoped", 1.03, 1.88), last("scoped", 4)]),
    );
    let output = compare(&first, &second, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("1.50 *") && text.contains("0.63 *"), "{text}");
    assert!(text.contains("1 of 2 measurements differ"), "{text}");
    assert!(text.contains("was pool x 2 and is scoped x 2"), "{text}");
    assert!(text.contains("2 cores of A") && text.contains("4 cores of A"), "{text}");
    assert!(!text.contains("1.03"), "{text}");
    assert!(stdout(&compare(&first, &second, &["--all"])).contains("1.03"));
}

#[test]
fn each_figure_is_compared_with_its_own() {
    let files = Files::new();
    let mut before = row("primes", "pool", 2.0, 1.5);
    (before["p10_s"], before["p90_s"]) = (json!(1.9), json!(2.2));
    (before["speedup_p10"], before["speedup_p90"]) = (json!(1.4), json!(1.6));
    let mut after = row("primes", "pool", 3.0, 0.75);
    (after["p10_s"], after["p90_s"]) = (json!(2.8), json!(3.05));
    (after["speedup_p10"], after["speedup_p90"]) = (json!(0.6), json!(0.8));
    (after["peak_memory_bytes"], after["dispatch_ns"]) = (json!(5 << 20), json!(25.0));
    let (mut slow, mut fast) = (last("pool", 2), last("pool", 4));
    (slow["gain"], fast["gain"]) = (json!(1.5), json!(3.5));
    let first = files.write("a.json", lines(&[before, slow]));
    let second = files.write("b.json", lines(&[after, fast]));
    let json = compare(&first, &second, &["--json"]);
    let said: Vec<Value> = stdout(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [pair, summary] = &said[..] else { panic!("{said:?}") };
    assert_eq!((&pair["time"]["ratio"], &pair["speedup"]["ratio"]), (&1.5.into(), &0.5.into()));
    assert_eq!((&pair["memory"], &pair["dispatch"]), (&5.0.into(), &0.25.into()));
    assert_eq!((&summary["differs"], &summary["gains"]), (&true.into(), &json!([1.5, 3.5])));
    assert_eq!((&summary["machines"][0]["cores"], &summary["machines"][1]["cores"]), (&2.into(), &4.into()));
    let people = compare(&first, &second, &[]);
    let cells = ["primes", "pool", "2", "1.50", "*", "0.50", "*", "5.00", "0.25"];
    let shown = |line: &str| line.split_whitespace().eq(cells);
    assert!(stdout(&people).lines().any(shown), "{}", stdout(&people));
    assert!(stdout(&people).contains("First:  2 cores"), "{}", stdout(&people));
}

/// Work that waits is measured in several amounts, each with a sequential row: the n-th here is that of the n-th there.
#[test]
fn rows_of_one_name_are_compared_in_their_order() {
    let files = Files::new();
    let rows = |short: f64, long: f64| {
        let [short, long] = [short, long].map(|seconds| row("fetch", "sequential", seconds, 1.0));
        lines(&[short, long, last("pool", 2)])
    };
    let first = files.write("a.json", rows(1.0, 10.0));
    let second = files.write("b.json", rows(2.0, 40.0));
    let output = compare(&first, &second, &["--json"]);
    let pairs = stdout(&output).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ratios: Vec<Option<f64>> = pairs.map(|pair| pair["time"]["ratio"].as_f64()).collect();
    assert_eq!(ratios, [Some(2.0), Some(4.0), None]);
}

#[test]
fn medians_that_lie_within_the_spreads_are_noise_however_far_apart() {
    let files = Files::new();
    let wide = |median: f64| {
        let mut row = row("primes", "pool", median, 1.9);
        (row["p10_s"], row["p90_s"]) = (json!(0.8), json!(1.6));
        row
    };
    let first = files.write("a.json", lines(&[wide(1.0), last("pool", 2)]));
    let second = files.write("b.json", lines(&[wide(1.5), last("pool", 2)]));
    let output = compare(&first, &second, &["--all"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("1.50  "), "{}", stdout(&output));
}

#[test]
fn other_advice_alone_is_a_difference() {
    let files = Files::new();
    let rows = row("primes", "pool", 1.0, 1.9);
    let first = files.write("a.json", lines(&[rows.clone(), last("pool", 2)]));
    let second = files.write("b.json", lines(&[rows, last("rayon", 2)]));
    let output = compare(&first, &second, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("was pool x 2 and is rayon x 2"), "{}", stdout(&output));
}

#[test]
fn other_work_failures_and_few_runs_are_no_comparison() {
    let files = Files::new();
    let mut other = row("primes", "pool", 9.0, 1.9);
    other["answer"] = json!({"count": 8});
    let mut failed = row("primes", "scoped", 1.0, 1.9);
    failed["runs"] = json!(0);
    for name in ["median_s", "p10_s", "p90_s", "speedup", "speedup_p10", "speedup_p90"] {
        failed[name] = Value::Null;
    }
    let mut few = row("words", "pool", 9.0, 1.9);
    few["runs"] = json!(2);
    let first = files.write(
        "a.json",
        lines(&[
            row("primes", "pool", 1.0, 1.9),
            row("primes", "scoped", 1.0, 1.9),
            row("words", "pool", 1.0, 1.9),
            last("pool", 2),
        ]),
    );
    let second =
        files.write("b.json", lines(&[other, failed, few, row("words", "tcp", 1.0, 1.9), last("pool", 2)]));
    let output = compare(&first, &second, &["--all"]);
    let text = stdout(&output);
    for part in ["the work was not the same", "failed in the second run", "9.00 ?", "only in the second run"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_is_no_run_is_told_with_the_place() {
    let files = Files::new();
    let good = files.write("good.json", lines(&[row("primes", "pool", 1.0, 1.9), last("pool", 2)]));
    let mut older = row("primes", "pool", 1.0, 1.9);
    older.as_object_mut().unwrap().remove("speedup_p10");
    let mut disorder = row("primes", "pool", 1.0, 1.9);
    disorder["p10_s"] = json!(2.0);
    let whole = fs::read_to_string(&good).unwrap();
    for (text, parts) in [
        (b"".to_vec(), &["is empty"][..]),
        (b"{\"a\": }".to_vec(), &[":1:7:", "choose --json"]),
        (b"\n[1, 2]\n".to_vec(), &[":2:1:", "neither"]),
        (b"ok\n".to_vec(), &[":1:1:"]),
        (b"{}\n\xff\n".to_vec(), &[":2:1:", "not text"]),
        (lines(&[older, last("pool", 2)]).into_bytes(), &[":1:", "older", "speedup_p10"]),
        (lines(&[json!({"recommendation": []})]).into_bytes(), &[":1:", "older", "machine"]),
        (lines(&[disorder, last("pool", 2)]).into_bytes(), &[":1:1:", "not in order"]),
        (lines(&[row("primes", "pool", 1.0, 1.9)]).into_bytes(), &[":1:", "cut off"]),
        (whole.as_bytes()[..whole.len() / 2].to_vec(), &[":1:", "EOF"]),
        ([whole.clone(), whole].concat().into_bytes(), &[":3:1:", "second run"]),
    ] {
        let bad = files.write("bad.json", &text);
        let output = compare(&good, &bad, &[]);
        assert_eq!(output.status.code(), Some(2), "{parts:?}: {}", stderr(&output));
        assert!(parts.iter().all(|part| stderr(&output).contains(part)), "{parts:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("bad.json") && output.stdout.is_empty());
    }
    let missing = compare(Path::new("/nowhere/a.json"), &good, &[]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("/nowhere/a.json"));
}
