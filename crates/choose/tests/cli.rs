//! The command line's contract: what goes to stdout, what the exit code says, what bad input ends in.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
};

use serde_json::Value;

fn choose(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_choose"));
    command.args(args).env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    choose(args).output().expect("choose starts")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

const FIELDS: [&str; 16] = [
    "workload",
    "mechanism",
    "workers",
    "runs",
    "median_s",
    "p10_s",
    "p90_s",
    "speedup",
    "speedup_p10",
    "speedup_p90",
    "ceiling",
    "efficiency",
    "cpu_s",
    "peak_memory_bytes",
    "dispatch_ns",
    "answer",
];

#[test]
fn json_is_a_measurement_a_line_and_the_recommendation_last() {
    let output = run(&["--tiny", "--measure", "--json", "--no-report", "--runs", "1", "--workers", "1,2"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let lines = lines(&output);
    let (last, rows) = lines.split_last().unwrap();
    for row in rows {
        let row = row.as_object().unwrap();
        assert!(row.keys().map(String::as_str).all(|key| FIELDS.contains(&key)) && row.len() == FIELDS.len());
        assert_eq!(row["runs"], 1);
    }
    // In the order of the contract, which a parsed object does not keep.
    let first = stdout(&output).lines().next().unwrap();
    let places: Vec<usize> =
        FIELDS.iter().map(|key| first.find(&format!("\"{key}\":")).expect(key)).collect();
    assert!(places.is_sorted(), "{first}");

    let answers = |name: &str| -> Vec<&Value> {
        rows.iter().filter(|row| row["workload"] == name).map(|row| &row["answer"]).collect()
    };
    for (name, keys) in [
        ("mandelbrot", &["checksum"][..]),
        ("primes", &["below", "count", "checksum"]),
        ("words", &["files", "skipped", "total", "distinct", "top"]),
        ("fetch", &["documents", "bytes", "checksum"]),
        ("images", &["pictures", "bytes_in", "bytes_out", "checksum"]),
    ] {
        let answers = answers(name);
        // Sequential, and eleven mechanisms with one and with two workers.
        assert_eq!(answers.len(), 23, "{name}");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{name}");
        assert!(keys.iter().all(|key| !answers[0][key].is_null()), "{name}: {}", answers[0]);
    }
    let advice = last["recommendation"].as_array().unwrap();
    assert_eq!(advice.len(), 5);
    for advice in advice {
        let keys = advice.as_object().unwrap();
        assert!(["workload", "mechanism", "workers", "why"].iter().all(|key| keys.contains_key(*key)));
    }
}

#[test]
fn people_get_a_table_and_a_reason() {
    let output = run(&[
        "--tiny",
        "--measure",
        "--no-report",
        "--workload",
        "primes",
        "--mechanism",
        "rayon,pool",
        "--workers",
        "2",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    for part in ["speed-up", "sequential", "rayon", "pool", "Take ", "primes: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("stealing") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn words_counts_the_files_it_is_pointed_at() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.txt"), "One two two, three Three three.").unwrap();
    fs::write(directory.path().join("b.bin"), b"\xff\x00three four4four").unwrap();
    let input = directory.path().to_str().unwrap();
    let args = [
        "--tiny",
        "--measure",
        "--json",
        "--no-report",
        "--workload",
        "words",
        "--input",
        input,
        "--runs",
        "1",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let answer = &lines(&output)[0]["answer"];
    assert_eq!((&answer["files"], &answer["total"], &answer["distinct"]), (&2.into(), &9.into(), &4.into()));
    let top = serde_json::json!([["three", 4], ["four", 2], ["two", 2], ["one", 1]]);
    assert_eq!(answer["top"], top);
}

#[test]
fn an_empty_directory_is_said_to_be_empty() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().to_str().unwrap();
    let output =
        run(&["--tiny", "--measure", "--json", "--no-report", "--workload", "words", "--input", input]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("nothing to do"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_possible() {
    for (args, part) in [
        (&["--workload", "sums"][..], "mandelbrot"),
        (&["--mechanism", "magic"], "process-dynamic"),
        (&["--measure", "--workers", "0"], "4096"),
        (&["--measure", "--workers", "99999"], "4096"),
        (&["--measure", "--runs", "0"], "1..=1000"),
        (&["--runs", "3"], "--measure"),
        (&["--input", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["--workload", "primes", "--input", "."], "words"),
        (&["--workload", "primes", "--base-url", "http://localhost"], "fetch"),
        (&["--report", "x.html", "--no-report"], "cannot be used with"),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(part), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_server_that_refuses_fails_its_workload_and_no_other() {
    // A port that was free a moment ago.
    let url = format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let args = [
        "--tiny",
        "--measure",
        "--json",
        "--no-report",
        "--workload",
        "primes,fetch",
        "--base-url",
        &url,
        "--runs",
        "1",
    ];
    let output = run(&args);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&url), "{}", stderr(&output));
    let lines = lines(&output);
    assert!(lines.iter().any(|line| line["workload"] == "primes"));
    assert!(lines.iter().all(|line| line["workload"] != "fetch"));
    assert_eq!(lines.last().unwrap()["recommendation"].as_array().unwrap().len(), 1);
}

#[test]
fn a_server_that_says_no_is_quoted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the test's process.
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let output =
        run(&["--tiny", "--measure", "--json", "--no-report", "--workload", "fetch", "--base-url", &url]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("404") && stderr(&output).contains(&url), "{}", stderr(&output));
}

fn primes(extra: &[&str]) -> Vec<String> {
    let fixed = [
        "--tiny",
        "--measure",
        "--workload",
        "primes",
        "--mechanism",
        "dynamic",
        "--workers",
        "2",
        "--runs",
        "1",
    ];
    fixed.iter().chain(extra).map(|arg| (*arg).to_owned()).collect()
}

#[test]
fn the_report_needs_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (report, picture) = (directory.path().join("deep/report.html"), directory.path().join("picture.svg"));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let args = primes(&["--report", &path(&report), "--picture", &path(&picture)]);
    let output = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let page = fs::read_to_string(&report).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("prefers-color-scheme"));
    for outside in ["src=", "href=", "@import", "url(", "fetch(", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\" aria-label=\"").count());
    assert!(fs::read_to_string(&picture).unwrap().contains("dynamic"));
}

#[test]
fn a_report_that_cannot_be_written_costs_no_figure() {
    let args = primes(&["--json", "--report", "/dev/full"]);
    let output = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cannot write /dev/full"), "{}", stderr(&output));
    assert!(lines(&output).last().unwrap()["recommendation"].is_array());
}

#[test]
fn a_place_where_no_file_can_be_is_told_before_anything_is_measured() {
    for option in ["--report", "--picture", "--trace"] {
        let output = run(&["--tiny", option, "/dev/null/file"]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""));
        assert!(stderr(&output).contains(&format!("{option} /dev/null/file")), "{}", stderr(&output));
    }
}

#[test]
fn a_reader_who_goes_away_ends_it_quietly() {
    let args = primes(&["--no-report"]);
    let mut child = choose(&args.iter().map(String::as_str).collect::<Vec<_>>())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before anything was read.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

/// Processes whose parent is `pid`: the fourth field of proc_pid_stat(5), behind a name in parentheses.
#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent =
            stat.rsplit_once(')').and_then(|(_, behind)| behind.split_whitespace().nth(1)?.parse().ok());
        parent == Some(pid)
    })
    .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_it_with_130_and_so_do_its_children() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        // Far more rounds than anyone would wait for.
        let mut child = choose(&[
            "--measure",
            "--no-report",
            "--workload",
            "fetch",
            "--mechanism",
            "process-static",
            "--runs",
            "1000",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        // The server that it fetches from is one.
        let children = loop {
            let children = children(child.id());
            if !children.is_empty() {
                break children;
            }
            assert_eq!(child.try_wait().unwrap(), None, "it ended before it was told to");
            thread::yield_now();
        };
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), code);
        // Waits until they have ended; a child that stays makes this test hang, not fail by a clock.
        for id in children {
            while fs::read_link(format!("/proc/{id}/exe")).is_ok() {
                thread::yield_now();
            }
        }
    }
}
