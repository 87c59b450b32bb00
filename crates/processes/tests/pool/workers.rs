//! Workers start once, are used again, make room for new ones; and when none can be had, that is said.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use processes::{
    Program, child,
    pool::{Failed, Pool, PoolError, Why},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::Timespec,
};
use testkit::trials::scene;

use crate::{
    acts::{COUNT, SQUARE, STARTED, STAYS},
    scenes::{played, scene_program},
    squares,
};

pub(crate) fn started_once() {
    let pool = Pool::with(&COUNT, &1_000).workers(2).chunk(1).start().unwrap();
    let answers: Vec<(u32, u64)> = pool.map(std::iter::repeat_n((), 100)).map(Result::unwrap).collect();
    let workers: BTreeSet<u32> = answers.iter().map(|(pid, _)| *pid).collect();
    for worker in workers {
        // Each counts for itself, on from the argument.
        let counts: Vec<u64> =
            answers.iter().filter(|(pid, _)| *pid == worker).map(|(_, count)| *count).collect();
        assert_eq!(counts, (1_001..).take(counts.len()).collect::<Vec<_>>());
    }
}

pub(crate) fn initialized_once() {
    let directory = tempfile::Builder::new().prefix("processes-pool").tempdir().unwrap();
    let starts = directory.path().join("starts");
    let pool = Pool::with(&STARTED, &starts).workers(2).start().unwrap();
    assert_eq!(pool.map(std::iter::repeat_n((), 100)).filter(Result::is_ok).count(), 100);
    // Also who was not needed has started when all have ended.
    assert_eq!(pool.close().started, 2);
    assert_eq!(fs::read(starts).unwrap(), b"xx");
}

pub(crate) fn bad_start() {
    let pool = Pool::with(&COUNT, &0).workers(2).start().unwrap();
    let Failed { why, .. } = pool.submit(()).wait().unwrap_err();
    assert!(why.to_string().contains("the task's start failed: counts from 1 on"), "{why}");
    assert!(matches!(pool.broken(), Some(PoolError::Broken(_))));
    // Also what comes later gets the reason, at once.
    assert!(pool.map([(), ()]).all(|answer| matches!(answer.unwrap_err().why, Why::Ended(_))));
    assert!(pool.workers().is_empty());
}

pub(crate) fn replaced() {
    let pool = Pool::with(&COUNT, &1).workers(2).pieces_per_worker(3).start().unwrap();
    let answers: Vec<(u32, u64)> = pool.map(std::iter::repeat_n((), 30)).map(Result::unwrap).collect();
    // Nobody has counted beyond three.
    assert!(answers.iter().all(|(_, count)| *count <= 4), "{answers:?}");
    let report = pool.close();
    assert!(report.retired >= 9 && report.died == 0, "{report:?}");
    assert_eq!(report.started, 2 + report.retired);
}

pub(crate) fn overdue() {
    let pool = Pool::with(&STAYS, &()).workers(1).pieces_per_worker(1).start().unwrap();
    let [worker] = &pool.workers()[..] else { panic!("one worker") };
    pool.submit(()).wait().unwrap();
    let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::from_borrowed_fd(worker.sentinel(), PollFlags::IN)], Some(&limit));
    assert_eq!((ended.unwrap(), worker.exitcode()), (1, Some(-9)));
}

pub(crate) fn used_again() {
    let pool = squares(2);
    let before: Vec<u32> = pool.workers().iter().map(|worker| worker.pid()).collect();
    for _ in 0..20 {
        assert_eq!(pool.map(0..10).count(), 10);
    }
    let after: Vec<u32> = pool.workers().iter().map(|worker| worker.pid()).collect();
    assert_eq!((before, pool.report().started), (after, 2));
}

pub(crate) fn many() {
    let pool = Pool::of(&SQUARE).workers(200).chunk(1).start().unwrap();
    assert_eq!(pool.map(0..1_000).map(Result::unwrap).sum::<u64>(), (0..1_000).map(|x| x * x).sum::<u64>());
    assert_eq!(child::active_children().len(), 200);
    let report = pool.close();
    assert_eq!((report.started, report.died), (200, 0));
    assert!(child::active_children().is_empty());
}

pub(crate) fn limited() {
    let (code, text) = played(&mut scene("limited"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("cannot start worker 1") && text.contains("of 100: Too many open files"), "{text}");
    assert!(text.contains("each worker needs three descriptors, and the limit is 40"), "{text}");
}

pub(crate) fn never_ready() {
    let patience = Duration::from_millis(20);
    for (program, words) in [
        (scene_program("nothing"), "exited with code 0, before it was ready"),
        (scene_program("silence").patience(patience), "not ready within 20ms"),
        (scene_program("hostile-text"), "bytes, where at most"),
        (scene_program("hostile-version"), "version 999"),
        (scene_program("hostile-nonce"), "nonce"),
        (scene_program("other"), "does not know the job `square`, only: count"),
    ] {
        let pool = Pool::of(&SQUARE).workers(2).program(program).start().unwrap();
        let why = pool.submit(1).wait().unwrap_err().why.to_string();
        assert!(why.contains(words), "{why}");
        assert!(pool.broken().is_some());
    }
    let nowhere = Program::new(|| Command::new("/no/such/program"));
    let error = Pool::of(&SQUARE).workers(2).program(nowhere).start().unwrap_err();
    assert!(error.to_string().starts_with("cannot start worker 1 of 2: No such file"), "{error}");
}

pub(crate) fn no_fork_bomb() {
    let (code, text) = played(&mut scene("without-line"));
    assert_eq!(code, Some(1), "{text}");
    let lines = |what| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(lines("the pool ended before it was done"), 1, "{text}");
    // The first of the family gives up after seven dead workers of two, beside an eighth that may still live; its
    // children, and nobody else, are refused.
    assert!((1..=8).contains(&lines("itself started as a worker")), "{text}");
}
