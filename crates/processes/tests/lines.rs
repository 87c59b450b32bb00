//! The worker as JSON lines, end to end through the binary: cut, do, join; in any order, twice, and with rubbish.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use workload::{Fetch, Mandelbrot, Primes, Size, Timeline, Words, Workload, sequential};

/// Runs the binary with `args` and `input`; gives back exit code, standard output and standard error.
fn run(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_processes"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A thread of its own: input and output may both be more than a pipe holds.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A child that has read enough closes its end.
    let _ = writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn ok(args: &[&str], input: &str) -> String {
    let (code, stdout, stderr) = run(args, input);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{args:?}");
    stdout
}

/// The lines in another order: from both ends to the middle, backwards.
fn shuffled(lines: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = lines.lines().collect();
    let half = lines.len() / 2;
    lines.rotate_left(half);
    lines.reverse();
    lines
}

fn joined<W: Workload>(work: &W, more: &[&str]) {
    let expected = work.answer(&sequential(work, &Timeline::off()).unwrap());
    let cut = ok(&[&["--cut", W::NAME, "--size", "test"], more].concat(), "");
    let lines = shuffled(&cut);
    assert_eq!(lines.len(), work.pieces().unwrap().len());
    // Two workers, as a scheduler would have it; some lines are done by both.
    let (first, second) = (&lines[..lines.len() * 2 / 3], &lines[lines.len() / 3..]);
    let mut parts = ok(&["--worker"], &first.join("\n"));
    parts.push_str(&ok(&["--worker"], &second.join("\n")));
    let answer: Value = serde_json::from_str(&ok(&["--join"], &parts)).unwrap();
    assert_eq!(answer, json!({"workload": W::NAME, "answer": expected}));
}

#[test]
fn mandelbrot() {
    joined(&Mandelbrot::sized(Size::Test), &[]);
}

#[test]
fn words() {
    joined(&Words::sized(Size::Test), &[]);
}

#[test]
fn primes() {
    joined(&Primes::sized(Size::Test), &[]);
}

#[test]
fn fetch() {
    let (work, server) = Fetch::local_sized(Size::Test).unwrap();
    joined(&work, &["--base-url", &server.url()]);
}

#[test]
fn absurd_lines_are_answered_in_their_place_and_the_next_one_is_done() {
    let good = r#"{"workload":"empty","work":{"pieces":3},"piece":2,"id":{"any":["thing"]}}"#;
    let deep = "[".repeat(100_000);
    let lines = [
        good,
        "",
        "{",
        "null",
        "\u{0}\u{7f}ÿ",
        "{\"workload\":\"empty\"}",
        r#"{"workload":"nothing","work":{},"piece":0,"id":1}"#,
        r#"{"workload":"empty","work":{"pieces":"three"},"piece":0,"id":2}"#,
        r#"{"workload":"empty","work":{"pieces":3},"piece":-1,"id":3}"#,
        r#"{"workload":7,"work":{"pieces":3},"piece":1e999}"#,
        &deep,
        good,
    ];
    let replies = ok(&["--worker"], &lines.join("\n"));
    let replies: Vec<Value> = replies.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let done = json!({"id": {"any": ["thing"]}, "part": 1});
    assert_eq!(replies.len(), lines.len() - 1, "an empty line gets no reply");
    assert_eq!((&replies[0], &replies[10]), (&done, &done));
    for (reply, words) in replies[1..10].iter().zip([
        "line 3, column 1: ",
        "line 4: is no JSON object",
        "line 5, column 1: ",
        "line 6: has no `work`",
        "no workload \"nothing\", only: ",
        "`work`: ",
        "`piece`: ",
        "line 10, column ",
        "line 11, column ",
    ]) {
        assert!(reply["error"].as_str().unwrap().contains(words), "{reply} has no {words:?}");
        assert!(reply.get("part").is_none());
    }
    assert_eq!((&replies[5]["id"], &replies[6]["id"]), (&json!(1), &json!(2)));
}

#[test]
fn bytes_that_are_no_text_get_an_error_line() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_processes"))
        .arg("--worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\xff\xfe\n{\"id\": \"\xff\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("\"error\"").count(), 2);
}

