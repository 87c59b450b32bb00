//! `choose python`: equal answers in both languages, and a word where there is no Python.

use std::process::{Command, Output};

use serde_json::Value;

fn python(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_choose")).arg("python").args(args).output().expect("choose starts")
}

#[test]
fn every_way_gives_the_answer_of_rust() {
    let output = python(&["--tiny", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = str::from_utf8(&output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    if lines.len() == 1 && lines[0]["python"]["skipped"].is_string() {
        eprintln!("skipped: {}", lines[0]["python"]["skipped"]);
        return;
    }
    // Four workloads, six ways.
    assert_eq!(lines.len(), 24);
    for line in lines {
        assert_eq!(line["python"]["equal"], true, "{line}");
    }
}

#[test]
fn no_python_is_a_word_and_no_error() {
    let output = python(&["--tiny", "--interpreter", "/no/such/python"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("Python is left out: "));
}

#[test]
fn a_wrong_answer_is_an_error() {
    // An interpreter that says whatever it likes.
    let directory = tempfile::tempdir().unwrap();
    let liar = directory.path().join("liar");
    let line = r#"{"workload":"primes","way":"sequential","workers":1,"seconds":1.0,"answer":{"count":1}}"#;
    std::fs::write(&liar, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
    let status = Command::new("chmod").arg("+x").arg(&liar).status().unwrap();
    assert!(status.success());
    let output = python(&["--tiny", "--interpreter", liar.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("WRONG ANSWER"));
}
