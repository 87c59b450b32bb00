//! Waiting for several: all that are ready and nothing else, in the order given, whatever kind they are.

use std::{
    io::Write,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection, Listener,
    wait::{Source, Timer, wait},
};
use processes::child::Child;

const LONG: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

fn pair() -> (Connection, Connection) {
    Connection::pair().unwrap()
}

fn cat() -> Child {
    Child::spawn(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null())).unwrap()
}

#[test]
fn every_kind_is_seen_alone_and_in_the_order_given() {
    let name = format!("rust-ipc-wait-{}", std::process::id());
    let mut listener = Listener::bind(&Address::Abstract(name)).unwrap();
    let (mut connection, mut other) = pair();
    let (half, mut far) = pair();
    let (_keeps_open, mut receiver) = half.split();
    let mut child = cat();
    let (bytes, mut writer) = UnixStream::pair().unwrap();
    let mut bytes = OwnedFd::from(bytes);
    let mut timer = Timer::after(Duration::from_secs(3600)).unwrap();
    let mut over = Timer::after(Duration::ZERO).unwrap();
    let mut seen = Vec::new();
    for step in 0..6 {
        match step {
            0 => assert_eq!(wait(&mut [&mut over], LONG).unwrap(), [0], "a timer is over"),
            1 => drop(child.stdin.take()),
            2 => writer.write_all(b"x").unwrap(),
            3 => other.send(b"message").unwrap(),
            4 => far.send(b"message").unwrap(),
            _ => drop(Connection::connect(listener.address()).unwrap()),
        }
        let sources: &mut [&mut dyn Source] =
            &mut [&mut timer, &mut listener, &mut receiver, &mut connection, &mut bytes, &mut child];
        // Those of the steps before stay ready: until the new one is there too.
        seen = loop {
            let ready = wait(sources, if step == 0 { NOW } else { LONG }).unwrap();
            if ready.len() >= step {
                break ready;
            }
        };
        assert_eq!(seen, (6 - step..6).collect::<Vec<_>>(), "after step {step}");
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(child.exitcode(), Some(0));
}

#[test]
fn half_a_message_is_not_ready_and_a_message_that_left_the_kernel_is() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut ours = Connection::new(ours).unwrap();
    for half in [&b"\0\0"[..], b"\0\x02", b"a"] {
        theirs.write_all(half).unwrap();
        assert!(wait(&mut [&mut ours], NOW).unwrap().is_empty(), "{half:?}");
    }
    // The rest, and another one, which one read takes out of the kernel together.
    theirs.write_all(b"b\0\0\0\x01c").unwrap();
    assert_eq!(wait(&mut [&mut ours], LONG).unwrap(), [0]);
    assert_eq!(ours.receive().unwrap(), Some(&b"ab"[..]));
    assert_eq!(wait(&mut [&mut ours], LONG).unwrap(), [0]);
    assert_eq!(ours.receive().unwrap(), Some(&b"c"[..]));
    assert!(wait(&mut [&mut ours], NOW).unwrap().is_empty());
}

#[test]
fn one_who_always_speaks_hides_nobody() {
    let (mut loud, mut talker) = pair();
    let (mut quiet, mut shy) = pair();
    for round in 0..1_000_u32 {
        talker.send(b"!").unwrap();
        talker.send(b"!").unwrap();
        if round % 10 == 0 {
            shy.send(b"?").unwrap();
            assert_eq!(wait(&mut [&mut loud, &mut quiet], LONG).unwrap(), [0, 1]);
            assert_eq!(quiet.receive().unwrap(), Some(&b"?"[..]));
        } else {
            assert_eq!(wait(&mut [&mut loud, &mut quiet], LONG).unwrap(), [0]);
        }
        // One of two is left, in our memory.
        loud.receive().unwrap();
        assert_eq!(wait(&mut [&mut quiet, &mut loud], LONG).unwrap(), [1]);
        loud.receive().unwrap();
    }
}

#[test]
fn who_has_gone_is_ready_and_says_so() {
    let (mut ended, other) = pair();
    drop(other);
    // Gone with something of ours unread: an error, which the kernel tells once, and which must not be lost in waiting.
    let (mut reset, other) = pair();
    reset.send(b"unread").unwrap();
    drop(other);
    let (mut cut, mut other) = UnixStream::pair().map(|(a, b)| (Connection::new(a).unwrap(), b)).unwrap();
    other.write_all(b"\0\0\0\x05ab").unwrap();
    drop(other);
    for _ in 0..3 {
        assert_eq!(wait(&mut [&mut ended, &mut reset, &mut cut], LONG).unwrap(), [0, 1, 2]);
    }
    assert_eq!(ended.receive().unwrap(), None);
    assert!(reset.receive().unwrap_err().to_string().contains("reset"));
    assert!(cut.receive().unwrap_err().to_string().contains("after 6 bytes of a message of 9"));
    let mut child = cat();
    child.kill().unwrap();
    assert_eq!(wait(&mut [&mut child], LONG).unwrap(), [0]);
    assert_eq!(child.exitcode(), Some(-9));
}

#[test]
fn nothing_comes() {
    let (mut ours, _theirs) = pair();
    let moment = Some(Duration::from_millis(5));
    assert!(wait(&mut [&mut ours], moment).unwrap().is_empty());
    assert!(wait(&mut [], moment).unwrap().is_empty());
    assert!(wait(&mut [], None).is_err(), "for ever, for nothing");
}

#[test]
fn what_comes_during_the_wait_ends_it() {
    let (mut ours, mut theirs) = pair();
    thread::scope(|scope| {
        let waits = scope.spawn(|| wait(&mut [&mut ours], None).unwrap());
        // In two halves, the first of which must not end it.
        theirs.send(b"come").unwrap();
        assert_eq!(waits.join().unwrap(), [0]);
    });
}
