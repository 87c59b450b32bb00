//! Nonsense on either side, a server that dies, one that says nothing.

use std::thread;

use ipc::{
    Connection, Listener,
    auth::{Door, prove},
    manager::{
        Manager, ManagerError, RemoteError,
        wire::{Answer, MessageError, MessageFault},
    },
};

use super::{LONG, SHORT, address, client, key, server};

#[test]
fn nonsense_is_answered_with_an_error() {
    let server = server("nonsense");
    let mut stranger = prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap();
    for (nonsense, offset) in
        [(&b""[..], 0), (b"\xff\xff\xff\xff\xff", 5), (b"\x02ab\xff", 4), (&[0x80; 100], 10)]
    {
        stranger.send(nonsense).unwrap();
        let answer = Answer::decode(stranger.receive_within(LONG).unwrap().unwrap()).unwrap();
        assert_eq!(answer, Answer::Error(RemoteError::Message(offset)));
    }
    assert_eq!(client(&server).counter("n").unwrap().add(1).unwrap(), 1);
}

#[test]
fn the_server_dies_or_says_nothing() {
    let server = server("dies");
    let (one, other) = (client(&server), client(&server));
    let lock = one.lock("lock").unwrap();
    let held = lock.acquire().unwrap();
    let at = server.address().clone();
    thread::scope(|scope| {
        let waits = scope.spawn(move || {
            let result = other.lock("lock").and_then(|lock| lock.acquire().map(drop));
            assert!(matches!(result, Err(ManagerError::Gone)), "{result:?}");
        });
        drop(server);
        waits.join().unwrap();
    });
    assert!(matches!(held.release(), Err(ManagerError::Gone)));
    assert!(matches!(one.counter("n").map(drop), Err(ManagerError::Gone)));
    assert!(matches!(Manager::connect(&at, &key()), Err(ManagerError::Io(_))));

    let mut door = Door::new(Listener::bind(&address("silent")).unwrap(), key());
    let at = door.address().clone();
    thread::scope(|scope| {
        let client = scope.spawn(|| Manager::connect(&at, &key()).unwrap().with_patience(SHORT));
        let _silent = door.accept_within(LONG).unwrap();
        let client = client.join().unwrap();
        assert!(matches!(client.counter("n").map(drop), Err(ManagerError::Silent)));
        assert!(
            matches!(client.counter("n").map(drop), Err(ManagerError::Gone)),
            "its answer may still come"
        );
    });
}

#[test]
fn a_server_that_speaks_nonsense_is_an_error_and_the_end() {
    let trailing = MessageError { offset: 1, why: MessageFault::Trailing(1) };
    for (answer, expected) in [(&b"\0\0"[..], Some(trailing)), (b"\x05", None)] {
        let mut door = Door::new(Listener::bind(&address("impostor")).unwrap(), key());
        let at = door.address().clone();
        thread::scope(|scope| {
            let client = scope.spawn(|| Manager::connect(&at, &key()).unwrap());
            let mut inside = door.accept_within(LONG).unwrap();
            let client = client.join().unwrap();
            // Two answers: the second must not be taken for anything once the first makes no sense.
            inside.send(answer).unwrap();
            inside.send(b"\0").unwrap();
            match (client.counter("n").map(drop).unwrap_err(), expected) {
                (ManagerError::Message(why), Some(expected)) => {
                    assert_eq!(why, expected);
                    assert!(matches!(client.counter("n").map(drop), Err(ManagerError::Gone)));
                }
                // Late: an answer, but to another question.
                (ManagerError::Strange, None) => {}
                (other, _) => panic!("{answer:?}: {other}"),
            }
        });
    }
}
