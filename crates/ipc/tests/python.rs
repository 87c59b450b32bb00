//! CPython's own `multiprocessing.connection` at the other end, of each version in `PATH`, as client and as listener.
//! Without Python they say so and pass.

#[path = "python/support.rs"]
mod support;

use std::{
    env, fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    os::{fd::AsFd, unix::net::UnixStream},
    thread,
    time::Duration,
};

use ipc::{
    Address, Listener,
    python::{
        Connection, ConnectionError, Key, Value, challenge::AuthenticationError, connect, header,
        pickle::PickleError,
    },
};
use support::{LIMIT, Peer, accept, converse, interpreters, key, place};

/// Bytes that differ from place to place, so that a piece in the wrong place is seen.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

#[test]
fn bytes_of_every_size_come_back_as_they_were() {
    let sizes = [0, 1, 2, 255, 4096, 16_384, 16_385, 65_536, 1 << 20, 64 << 20];
    converse("echo", |connection, peer| {
        for size in sizes {
            let message = bytes(size);
            connection.send_bytes(&message).unwrap();
            let back = connection.recv_bytes().unwrap().unwrap();
            assert!(back == message, "{size} bytes: {} came back", back.len());
        }
        // To Python the end is an EOFError between messages.
        *connection = Connection::new(UnixStream::pair().unwrap().0);
        assert_eq!(peer.line(), "end");
        assert_eq!(peer.ended(), 0);
    });
}

#[test]
fn a_hundred_thousand_small_messages_in_each_direction() {
    const COUNT: i64 = 100_000;
    converse("small", |connection, _| {
        for number in 0..COUNT {
            connection.send_bytes(number.to_string().as_bytes()).unwrap();
        }
        connection.send_bytes(b"").unwrap();
        let told = connection.recv().unwrap().unwrap();
        assert_eq!(told, Value::Tuple(vec![COUNT.into(), (COUNT * (COUNT - 1) / 2).into()]));
        for number in 0..COUNT {
            let message = connection.recv_bytes().unwrap().unwrap();
            assert_eq!(message, number.to_string().as_bytes());
        }
        assert_eq!(connection.recv_bytes().unwrap(), None);
    });
}

#[test]
fn the_long_form_of_the_header_is_read_by_both() {
    converse("long_form", |connection, _| {
        let mut raw = UnixStream::from(connection.as_fd().try_clone_to_owned().unwrap());
        raw.write_all(&[&(-1_i32).to_be_bytes()[..], &5_u64.to_be_bytes(), b"hello"].concat()).unwrap();
        assert_eq!(connection.recv_bytes().unwrap().unwrap(), b"hello");
    });
}

/// Values with Python's `repr` of each.
fn values() -> Vec<(Value, &'static str)> {
    let list = |items: &[i64]| items.iter().copied().collect::<Value>();
    let tuple = |count: i64| Value::Tuple((0..count).map(Value::from).collect());
    vec![
        (Value::None, "None"),
        (true.into(), "True"),
        (false.into(), "False"),
        (0.into(), "0"),
        (255.into(), "255"),
        (256.into(), "256"),
        (65_536.into(), "65536"),
        ((-1).into(), "-1"),
        (i64::from(i32::MIN).into(), "-2147483648"),
        (i64::MIN.into(), "-9223372036854775808"),
        (Value::Int(i128::MAX), "170141183460469231731687303715884105727"),
        (Value::Int(i128::MIN), "-170141183460469231731687303715884105728"),
        (Value::Int(-129 << 64), "-2379629985508532158464"),
        (1.5.into(), "1.5"),
        (f64::NEG_INFINITY.into(), "-inf"),
        ("".into(), "''"),
        ("naïve 日本 🦀".into(), "'naïve 日本 🦀'"),
        (list(&[]), "[]"),
        (list(&[1, 2, 3]), "[1, 2, 3]"),
        (tuple(0), "()"),
        (tuple(1), "(0,)"),
        (tuple(4), "(0, 1, 2, 3)"),
        (Value::Dict(vec![]), "{}"),
        (Value::Dict(vec![(tuple(2), Value::None), ("a".into(), list(&[7]))]), "{(0, 1): None, 'a': [7]}"),
    ]
}

