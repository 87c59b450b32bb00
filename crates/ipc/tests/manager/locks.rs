//! Locks in the server: in time or not at all, and free when their holder goes.

use std::{sync::mpsc, thread, time::Duration};

use ipc::{
    Listener,
    auth::Door,
    manager::{Manager, ManagerError, RemoteError, wire::Answer},
};

use super::{LONG, SHORT, address, client, key, server};

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
fn the_server_has_time_to_say_that_time_is_over() {
    let mut door = Door::new(Listener::bind(&address("slow")).unwrap(), key());
    let at = door.address().clone();
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let manager = Manager::connect(&at, &key()).unwrap();
            let lock = manager.lock("lock").unwrap();
            lock.acquire_within(SHORT).map(drop)
        });
        let mut inside = door.accept_within(LONG).unwrap();
        for answer in [Answer::Done, Answer::Late] {
            inside.receive_within(LONG).unwrap().unwrap();
            // The limit passes, and only then does it say so.
            thread::sleep(2 * SHORT);
            inside.send(&answer.encode(Vec::new()).unwrap()).unwrap();
        }
        let late = client.join().unwrap();
        assert!(matches!(late, Err(ManagerError::Late(SHORT))), "{late:?}");
    });
}
