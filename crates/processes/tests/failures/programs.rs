//! Programs that are no workers, cannot be started, or are killed or deleted while their workers run.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use processes::{Program, mechanisms};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};
use testkit::{
    run_within,
    trials::{LIMIT, PART, scene},
};
use workload::{RunError, Timeline};

use crate::{
    both,
    scenes::{play_within, scene_program},
    support::Numbers,
    two,
};

pub(crate) fn killed_caller() {
    let mut caller = scene("hanging").stderr(Stdio::piped()).spawn().unwrap();
    // Both workers print their process id, on what the caller has as standard error, and hang.
    let lines = BufReader::new(caller.stderr.take().unwrap()).lines();
    let workers: Vec<_> = lines.take(2).map(|line| line.unwrap().parse().unwrap()).collect();
    let workers =
        workers.into_iter().map(|pid| pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap());
    let workers: Vec<_> = workers.collect();
    caller.kill().unwrap();
    caller.wait().unwrap();
    for worker in workers {
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ended, 1, "a worker outlives its caller");
    }
}

pub(crate) fn without_the_line() {
    for result in both(&scene_program("nothing"), &Numbers::plain(4)) {
        match result {
            Err(RunError::WorkerDied { how, unfinished, .. }) => {
                assert!(how.contains("exited with code 0 without a word") && unfinished > 0, "{how}");
            }
            other => panic!("{other:?}"),
        }
    }
    let patience = Duration::from_millis(50);
    for result in both(&scene_program("silence").patience(patience), &Numbers::plain(4)) {
        match result {
            Err(RunError::Protocol { why, .. }) => assert!(why.contains("first line of its main"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn no_fork_bomb() {
    let (output, text) = play_within("without-line");
    assert_eq!(output.status.code(), Some(1), "{text}");
    // The first of the family gets so far as to start two; those, and nobody else, are refused.
    let lines = |what| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(lines("without a word"), 1, "{text}");
    assert!((1..=2).contains(&lines("itself started as a worker")), "{text}");
}

pub(crate) fn unknown_job() {
    let timeline = Timeline::off();
    for mechanism in mechanisms::<workload::Empty>() {
        let error = (mechanism.run)(&workload::Empty { pieces: 3 }, two(), &timeline).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("does not know the job `empty`, only: numbers"), "{text}");
    }
}

pub(crate) fn no_descriptors() {
    let (output, text) = play_within("limited");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("cannot start worker ") && text.contains("Too many open files"), "{text}");
}

pub(crate) fn not_there() {
    for result in both(&Program::new(|| Command::new("/no/such/program")), &Numbers::plain(4)) {
        match result {
            Err(RunError::Start { what, .. }) => assert_eq!(what, "worker 1 of 2"),
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn deleted() {
    let directory = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
    let copy = directory.path().join("copy");
    fs::copy(env::current_exe().unwrap(), &copy).unwrap();
    let output = run_within(LIMIT, Command::new(&copy).arg(format!("{PART}deleting"))).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!copy.exists());
}
