//! Dicts, counters, namespaces: what one stores another finds, and each call happens as a whole.

use std::thread;

use ipc::{
    auth::{AuthError, Key},
    manager::{Kind, Manager, ManagerError, RemoteError},
};

use super::{client, server};

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