#[test]
fn a_reply_comes_before_the_next_line_is_there() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_processes"))
        .arg("--worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut replies = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in 0..3 {
        writeln!(stdin, "{}", json!({"workload": "empty", "work": {"pieces": 3}, "piece": id, "id": id}))
            .unwrap();
        let reply: Value = serde_json::from_str(&replies.next().unwrap().unwrap()).unwrap();
        assert_eq!(reply, json!({"id": id, "part": 1}));
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn nobody_reads_any_more() {
    for args in [&["--worker"][..], &["--cut", "mandelbrot"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_processes"));
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let line = json!({"workload": "empty", "work": {"pieces": 3}, "piece": 0});
        // It may have ended before: that is what is asked for.
        let _ = writeln!(child.stdin.take().unwrap(), "{line}");
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]), "{args:?}");
    }
}

#[test]
fn what_cannot_be_joined_says_why() {
    let cut = ok(&["--cut", "empty", "--size", "test"], "");
    let parts = ok(&["--worker"], &cut);
    let lines: Vec<&str> = parts.lines().collect();
    let failed = r#"{"id":{"workload":"empty","work":{"pieces":100},"piece":4,"of":100},"error":"no"}"#;
    let other = r#"{"id":{"workload":"empty","work":{"pieces":9},"piece":4,"of":9},"part":1}"#;
    for (input, words) in [
        (String::new(), "nothing to join"),
        (lines[1..].join("\n"), "only 99 of 100"),
        (format!("{parts}\n{failed}"), "piece 4 failed: no"),
        (format!("{parts}{other}"), "line 101: is a part of other work"),
        (format!("{}\n{{", lines[0]), "line 2: column"),
        ("[]".to_owned(), "line 1: "),
        (r#"{"id":7,"part":1}"#.to_owned(), "not from `--cut`"),
        (r#"{"id":null,"error":"line 3: bad"}"#.to_owned(), "a worker says: line 3: bad"),
    ] {
        let (code, stdout, stderr) = run(&["--join"], &input);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "{input}");
        assert!(stderr.contains(words), "{stderr}");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for args in [
        &["--cut"][..],
        &["--cut", "nothing"],
        &["--cut", "fetch"],
        &["--cut", "empty", "--size", "huge"],
        &["--worker", "x"],
    ] {
        assert_eq!(run(args, "").0, Some(2), "{args:?}");
    }
}

#[test]
fn no_stray_variable_or_argument_makes_a_worker() {
    let lessons = |command: &mut Command| {
        let command = command.arg("list").env("PROCESSES_WORKER_OF", std::process::id().to_string());
        testkit::run_within(Duration::from_secs(60), command).unwrap()
    };
    let output = lessons(&mut Command::new(env!("CARGO_BIN_EXE_processes")));
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("spawn"));
    // The right form, but not from its parent, and then with no pipe: both end with an error, at once.
    for (parent, words) in [(1, "but its parent is"), (std::process::id(), "no pipe")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_processes"));
        command.arg(format!("processes-worker:{parent}:0123456789abcdef"));
        let output = testkit::run_within(Duration::from_secs(60), &mut command).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words));
    }
}

/// Arguments and pipe must come from the same start.
#[test]
fn a_greeting_for_another_worker_is_refused() {
    let mark = format!("processes-worker:{}:{:016x}", std::process::id(), 7);
    let mut child = Command::new(env!("CARGO_BIN_EXE_processes"))
        .arg(mark)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Magic, version, nonce, job, whether to time.
    let greeting = processes::frame::encode(&(*b"prcs", 1_u16, 8_u64, "primes", false)).unwrap();
    child.stdin.take().unwrap().write_all(&greeting).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{stderr}");
    assert!(stderr.contains("the nonce is another one"), "{stderr}");
}
