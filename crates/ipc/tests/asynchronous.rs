//! A task's connection against a thread's: the same bytes, and what is given up half way is not lost, or said to be.

use std::{io, os::unix::net::UnixStream, thread, time::Duration};

use ipc::{Connection, asynchronous, frame::FrameError};
use rustix::io::write;
use tokio::{runtime::Builder, time::timeout};

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// A time limit that is to pass.
const SHORT: Duration = Duration::from_millis(20);

/// Runs `act` on both ends, the first of them in a runtime.
fn with_pair<F: Future>(act: impl FnOnce(asynchronous::Connection, Connection) -> F) -> F::Output {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let runtime = Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let act = act(asynchronous::Connection::new(ours).unwrap(), Connection::new(theirs).unwrap());
        timeout(LONG, act).await.expect("it hangs")
    })
}

#[test]
fn messages_of_every_size_go_both_ways() {
    with_pair(async |mut ours, theirs| {
        let echo = thread::spawn(move || {
            let (mut sender, mut receiver) = theirs.split();
            while let Some(message) = receiver.receive().unwrap() {
                sender.send(message).unwrap();
            }
        });
        for size in [0, 1, 100, 8 << 10, 100_000, 3 << 20] {
            let message = vec![size as u8; size];
            ours.send(&message).await.unwrap();
            assert_eq!(ours.receive().await.unwrap(), Some(&message[..]));
        }
        drop(ours);
        echo.join().unwrap();
    });
}

#[test]
fn a_receive_that_is_given_up_loses_nothing() {
    with_pair(async |mut ours, theirs| {
        write(&theirs, &[0, 0, 0, 4, b'h', b'a']).unwrap();
        assert!(timeout(SHORT, ours.receive()).await.is_err());
        write(&theirs, b"lf").unwrap();
        assert_eq!(ours.receive().await.unwrap(), Some(&b"half"[..]));
    });
}

#[test]
fn who_waits_for_a_message_holds_no_buffer() {
    with_pair(async |mut ours, mut theirs| {
        theirs.send(&[7; 100_000]).unwrap();
        ours.receive().await.unwrap();
        assert!(ours.held() >= 100_000);
        assert!(timeout(SHORT, ours.receive()).await.is_err());
        assert_eq!(ours.held(), 0);
        theirs.send(b"and then").unwrap();
        assert_eq!(ours.receive().await.unwrap(), Some(&b"and then"[..]));
    });
}

#[test]
fn a_promise_is_given_no_memory() {
    with_pair(async |mut ours, theirs| {
        write(&theirs, &(60_u32 << 20).to_be_bytes()).unwrap();
        write(&theirs, &[1; 100]).unwrap();
        assert!(timeout(SHORT, ours.receive()).await.is_err());
        assert!(ours.held() <= 16 << 10, "{}", ours.held());
    });
}

#[test]
fn a_send_that_is_given_up_is_followed_by_nothing() {
    with_pair(async |mut ours, mut theirs| {
        assert!(timeout(SHORT, ours.send(&vec![0; 4 << 20])).await.is_err(), "nobody reads");
        let after = ours.send(b"more").await.unwrap_err();
        assert!(matches!(after, FrameError::Io(error) if error.kind() == io::ErrorKind::BrokenPipe));
        drop(ours);
        assert!(matches!(theirs.receive(), Err(FrameError::Cut { offset: 0, .. })));
    });
}

#[test]
fn the_other_side_goes_or_lies() {
    with_pair(async |mut ours, mut theirs| {
        theirs.send(b"last words").unwrap();
        drop(theirs);
        assert_eq!(ours.receive().await.unwrap(), Some(&b"last words"[..]));
        assert_eq!(ours.receive().await.unwrap(), None);
    });
    with_pair(async |ours, theirs| {
        let mut ours = ours.with_maximum(10);
        write(&theirs, &[0, 0, 0, 1, 9, 0, 0, 0, 11]).unwrap();
        assert_eq!(ours.receive().await.unwrap(), Some(&[9][..]));
        let refused = ours.receive().await.unwrap_err();
        assert_eq!(refused.to_string(), "at byte 5: a message of 11 bytes, where at most 10 are allowed");
        assert!(matches!(ours.send(&[0; 11]).await, Err(FrameError::TooLong { .. })));
    });
    with_pair(async |mut ours, theirs| {
        write(&theirs, &[0, 0]).unwrap();
        drop(theirs);
        assert!(matches!(ours.receive().await, Err(FrameError::Cut { offset: 0, have: 2, of: 4 })));
    });
}
