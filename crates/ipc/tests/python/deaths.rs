//! One side is killed in the middle of a message, or says nothing: an error on the other, in time.

use std::{
    io::Write,
    os::{fd::AsFd, unix::net::UnixStream},
    thread,
    time::Duration,
};

use ipc::{
    Address, Listener,
    python::{Connection, ConnectionError, connect},
};

use super::{
    bytes,
    support::{accept, converse, key, place},
};

#[test]
fn a_python_that_is_killed_in_the_middle_is_an_error_and_no_hang() {
    converse("dies_sending", |connection, peer| {
        let cut = connection.recv_bytes();
        assert!(matches!(cut, Err(ConnectionError::Cut { have: 10, of: 1000 })), "{cut:?}");
        assert!(matches!(connection.recv_bytes(), Err(ConnectionError::Broken)));
        assert_eq!(peer.ended(), -9);
    });
    converse("dies_receiving", |connection, peer| {
        let cut = connection.send_bytes(&bytes(64 << 20));
        assert!(matches!(cut, Err(ConnectionError::Io(_))), "{cut:?}");
        assert_eq!(peer.ended(), -9);
    });
}

#[test]
fn python_sees_our_death_in_the_middle_as_an_error() {
    converse("cut", |connection, peer| {
        let half = [&100_i32.to_be_bytes()[..], b"half of it"].concat();
        let mut raw = UnixStream::from(connection.as_fd().try_clone_to_owned().unwrap());
        raw.write_all(&half).unwrap();
        drop(raw);
        *connection = Connection::new(UnixStream::pair().unwrap().0);
        assert_eq!(peer.line(), "got end of file during message");
    });
}

#[test]
fn who_says_nothing_or_next_to_nothing_is_cut_off_in_time() {
    let limit = Duration::from_millis(100);
    let Address::Abstract(name) = place() else { unreachable!() };
    let listener = Listener::bind(&Address::Abstract(name.clone())).unwrap();
    let address =
        <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
            .unwrap();

    let silent = UnixStream::connect_addr(&address).unwrap();
    assert!(matches!(accept(&listener, Some(&key()), limit), Err(ConnectionError::Late { done: 0, .. })));
    drop(silent);

    // A byte now and then: each read succeeds, and the limit still holds, for it is one for all of them.
    let mut slow = UnixStream::connect_addr(&address).unwrap();
    let dripping = thread::spawn(move || {
        // 255 bytes of an answer, over 100 times the limit. Ends when it is cut off.
        for byte in [0, 0, 0, 255].into_iter().chain([b'x'; 255]) {
            if slow.write_all(&[byte]).is_err() {
                return true;
            }
            thread::sleep(limit / 2);
        }
        false
    });
    assert!(matches!(accept(&listener, Some(&key()), limit), Err(ConnectionError::Late { .. })));
    assert!(dripping.join().unwrap(), "it was cut off");

    // A listener that takes nobody: the client gives up too, on the challenge, and on the full backlog.
    let mut waiting = Vec::new();
    let given_up = loop {
        match connect(listener.address(), None, limit) {
            Ok(connection) => waiting.push(connection),
            Err(why) => break why,
        }
    };
    assert!(matches!(given_up, ConnectionError::Late { done: 0, .. }), "{given_up}");
    drop(listener);
    let deaf = Listener::bind(&place()).unwrap();
    let given_up = connect(deaf.address(), Some(&key()), limit).unwrap_err();
    assert!(matches!(given_up, ConnectionError::Late { done: 0, .. }), "{given_up}");
}