#[test]
fn objects_mean_the_same_on_both_sides_in_every_protocol() {
    converse("objects", |connection, _| {
        for (value, repr) in values() {
            connection.send(&value).unwrap();
            assert_eq!(connection.recv().unwrap(), Some(repr.into()));
            for protocol in 2..=5 {
                assert_eq!(connection.recv().unwrap().as_ref(), Some(&value), "protocol {protocol}");
            }
        }
        // In protocol 2 there are no bytes, but a call that makes them: refused, and nothing is out of step.
        let value = Value::Bytes(vec![0, 255, 7]);
        connection.send(&value).unwrap();
        assert_eq!(connection.recv().unwrap(), Some("b'\\x00\\xff\\x07'".into()));
        let refused = connection.recv();
        assert!(
            matches!(refused, Err(ConnectionError::Pickle(PickleError::Call { opcode: "GLOBAL", .. }))),
            "{refused:?}"
        );
        for _ in 3..=5 {
            assert_eq!(connection.recv().unwrap().as_ref(), Some(&value));
        }
        // More items than Python puts in one batch (1000), and texts beyond one byte of length.
        let long: Value = (0..2500_i64).collect();
        let pairs = (0..2500_i64).map(|number| (number.into(), "x".repeat(300).as_str().into()));
        for value in [long, Value::Dict(pairs.collect())] {
            connection.send(&value).unwrap();
            connection.recv().unwrap();
            for protocol in 2..=5 {
                assert!(connection.recv().unwrap().as_ref() == Some(&value), "protocol {protocol}");
            }
        }
    });
}

#[test]
fn a_list_in_several_places_is_whole_in_each_and_one_that_holds_itself_is_refused() {
    converse("shared", |connection, _| {
        let inner: Value = [1_i64, 2].into_iter().collect();
        let outer = Value::List(vec![inner.clone(), inner.clone(), Value::Tuple(vec![inner])]);
        assert_eq!(connection.recv().unwrap(), Some(outer));
        for _ in 0..2 {
            let refused = connection.recv();
            assert!(
                matches!(refused, Err(ConnectionError::Pickle(PickleError::TooDeep { .. }))),
                "{refused:?}"
            );
        }
        assert_eq!(connection.recv().unwrap(), Some("in step".into()));
    });
}

#[test]
fn what_would_be_called_is_refused_with_its_place() {
    converse("evil", |connection, peer| {
        for protocol in 2..=5 {
            let refused = connection.recv();
            let Err(ConnectionError::Pickle(PickleError::Call { offset, .. })) = refused else {
                panic!("protocol {protocol}: {refused:?}");
            };
            assert!(offset >= 2);
        }
        assert_eq!(connection.recv().unwrap(), Some("in step".into()));
        assert_eq!(peer.ended(), 0);
    });
}

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

#[test]
fn a_header_that_promises_too_much_is_refused_before_any_room_is_made() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    theirs.write_all(&[&(-1_i32).to_be_bytes()[..], &u64::MAX.to_be_bytes()].concat()).unwrap();
    let mut connection = Connection::new(ours);
    let refused = connection.recv_bytes();
    let expected = header::HeaderError::TooLong { length: u64::MAX, max: Connection::MAX };
    assert!(matches!(refused, Err(ConnectionError::Header(why)) if why == expected), "{refused:?}");
    // We send no longer ones either, and nothing of them.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut sender, mut receiver) = (Connection::new(ours), Connection::new(theirs));
    sender.set_max(10);
    assert!(matches!(sender.send_bytes(&[0; 11]), Err(ConnectionError::Header(_))));
    sender.send_bytes(&[0; 10]).unwrap();
    assert_eq!(receiver.recv_bytes().unwrap().unwrap(), [0; 10]);
}
