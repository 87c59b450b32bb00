//! Who gets in: with the right key, with either digest, without any, over each kind of address.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr},
};

use ipc::{
    Address, Listener,
    python::{ConnectionError, Key, challenge::AuthenticationError, connect},
};

use super::{
    bytes,
    support::{LIMIT, Peer, accept, interpreters, key, place},
};

#[test]
fn a_wrong_key_on_either_side_is_refused_on_both() {
    let wrong = Key::new("another key");
    for interpreter in interpreters() {
        let listener = Listener::bind(&place()).unwrap();
        let mut peer = Peer::start(interpreter, "client", listener.address(), Some(&wrong), "echo");
        let refused = accept(&listener, Some(&key()), LIMIT);
        assert!(
            matches!(refused, Err(ConnectionError::Authentication(AuthenticationError::WrongKey))),
            "{refused:?}"
        );
        assert_eq!((peer.line().as_str(), peer.ended()), ("refused", 0));

        // The listener is as it was: the next client gets in.
        let _peer = Peer::start(interpreter, "client", listener.address(), Some(&key()), "echo");
        let mut connection = accept(&listener, Some(&key()), LIMIT).unwrap();
        connection.send_bytes(b"and back").unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"and back");

        let place = place();
        let mut peer = Peer::start(interpreter, "listener", &place, Some(&wrong), "echo");
        peer.line();
        let refused = connect(&place, Some(&key()), LIMIT);
        assert!(
            matches!(refused, Err(ConnectionError::Authentication(AuthenticationError::Refused))),
            "{refused:?}"
        );
        assert_eq!((peer.line().as_str(), peer.ended()), ("refused", 0));
    }
}

#[test]
fn a_key_without_md5_takes_only_the_named_digest() {
    let strict = key().without_md5();
    for interpreter in interpreters() {
        let listener = Listener::bind(&place()).unwrap();
        let mut peer = Peer::start(interpreter, "client", listener.address(), Some(&key()), "echo");
        match accept(&listener, Some(&strict), LIMIT) {
            Ok(mut connection) => {
                connection.send_bytes(b"new").unwrap();
                assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"new");
                assert!(!["python3.9", "python3.10", "python3.11"].contains(interpreter));
            }
            Err(ConnectionError::Authentication(AuthenticationError::Digest)) => {
                assert_eq!(peer.line(), "refused");
                assert!(!["python3.12", "python3.13", "python3.14"].contains(interpreter));
            }
            Err(other) => panic!("{interpreter}: {other}"),
        }
    }
}

#[test]
fn without_a_key_anybody_is_welcome() {
    for interpreter in interpreters() {
        let listener = Listener::bind(&place()).unwrap();
        let _peer = Peer::start(interpreter, "client", listener.address(), None, "echo");
        let mut connection = accept(&listener, None, LIMIT).unwrap();
        connection.send_bytes(b"no questions").unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"no questions");
    }
}

#[test]
fn over_a_socket_file_and_over_tcp() {
    let path = env::temp_dir().join(format!("ipc-python-{}", std::process::id()));
    let local = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    for interpreter in interpreters() {
        for place in [Address::Path(path.clone()), local.clone()] {
            let listener = Listener::bind(&place).unwrap();
            let _peer = Peer::start(interpreter, "client", listener.address(), Some(&key()), "echo");
            let mut connection = accept(&listener, Some(&key()), LIMIT).unwrap();
            connection.send_bytes(&bytes(100_000)).unwrap();
            assert!(connection.recv_bytes().unwrap().unwrap() == bytes(100_000));
        }
        assert!(!fs::exists(&path).unwrap(), "the listener removes its socket file");

        let mut peer = Peer::start(interpreter, "listener", &local, Some(&key()), "echo");
        let line = peer.line(); // ('127.0.0.1', 40001)
        let port = line.trim_end_matches(')').rsplit(' ').next().unwrap().parse::<u16>().unwrap();
        let place = Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut connection = connect(&place, Some(&key()), LIMIT).unwrap();
        connection.send_bytes(b"over TCP").unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"over TCP");
    }
}
