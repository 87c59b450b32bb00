//! `choose run --each`: each input once, nothing mixed, nothing lost, nobody left; whatever the command does.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

fn choose(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_choose"));
    command.arg("run").args(args).current_dir(directory).stdin(Stdio::null());
    command
}

fn run(directory: &Path, args: &[&str]) -> Output {
    choose(directory, args).output().expect("choose starts")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("i{number}")).collect()
}

/// `sh -c SCRIPT sh {}` for `count` inputs called i0, i1, ...
fn script(directory: &Path, options: &[&str], script: &str, count: usize) -> Output {
    let each = format!("sh -c {} sh {{}}", shell_words::quote(script));
    let inputs = numbers(count);
    let args: Vec<&str> =
        options.iter().copied().chain(["--each", &each]).chain(inputs.iter().map(String::as_str)).collect();
    run(directory, &args)
}

/// Which inputs were run, by the marks that the script leaves in the file `ran`.
fn ran(directory: &Path) -> Vec<String> {
    let text = fs::read_to_string(directory.join("ran")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const MARK: &str = "echo \"$1\" >> ran; ";

/// Whether the process has ended; a zombie that its new parent has not looked at yet has.
fn has_ended(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_err()
}

fn wait_for_end(pids: &[u32]) {
    // One that stays makes this test hang, not fail by a clock.
    for pid in pids {
        while !has_ended(*pid) {
            thread::yield_now();
        }
    }
}

#[test]
fn every_input_is_run_once_and_no_output_is_mixed_or_lost() {
    let directory = tempfile::tempdir().unwrap();
    let lines_each = 5_000;
    let text = format!("{MARK} yes \"line of $1\" | head -n {lines_each}; echo \"word of $1\" >&2");
    let output = script(directory.path(), &[], &text, 40);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut once = ran(directory.path());
    once.sort();
    let mut expected = numbers(40);
    expected.sort();
    assert_eq!(once, expected);
    let mut blocks: Vec<(&str, usize)> = Vec::new();
    for line in stdout(&output).lines() {
        match blocks.last_mut() {
            Some((same, count)) if *same == line => *count += 1,
            _ => blocks.push((line, 1)),
        }
    }
    assert_eq!(blocks.len(), 40);
    assert!(blocks.iter().all(|(_, count)| *count == lines_each), "{blocks:?}");
    for input in numbers(40) {
        let said = format!("word of {input}\n");
        assert_eq!(stderr(&output).matches(&said).count(), 1, "{input}");
    }
    assert!(stderr(&output).contains("40 inputs: 40 run, 0 failed, 0 not run"), "{}", stderr(&output));
}

#[test]
fn json_has_a_line_for_each_input_and_what_was_concluded() {
    let directory = tempfile::tempdir().unwrap();
    let output = script(directory.path(), &["--json"], "echo out; echo err >&2", 24);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let lines = lines(&output);
    let inputs: Vec<&Value> = lines.iter().filter(|line| !line["input"].is_null()).collect();
    assert_eq!(inputs.len(), 24);
    for line in inputs {
        assert_eq!(
            (&line["exit_code"], &line["stdout"], &line["stderr"]),
            (&0.into(), &"out\n".into(), &"err\n".into())
        );
        assert!(line["wall_s"].as_f64().unwrap() > 0.0 && line["max_rss_bytes"].as_u64().unwrap() > 0);
        assert!(line["signal"].is_null() && line["error"].is_null());
    }
    let find = |key: &str| lines.iter().filter_map(|line| line.get(key)).collect::<Vec<_>>();
    assert!(find("trace")[0]["runs"][0]["cpu_s"].is_f64());
    assert!(find("advice")[0]["workers"].as_u64().unwrap() >= 1);
    let predictions = find("prediction");
    assert!(!predictions.is_empty());
    for prediction in predictions {
        let figure = |key: &str| prediction[key].as_f64().unwrap();
        let error = figure("measured_s") / figure("predicted_s") - 1.0;
        assert!((figure("error") - error).abs() < 1e-9 && prediction["held_out"] == true);
    }
    assert_eq!(*find("summary")[0], serde_json::json!({"inputs": 24, "run": 24, "failed": 0, "not_run": 0}));
}

#[test]
fn failures_are_told_for_each_input_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("{MARK} case $1 in i2) exit 3;; i5) kill -9 $$;; i6) kill -TERM $$;; esac; echo fine");
    let output = script(directory.path(), &[], &text, 8);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(ran(directory.path()).len(), 8);
    for part in [
        "FAILED i2: exit code 3",
        "FAILED i5: ended by signal 9 (SIGKILL)",
        "FAILED i6: ended by signal 15 (SIGTERM)",
        "8 inputs: 8 run, 3 failed, 0 not run",
    ] {
        assert!(stderr(&output).contains(part), "{part}: {}", stderr(&output));
    }
    assert_eq!(stdout(&output).matches("fine").count(), 5);
    let json = lines(&script(directory.path(), &["--json"], &text, 8));
    let by_input: BTreeMap<&str, &Value> =
        json.iter().filter_map(|line| Some((line["input"].as_str()?, line))).collect();
    assert_eq!(by_input["i2"]["exit_code"], 3);
    assert_eq!((&by_input["i5"]["signal"], &by_input["i5"]["exit_code"]), (&9.into(), &Value::Null));
}

#[test]
fn what_cannot_be_run_at_all_is_told_before_anything_is() {
    let directory = tempfile::tempdir().unwrap();
    for (args, part) in [
        (&["--each", "no-such-program {}", "a"][..], "no-such-program"),
        (&["--each", "./missing {}", "a"], "./missing"),
        (&["--each", "true {}"], "no inputs"),
        (&["--each", "true '{}", "a"], "--each"),
        (&["--each", "", "a"], "no command"),
        (&["--each", "true", "--from", "/no/such/list"], "/no/such/list"),
        (&["--each", "true", "--limit", "0", "a"], "--limit"),
        (&["--each", "true", "--workers", "0", "a"], "4096"),
        (&["--each", "sh -c 'touch {}'", "x; touch evil"], "\"$1\""),
        (&["a"], "--each"),
    ] {
        let output = run(directory.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_program_that_is_gone_in_the_middle_is_a_failure_of_each_input() {
    let directory = tempfile::tempdir().unwrap();
    // A place in the program's own name: it cannot be looked for beforehand.
    let output = run(directory.path(), &["--each", "./{}", "--keep-going", "a", "b", "c"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr(&output).matches("cannot be started: No such file").count(), 6, "{}", stderr(&output));
}

#[test]
fn places_are_filled_and_words_stay_words() {
    let directory = tempfile::tempdir().unwrap();
    let output =
        run(directory.path(), &["--each", "printf '%s|' {} {.} {/} {/.} '$HOME *'", "a b/c d.tar.gz"]);
    assert_eq!(stdout(&output), "a b/c d.tar.gz|a b/c d.tar|c d.tar.gz|c d.tar|$HOME *|");
    assert_eq!(stdout(&run(directory.path(), &["--each", "echo -n", "last  one"])), "last  one");
}

#[test]
fn inputs_may_come_from_a_list() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = choose(directory.path(), &["--each", "echo got {}", "--from", "-", "a"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"b c\n\nd\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let mut got: Vec<&str> = stdout(&output).lines().collect();
    got.sort_unstable();
    assert_eq!(got, ["got a", "got b c", "got d"]);
}

#[test]
fn when_all_of_the_sample_fails_the_rest_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = format!("{MARK} exit 1");
    let output = script(directory.path(), &[], &text, 40);
    assert_eq!(output.status.code(), Some(1));
    assert!(ran(directory.path()).len() <= 10);
    assert!(stderr(&output).contains("--keep-going"), "{}", stderr(&output));
    fs::remove_file(directory.path().join("ran")).unwrap();
    assert_eq!(script(directory.path(), &["--keep-going"], &text, 40).status.code(), Some(1));
    assert_eq!(ran(directory.path()).len(), 40);
}

#[test]
fn advice_alone_runs_the_sample_alone_and_a_given_number_needs_no_sample() {
    let directory = tempfile::tempdir().unwrap();
    let output = script(directory.path(), &["--only-advise"], MARK, 40);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let sample = ran(directory.path()).len();
    assert!((1..=10).contains(&sample), "{sample}");
    assert!(stderr(&output).contains("Run ") && stderr(&output).contains("not run"), "{}", stderr(&output));
    let output = script(directory.path(), &["--workers", "3"], MARK, 40);
    assert_eq!(ran(directory.path()).len(), sample + 40);
    assert!(!stderr(&output).contains("Run "), "{}", stderr(&output));
}

#[test]
fn only_with_repeat_is_an_input_run_twice() {
    let directory = tempfile::tempdir().unwrap();
    let output = script(directory.path(), &["--repeat"], &format!("{MARK} echo \"$1\""), 12);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    ran(directory.path()).into_iter().for_each(|input| *counts.entry(input).or_default() += 1);
    assert_eq!(counts.len(), 12);
    let twice = counts.values().filter(|count| **count == 2).count();
    assert!((1..=3).contains(&twice) && counts.values().all(|count| *count <= 2), "{counts:?}");
    assert_eq!(stdout(&output).lines().count(), 12);
}

#[test]
fn work_that_waits_gets_more_at_once_than_there_are_cores() {
    let directory = tempfile::tempdir().unwrap();
    let text = "sleep 0.2";
    let output = script(directory.path(), &["--json", "--only-advise"], text, 400);
    let lines = lines(&output);
    let advice = lines.iter().find_map(|line| line.get("advice")).unwrap();
    let cores = thread::available_parallelism().unwrap().get() as u64;
    // On a machine that others use, waiting is not believed.
    let others = lines.iter().find_map(|line| line.get("trace")).unwrap()["others_cores"].as_f64();
    let busy = others.is_some_and(|others| others > 0.25 * cores as f64);
    assert_eq!(advice["workers"].as_u64().unwrap() > cores, !busy, "{advice}");
    assert!(advice["why"].as_str().unwrap().contains("waits"), "{advice}");
}

#[test]
fn memory_is_seen_and_limits_how_many_run_at_once() {
    let directory = tempfile::tempdir().unwrap();
    // A directory is made by one at a time only.
    let text = "mkdir alone || exit 9; dd if=/dev/zero of=/dev/null bs=60M count=1 2>/dev/null; sleep 0.02; rmdir alone";
    let output = script(directory.path(), &["--json", "--memory", "100M"], text, 12);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let lines = lines(&output);
    let advice = lines.iter().find_map(|line| line.get("advice")).unwrap();
    assert_eq!(advice["workers"], 1, "{advice}");
    assert!(advice["why"].as_str().unwrap().contains("no room for two"), "{advice}");
    let trace = lines.iter().find_map(|line| line.get("trace")).unwrap();
    assert!(trace["max_rss_bytes"].as_u64().unwrap() >= 60 << 20, "{trace}");
}

#[test]
fn memory_also_limits_a_number_that_was_given() {
    let directory = tempfile::tempdir().unwrap();
    // The first two begin together, as nobody knows yet what they need; from then on there is room for one.
    let text = "case $1 in i0|i1) dd if=/dev/zero of=/dev/null bs=60M count=1 2>/dev/null; exit;; esac; \
                mkdir alone || exit 9; sleep 0.02; rmdir alone";
    let output = script(directory.path(), &["--memory", "100M", "--workers", "2"], text, 8);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn what_a_run_writes_by_another_way_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    // Opened anew, the file has a place of its own to write to.
    let text = "echo one; echo two >> /dev/stdout; echo three";
    let output = script(directory.path(), &[], text, 1);
    assert_eq!(stdout(&output), "one\ntwo\nthree\n", "{}", stderr(&output));
}

#[test]
fn what_a_run_computes_is_known() {
    let directory = tempfile::tempdir().unwrap();
    let text = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
    let output = script(directory.path(), &["--json", "--workers", "1"], text, 2);
    for line in lines(&output).iter().filter(|line| !line["input"].is_null()) {
        assert!(line["cpu_s"].as_f64().unwrap() > 0.0, "{line}");
    }
}

#[test]
fn a_limit_ends_what_takes_too_long_with_all_its_children() {
    let directory = tempfile::tempdir().unwrap();
    // The second one does not listen to SIGTERM.
    for trap in ["", "trap '' TERM; "] {
        let text = format!("{trap}sleep 1000 & echo $! >> pids; wait; wait; sleep 1000");
        let output = script(directory.path(), &["--limit", "0.5", "--workers", "2"], &text, 2);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(
            stderr(&output).matches("took longer than 0.5 s and was ended").count(),
            4,
            "{}",
            stderr(&output)
        );
    }
    // Whoever got as far as to have a child.
    let pids = fs::read_to_string(directory.path().join("pids")).unwrap_or_default();
    wait_for_end(&pids.lines().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>());
}

#[test]
fn what_a_run_leaves_behind_ends_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let output = script(directory.path(), &[], "sleep 1000 & echo $!", 3);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    wait_for_end(&stdout(&output).lines().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>());
}

/// Starts two runs that never end, and returns with the process ids of them and their children. `first` is what each
/// does before.
fn endless(directory: &Path, first: &str) -> (Child, Vec<u32>) {
    let fifo = directory.join("started");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let text = format!("{first}sleep 1000 & echo $$ $! > started; wait");
    let each = format!("sh -c {} sh {{}}", shell_words::quote(&text));
    let child = choose(directory, &["--each", &each, "--workers", "2", "a", "b", "c"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pids = Vec::new();
    while pids.len() < 4 {
        // Waits until one of them writes.
        let mut text = String::new();
        fs::File::open(&fifo).unwrap().read_to_string(&mut text).unwrap();
        pids.extend(text.split_whitespace().map(|pid| pid.parse::<u32>().unwrap()));
    }
    (child, pids)
}

#[test]
fn ctrl_c_leaves_nobody() {
    // The last ones do not listen to SIGTERM.
    for (signal, code, first) in
        [(Signal::INT, 130, ""), (Signal::TERM, 143, ""), (Signal::INT, 130, "trap '' TERM; ")]
    {
        let directory = tempfile::tempdir().unwrap();
        let (mut child, pids) = endless(directory.path(), first);
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        wait_for_end(&pids);
    }
}

#[test]
fn when_it_is_killed_itself_its_runs_end() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, pids) = endless(directory.path(), "");
    child.kill().unwrap();
    child.wait().unwrap();
    // The heads of their groups are ended by the kernel; their children are nobody's then, and end with this test.
    wait_for_end(&[pids[0], pids[2]]);
    for pid in [pids[1], pids[3]] {
        let _ = kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL);
    }
}

#[test]
fn a_reader_who_goes_away_ends_it_and_the_inputs_that_are_left_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let inputs = numbers(2_000);
    let mut args = vec!["--each", "seq 20000", "--workers", "2"];
    args.extend(inputs.iter().map(|_| "20000"));
    let mut child =
        choose(directory.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("inputs were not run"), "{}", stderr(&output));
}
