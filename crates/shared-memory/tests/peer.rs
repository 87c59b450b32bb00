//! The other process of a lesson says lines, reads lines, and is waited for, always with a limit.

use std::{io::ErrorKind, process::Command, time::Duration};

use shared_memory::peer::{Cast, Peer};

const LIMIT: Duration = Duration::from_secs(60);

fn shell(script: &str) -> Peer {
    Cast::program(Command::new("sh"), &["-c", script]).start().unwrap()
}

#[test]
fn a_line_may_come_in_parts_and_the_last_one_without_an_end() {
    let mut peer = shell("printf 'one\\ntw'; read go; printf 'o\\nthree'");
    assert_eq!(peer.line(LIMIT).unwrap(), "one");
    // Half of it is there, and the other half is not to come before it is told.
    assert_eq!(peer.line(Duration::from_millis(20)).unwrap_err().kind(), ErrorKind::TimedOut);
    peer.tell("go").unwrap();
    assert_eq!(peer.line(LIMIT).unwrap(), "two");
    assert_eq!(peer.line(LIMIT).unwrap(), "three");
    assert_eq!(peer.line(LIMIT).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(peer.end(LIMIT).unwrap().success());
}

#[test]
fn who_waits_for_the_end_of_its_input_gets_it() {
    let mut peer = shell("cat > /dev/null; exit 3");
    assert_eq!(peer.end(LIMIT).unwrap().code(), Some(3));
}

#[test]
fn who_hangs_is_killed_and_reported() {
    let mut peer = shell("exec sleep 1000");
    assert_eq!(peer.end(Duration::from_millis(20)).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(
        !std::path::Path::new(&format!("/proc/{}", peer.id())).exists(),
        "it is there still, or a zombie"
    );
}
