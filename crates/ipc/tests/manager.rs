//! The manager by its proxies: typed values, typed errors, many clients at once, locks whose holder goes, a server that dies.

use std::{sync::mpsc, thread, time::Duration};

use ipc::{
    Address, Connection, Listener,
    auth::{AuthError, Door, Key, prove},
    manager::{Kind, Manager, ManagerError, ManagerServer, RemoteError},
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(10);

fn key() -> Key {
    Key::new("the key of these tests")
}

fn address(name: &str) -> Address {
    Address::Abstract(format!("rust-ipc-manager-{}-{name}", std::process::id()))
}

fn server(name: &str) -> ManagerServer {
    ManagerServer::start(&address(name), key()).unwrap()
}

fn client(server: &ManagerServer) -> Manager {
    Manager::connect(server.address(), &key()).unwrap()
}

#[test]
fn what_one_stores_another_finds() {
    let server = server("stores");
    let (one, other) = (client(&server), client(&server));
    let dict = one.dict::<String, Vec<u32>>("dict").unwrap();
    let same = other.dict::<String, Vec<u32>>("dict").unwrap();
    let (a, b) = ("a".to_owned(), "b".to_owned());
    assert_eq!(same.get(&a).unwrap(), None);
    dict.insert(&a, &vec![1, 2]).unwrap();
    dict.insert(&b, &vec![]).unwrap();
    dict.insert(&a, &vec![3]).unwrap();
    assert_eq!(same.get(&a).unwrap(), Some(vec![3]));
    assert_eq!((same.len().unwrap(), same.keys().unwrap()), (2, vec![a.clone(), b]));
    assert!(same.remove(&a).unwrap());
    assert!(!dict.remove(&a).unwrap());
    assert!(!dict.is_empty().unwrap());

    let namespace = one.namespace("settings").unwrap();
    namespace.set("depth", &7_u8).unwrap();
    namespace.set("name", &"x").unwrap();
    let seen = other.namespace("settings").unwrap();
    assert_eq!(seen.get::<u8>("depth").unwrap(), Some(7));
    assert_eq!(seen.get::<String>("name").unwrap().as_deref(), Some("x"));
    assert_eq!(seen.get::<u8>("width").unwrap(), None);

    assert_eq!(one.counter("n").unwrap().add(5).unwrap(), 5);
    assert_eq!(other.counter("n").unwrap().add(-7).unwrap(), -2);
    assert_eq!(one.counter("n").unwrap().get().unwrap(), -2);
}

#[test]
fn what_cannot_be_done_is_a_typed_error_and_the_next_call_works() {
    let server = server("errors");
    let manager = client(&server);
    let counter = manager.counter("n").unwrap();
    counter.add(i64::MAX).unwrap();
    let overflow = counter.add(1);
    assert!(matches!(overflow, Err(ManagerError::Remote(RemoteError::Overflow(name))) if name == "n"));
    assert_eq!(counter.get().unwrap(), i64::MAX, "as it was");
    let kind = manager.dict::<u8, u8>("n");
    assert!(matches!(
        kind,
        Err(ManagerError::Remote(RemoteError::Kind { name, is: Kind::Counter })) if name == "n"
    ));
    let words = manager.dict::<u8, String>("words").unwrap();
    words.insert(&1, &"one".into()).unwrap();
    let numbers = manager.dict::<u8, u8>("words").unwrap();
    assert!(matches!(numbers.get(&1), Err(ManagerError::Type(_))));
    assert_eq!(words.get(&1).unwrap().as_deref(), Some("one"));
    let giant = manager.dict::<u8, Vec<u8>>("giant").unwrap();
    assert!(matches!(giant.insert(&1, &vec![0; 65 << 20]), Err(ManagerError::Frame(_))));
    assert_eq!(giant.get(&1).unwrap(), None, "nothing was sent");
    let wrong = Manager::connect(server.address(), &Key::new("another"));
    assert!(matches!(wrong, Err(ManagerError::Auth(AuthError::Refused))));
}

#[test]
fn many_at_once_come_in_the_order_of_their_keys() {
    let server = server("each");
    let manager = client(&server);
    let dict = manager.dict::<String, Vec<u8>>("dict").unwrap();
    let key = |number: usize| format!("{number:>width$}", width = 1 + number % 3 * 9_000);
    for number in (0..60).step_by(2) {
        dict.insert(&key(number), &vec![number as u8; number * 4_000]).unwrap();
    }
    let keys: Vec<String> = (0..60).map(key).collect();
    let expected = |number: usize| number.is_multiple_of(2).then(|| vec![number as u8; number * 4_000]);
    assert_eq!(dict.get_each(&keys).unwrap(), (0..60).map(expected).collect::<Vec<_>>());
    assert!(dict.get_each(&[]).unwrap().is_empty());
    // An error in the middle, and the next call has its own answer.
    let wrong = manager.dict::<String, Option<u32>>("dict").unwrap();
    assert!(matches!(wrong.get_each(&keys), Err(ManagerError::Type(_))));
    let giant = vec!["x".to_owned(), "x".repeat(65 << 20)];
    assert!(matches!(dict.get_each(&giant), Err(ManagerError::Frame(_))));
    assert_eq!(dict.get(&keys[2]).unwrap(), expected(2));
}

#[test]
fn nonsense_is_answered_with_an_error() {
    let server = server("nonsense");
    let mut stranger = prove(Connection::connect(server.address()).unwrap(), &key(), LONG).unwrap();
    let mut answers = Vec::new();
    for nonsense in [&b""[..], b"\xff\xff\xff\xff\xff", b"\x02ab\xff", &[0x80; 100]] {
        stranger.send(nonsense).unwrap();
        answers.push(stranger.receive_within(LONG).unwrap().unwrap().to_vec());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(client(&server).counter("n").unwrap().add(1).unwrap(), 1);
}

#[test]
fn many_at_once_and_each_call_happens_as_a_whole() {
    let server = server("many");
    thread::scope(|scope| {
        for me in 0..8_u32 {
            let server = &server;
            scope.spawn(move || {
                let manager = client(server);
                let (counter, dict) = (manager.counter("n").unwrap(), manager.dict("dict").unwrap());
                let lock = manager.lock("lock").unwrap();
                for round in 0..100_u32 {
                    counter.add(1).unwrap();
                    dict.insert(&(me, round), &round).unwrap();
                    // Two calls, which only the lock makes one.
                    let _held = lock.acquire().unwrap();
                    let shared: u32 = dict.get(&(99, 99)).unwrap().unwrap_or_default();
                    dict.insert(&(99, 99), &(shared + 1)).unwrap();
                }
            });
        }
    });
    let manager = client(&server);
    assert_eq!(manager.counter("n").unwrap().get().unwrap(), 800);
    let dict = manager.dict::<(u32, u32), u32>("dict").unwrap();
    assert_eq!((dict.len().unwrap(), dict.get(&(99, 99)).unwrap()), (801, Some(800)));
}

#[test]
fn a_lock_is_taken_once_and_in_time_or_not_at_all() {
    let server = server("lock");
    let (one, other) = (client(&server), client(&server));
    let (lock, same) = (one.lock("lock").unwrap(), other.lock("lock").unwrap());
    let held = lock.acquire_within(LONG).unwrap();
    assert!(!held.is_after_death());
    assert!(matches!(lock.acquire(), Err(ManagerError::Remote(RemoteError::HeldAlready(_)))));
    assert!(matches!(same.acquire_within(SHORT), Err(ManagerError::Late(SHORT))));
    assert!(matches!(same.acquire_within(Duration::ZERO), Err(ManagerError::Late(_))));
    held.release().unwrap();
    // Nobody who has stopped waiting got it.
    drop(lock.acquire_within(LONG).unwrap());
    thread::scope(|scope| {
        let held = lock.acquire().unwrap();
        let (waits, is_waiting) = mpsc::channel();
        let server = &server;
        scope.spawn(move || {
            let third = client(server);
            waits.send(()).unwrap();
            assert!(!third.lock("lock").unwrap().acquire().unwrap().is_after_death());
        });
        is_waiting.recv().unwrap();
        drop(held);
    });
    drop(same.acquire_within(LONG).unwrap());
}

#[test]
fn a_lock_that_comes_when_time_is_over_is_held_or_given_on() {
    let server = server("late");
    thread::scope(|scope| {
        for me in 0..3_u64 {
            let server = &server;
            scope.spawn(move || {
                let manager = client(server);
                let lock = manager.lock("lock").unwrap();
                for round in 0..300_u64 {
                    // About as long as the others hold it, so that both come together again and again.
                    match lock.acquire_within(Duration::from_micros(20 + (round * 7 + me * 13) % 200)) {
                        Ok(held) => assert!(!held.is_after_death()),
                        Err(ManagerError::Late(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
    });
    assert!(client(&server).lock("lock").unwrap().acquire_within(LONG).is_ok());
}

#[test]
fn who_goes_with_the_lock_loses_it_and_the_next_is_told_once() {
    let server = server("goes");
    let (dies, lives) = (client(&server), client(&server));
    let lock = lives.lock("lock").unwrap();
    for _ in 0..20 {
        let (has, is_held) = mpsc::channel();
        let (goes, may_go) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let dies = client(&server);
            scope.spawn(move || {
                std::mem::forget(dies.lock("lock").unwrap().acquire().unwrap());
                has.send(()).unwrap();
                may_go.recv().unwrap();
            });
            is_held.recv().unwrap();
            // Whether it is in the line already or comes later.
            let next =
                scope.spawn(|| client(&server).lock("lock").unwrap().acquire().unwrap().is_after_death());
            goes.send(()).unwrap();
            assert!(next.join().unwrap());
        });
        assert!(!lock.acquire_within(LONG).unwrap().is_after_death());
    }
    // Who goes without it frees nothing.
    let held = lock.acquire().unwrap();
    drop(dies);
    assert!(matches!(
        client(&server).lock("lock").unwrap().acquire_within(SHORT),
        Err(ManagerError::Late(_))
    ));
    drop(held);
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
