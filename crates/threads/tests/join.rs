//! Joining with a time limit, by any number, and the register of threads.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]

use std::{
    panic,
    sync::mpsc::{self, channel},
    thread,
    time::Duration,
};

use threads::{
    join::{self, Handle, JoinError},
    registry::{Entry, Kind, Registry},
};

const MOMENT: Duration = Duration::from_millis(1);

#[test]
fn a_join_that_times_out_leaves_the_thread_running() {
    let (release, released) = channel::<()>();
    let handle = join::spawn("blocked", move || {
        let _ = released.recv();
        "done"
    })
    .unwrap();
    assert_eq!(handle.join_timeout(MOMENT), Err(JoinError::TimedOut));
    assert_eq!(handle.join_timeout(Duration::ZERO), Err(JoinError::TimedOut));
    assert!(!handle.is_finished());
    drop(release);
    assert_eq!(handle.join_timeout(Duration::MAX), Ok(&"done"));
    assert!(handle.is_finished());
    assert_eq!(handle.join_timeout(Duration::ZERO), Ok(&"done"), "no time is needed any more");
}

#[test]
fn any_number_may_join() {
    let (release, released) = channel::<()>();
    let handle = join::spawn("shared", move || {
        let _ = released.recv();
        String::from("the same")
    })
    .unwrap();
    let joiners: Vec<_> =
        (0..4).map(|_| handle.clone()).map(|handle| thread::spawn(move || handle.join().cloned())).collect();
    drop(release);
    for joiner in joiners {
        assert_eq!(joiner.join().unwrap(), Ok("the same".into()));
    }
}

#[test]
fn a_panic_is_told_to_every_joiner() {
    let body = || -> u8 { panic::resume_unwind(Box::new("out of tea")) };
    let handle = join::spawn("panics", body).unwrap();
    for _ in 0..2 {
        assert_eq!(handle.join(), Err(JoinError::Panicked("out of tea".into())));
    }
}

#[test]
fn a_thread_cannot_join_itself() {
    let (give, take) = channel::<Handle<Result<(), JoinError>>>();
    let handle = join::spawn("narcissus", move || {
        let me = take.recv().unwrap();
        me.join().map(|_| ())
    })
    .unwrap();
    give.send(handle.clone()).unwrap();
    assert_eq!(handle.join(), Ok(&Err(JoinError::Itself)));
}

#[test]
fn the_register_names_who_is_alive() {
    let threads = Registry::new();
    let (release, released) = channel::<()>();
    threads.spawn("worker", Kind::Joined, move || while released.recv().is_ok() {}).unwrap();
    let (hold, held) = channel::<()>();
    threads.spawn("heartbeat", Kind::Daemon, move || while held.recv().is_ok() {}).unwrap();
    let entry = |name: &str, kind| Entry { name: name.into(), kind };
    assert_eq!(
        threads.enumerate(),
        [entry("worker", Kind::Joined), entry("heartbeat", Kind::Daemon)],
        "oldest first"
    );
    drop(release);
    threads.join_all();
    assert_eq!(threads.enumerate(), [entry("heartbeat", Kind::Daemon)], "a daemon is not waited for");
    assert_eq!(threads.active_count(), 1);
    drop(hold);
}

#[test]
fn the_guard_waits_for_threads_that_threads_have_started() {
    let threads = Registry::new();
    let (done, all_done) = channel();
    {
        let _at_the_end = threads.join_on_drop();
        let theirs = threads.clone();
        threads
            .spawn("parent", Kind::Joined, move || {
                theirs.spawn("child", Kind::Joined, move || done.send(()).unwrap()).unwrap();
            })
            .unwrap();
    }
    assert_eq!(all_done.try_recv(), Ok(()), "the child has run before the guard was gone");
    assert_eq!(threads.active_count(), 0);
}

#[test]
fn a_thread_that_panics_leaves_the_register() {
    let threads = Registry::new();
    let (begun, has_begun) = mpsc::channel();
    threads
        .spawn("panics", Kind::Joined, move || {
            begun.send(()).unwrap();
            panic::resume_unwind(Box::new("out of tea"));
        })
        .unwrap();
    has_begun.recv().unwrap();
    threads.join_all();
    assert_eq!(threads.active_count(), 0);
}
