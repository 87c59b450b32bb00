//! `must_find` finds what is broken, and fails for what is right, for the wrong failure, for a hang.

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    process::{self, Command},
    thread,
    time::Duration,
};

use testkit::{Found, bug_table, must_find, must_find_within, run_within};

/// What `must_find` says when it is not satisfied.
fn complaint(find: impl FnOnce() -> Found) -> String {
    let payload = panic::catch_unwind(AssertUnwindSafe(find)).expect_err("it was satisfied");
    payload.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_panic_is_a_finding() {
    let found = must_find("panics", "off by one", || panic!("off by one"));
    assert_eq!((found.by.as_str(), found.after_executions), ("a run", None));
}

#[test]
fn an_abort_is_a_finding() {
    must_find("aborts", "cannot go on", || {
        eprintln!("cannot go on");
        process::abort();
    });
}

#[test]
fn who_found_it_and_when_is_read_from_the_output() {
    let found = must_find("counted", "lost", || {
        eprintln!("model: counted: failed in execution 17 (loom)");
        panic!("lost");
    });
    assert_eq!((found.by.as_str(), found.after_executions), ("loom", Some(17)));
}

#[test]
fn a_twin_that_is_right_is_not_found() {
    let said = complaint(|| must_find("is right", "", || assert_eq!(1 + 1, 2)));
    assert!(said.contains("was NOT found: the broken twin passes"), "{said}");
}

#[test]
fn another_failure_is_not_the_finding() {
    let said = complaint(|| must_find("other failure", "deadlock", || panic!("too few schedules")));
    assert!(said.contains("without saying \"deadlock\"") && said.contains("too few schedules"), "{said}");
}

#[test]
fn an_exit_is_not_a_finding() {
    let said = complaint(|| must_find("exits", "", || process::exit(1)));
    assert!(said.contains("neither panicked nor aborted"), "{said}");
}

#[test]
fn a_hang_is_not_a_finding() {
    let limit = Duration::from_secs(3);
    let said = complaint(|| {
        must_find_within(limit, "hangs", "", || {
            loop {
                thread::park();
            }
        })
    });
    assert!(said.contains("did not end within"), "{said}");
}

#[test]
fn a_twin_that_is_not_reached_is_not_a_finding() {
    // In the child this thread is not started, since the test of that name does not exist.
    let elsewhere = thread::Builder::new().name("no_such_test".into());
    let asking =
        elsewhere.spawn(|| complaint(|| must_find("not reached", "", || panic!("x")))).expect("spawn");
    let said = asking.join().expect("it complains");
    assert!(said.contains("ran no such twin in test \"no_such_test\""), "{said}");
}

#[test]
fn the_table_is_made_from_findings() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("bugs.tsv");
    let mut tests = Command::new(env::current_exe().expect("a test binary has a path"));
    // One test at a time, as some run theirs: `must_find` must know its test then too.
    tests.args(["is_a_finding", "who_found_it", "--test-threads=1"]).env(bug_table::BUGS, &path);
    let output = run_within(Duration::from_secs(120), &mut tests).expect("in time");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let table = bug_table::render(&path).expect("the file is there");
    assert!(table.contains("| counted | loom (17) | lost |\n"), "{table}");
    assert!(table.contains("| aborts | a run | cannot go on |\n"), "{table}");
    assert!(table.ends_with("\n3 seeded bugs, all found.\n"), "{table}");
    assert!(bug_table::render(&directory.path().join("nothing")).is_err());
}
