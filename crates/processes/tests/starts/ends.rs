//! An end is seen when it comes; a group ends as a whole; a child ends with its parent.

use std::{os::unix::process::CommandExt, time::Duration};

use processes::{ended::ended_within, group, parent_death::watch_parent, proc, start::fork};
use rustix::process::getpid;
use testkit::trials::LIMIT;

use crate::scenes::{ids, scene};

pub(crate) fn seen() {
    let mut child = scene("waits").spawn().unwrap();
    assert!(!ended_within(child.id(), Duration::ZERO).unwrap());
    drop(child.stdin.take());
    assert!(ended_within(child.id(), LIMIT).unwrap());
    assert_eq!(proc::state(child.id()), Some('Z'), "seen, and not waited for");
    child.wait().unwrap();
    assert!(ended_within(child.id(), Duration::ZERO).unwrap());
    assert!(ended_within(0, Duration::ZERO).is_err());
}

/// The leader has ended, its own child has not, and would not by SIGTERM.
pub(crate) fn leaderless() {
    let mut leader = scene("leader").process_group(0).spawn().unwrap();
    let input = leader.stdin.take();
    let child = ids(&mut leader)[0];
    assert!(ended_within(leader.id(), LIMIT).unwrap());
    assert!(!ended_within(child, Duration::ZERO).unwrap());
    assert!(group::end(&mut leader, LIMIT).unwrap().success());
    assert!(ended_within(child, LIMIT).unwrap());
    drop(input);
}

pub(crate) fn dies_along() {
    let mut parent = scene("parent").spawn().unwrap();
    let input = parent.stdin.take();
    let child = ids(&mut parent)[0];
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(ended_within(child, LIMIT).unwrap());
    drop(input);
}

pub(crate) fn another_parent() {
    let own = getpid();
    // Its parent is this process, and not itself.
    let child = fork(|| match (watch_parent(own), watch_parent(getpid())) {
        (Ok(true), Ok(false)) => 0,
        _ => 1,
    });
    assert_eq!(child.unwrap().wait().unwrap().code(), Some(0));
}
