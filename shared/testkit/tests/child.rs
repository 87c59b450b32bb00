//! A child ends by its deadline, with all that it started, whatever it tries.

use std::{fs, process::Command, time::Duration};

use testkit::{TestkitError, run_within};

/// Long enough for any of these children to come as far as they can; then they hang.
const SOON: Duration = Duration::from_secs(3);
/// Never reached.
const LONG: Duration = Duration::from_secs(120);

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Whether the process is gone, or ended and only waits for its parent to look.
fn has_ended(pid: &str) -> bool {
    match fs::read_to_string(format!("/proc/{}/stat", pid.trim())) {
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['Z', 'X'])),
        Err(_) => true,
    }
}

#[test]
fn a_child_in_time_gives_its_output_and_its_status() {
    let output = run_within(LONG, &mut shell("echo out; echo err >&2; exit 3")).expect("in time");
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!(output.status.code(), Some(3), "a failing child is not an error of ours");
}

#[test]
fn more_output_than_a_pipe_holds_is_no_hang() {
    let script = "head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2";
    let output = run_within(LONG, &mut shell(script)).expect("in time");
    assert_eq!((output.stdout.len(), output.stderr.len()), (1_000_000, 1_000_000));
}

#[test]
fn a_late_child_is_killed_with_its_grandchild_that_left_the_group() {
    let script = "echo started; setsid sleep 60 & sleep 60";
    let Err(TestkitError::Late { killed, stdout, .. }) = run_within(SOON, &mut shell(script)) else {
        panic!("it sleeps for a minute and was in time");
    };
    assert_eq!(stdout, "started\n", "what was printed before is reported");
    let sleepers = killed.iter().filter(|process| process.ends_with(" sleep")).count();
    assert!(sleepers >= 2, "{killed:?}");
    for process in &killed {
        let pid = process.split(' ').next().expect("begins with the number");
        assert!(has_ended(pid), "{process} lives");
    }
}

#[test]
fn one_that_cleared_its_environment_dies_with_the_group() {
    let script = "env -i sh -c 'echo $$; exec sleep 60' & wait";
    let Err(TestkitError::Late { stdout, .. }) = run_within(SOON, &mut shell(script)) else {
        panic!("it sleeps for a minute and was in time");
    };
    assert!(!stdout.is_empty() && has_ended(&stdout), "{stdout:?} lives");
}

#[test]
fn a_stopped_child_is_killed_too() {
    let late = run_within(SOON, &mut shell("kill -STOP $$"));
    assert!(matches!(late, Err(TestkitError::Late { .. })), "{late:?}");
}

#[test]
fn a_child_that_ends_and_leaves_another_is_an_error() {
    let script = "sleep 60 > /dev/null 2>&1 & echo $!";
    let Err(TestkitError::LeftBehind { left, .. }) = run_within(LONG, &mut shell(script)) else {
        panic!("the sleeper was not noticed");
    };
    assert!(matches!(left.as_slice(), [one] if one.ends_with(" sleep")), "{left:?}");
    assert!(has_ended(left[0].split(' ').next().expect("begins with the number")), "{left:?} lives");
}

#[test]
fn children_of_a_child_that_uses_run_within_itself_are_found() {
    // The outer mark continues in the inner one: here the inner run is imitated by extending the variable.
    let script = "TESTKIT_CHILD=$TESTKIT_CHILD/7.0 setsid sleep 60 & sleep 60";
    let Err(TestkitError::Late { killed, .. }) = run_within(SOON, &mut shell(script)) else {
        panic!("it sleeps for a minute and was in time");
    };
    assert!(killed.iter().filter(|process| process.ends_with(" sleep")).count() >= 2, "{killed:?}");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = run_within(LONG, &mut Command::new("/nowhere/at all")).expect_err("there is no such program");
    assert!(error.to_string().contains("/nowhere/at all"), "{error}");
}
