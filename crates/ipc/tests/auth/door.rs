//! At the door one stands for all who knock: nobody there waits for somebody who says nothing.

use std::{io::Write, os::unix::net::UnixStream, thread, time::Duration};

use ipc::{
    Connection,
    auth::{AuthError, Door, LENGTH, STRANGERS, prove},
};

use super::{LONG, SHORT, abstract_listener, key, to_fd, wrong};

#[test]
fn a_silent_one_at_the_door_holds_nobody_up() {
    let mut door = Door::new(abstract_listener("silent"), key()).with_patience(LONG);
    let address = door.address().clone();
    let silent: Vec<_> = (0..3).map(|_| Connection::connect(&address).unwrap()).collect();
    let mut half = UnixStream::from(to_fd(Connection::connect(&address).unwrap()));
    half.write_all(&[0, 0, 0, 64, 0]).unwrap();
    for _ in 0..3 {
        thread::scope(|scope| {
            let client = scope.spawn(|| prove(Connection::connect(&address).unwrap(), &key(), LONG));
            let mut inside = door.accept_within(LONG).unwrap();
            client.join().unwrap().unwrap().send(b"in").unwrap();
            assert_eq!(inside.receive_within(LONG).unwrap(), Some(&b"in"[..]));
        });
    }
    assert_eq!(door.strangers(), 4);
    assert_eq!(door.refused().count(), 0);
    drop(silent);
}

#[test]
fn the_late_and_the_wrong_are_sent_away_and_those_behind_them_are_let_in() {
    let mut door = Door::new(abstract_listener("late"), key()).with_patience(SHORT);
    let address = door.address().clone();
    let mut silent = Connection::connect(&address).unwrap();
    let refused = loop {
        assert!(door.accept_within(SHORT).is_err());
        if let Some(why) = door.refused().next() {
            break why;
        }
    };
    assert!(matches!(refused, AuthError::Late(SHORT)), "{refused}");
    assert_eq!(door.strangers(), 0);
    // Its challenge, and the end.
    assert_eq!(silent.receive_within(LONG).unwrap().map(<[u8]>::len), Some(LENGTH));
    assert_eq!(silent.receive_within(LONG).unwrap(), None);

    let mut door = Door::new(abstract_listener("wrong"), key()).with_patience(LONG);
    let address = door.address().clone();
    let (refused, welcome) = (wrong(), key());
    thread::scope(|scope| {
        let clients = [&refused, &welcome].map(|key| {
            let address = &address;
            scope.spawn(move || prove(Connection::connect(address).unwrap(), key, LONG).map(drop))
        });
        door.accept_within(LONG).unwrap();
        // The wrong one may come second.
        while door.refused().count() == 0 {
            assert!(door.accept_within(Duration::from_millis(1)).is_err());
        }
        let [refused, welcome] = clients.map(|client| client.join().unwrap());
        assert!(matches!(refused, Err(AuthError::Refused)), "{refused:?}");
        welcome.unwrap();
    });
}

#[test]
fn a_crowd_of_silent_ones_stays_small() {
    const MORE: usize = 7;
    let mut door = Door::new(abstract_listener("crowd"), key()).with_patience(LONG);
    let address = door.address().clone();
    let mut crowd = Vec::new();
    for _ in 0..STRANGERS + MORE {
        crowd.push(Connection::connect(&address).unwrap());
        assert!(door.accept_within(Duration::ZERO).is_err());
    }
    assert_eq!(door.strangers(), STRANGERS);
    // All were asked. Those who have been silent for longest were sent away, and no others.
    for (place, silent) in crowd.iter_mut().enumerate() {
        assert_eq!(silent.receive_within(LONG).unwrap().map(<[u8]>::len), Some(LENGTH));
        assert_eq!(matches!(silent.receive_within(Duration::ZERO), Ok(None)), place < MORE, "{place}");
    }
    // Why they were is kept of so many, whoever asks.
    drop(crowd);
    while door.strangers() > 0 {
        assert!(door.accept_within(Duration::ZERO).is_err());
    }
    assert_eq!(door.refused().count(), STRANGERS);
    assert_eq!(door.refused().count(), 0, "each is told once");
}

#[test]
fn who_is_late_is_sent_away_though_nobody_else_comes() {
    let mut door = Door::new(abstract_listener("alone"), key()).with_patience(SHORT);
    let mut silent = Connection::connect(door.address()).unwrap();
    let (stop, stopped) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let accepts = scope.spawn(|| door.accept_until(&stopped).unwrap());
        assert_eq!(silent.receive_within(LONG).unwrap().map(<[u8]>::len), Some(LENGTH));
        let end = silent.receive_within(LONG).map(|message| message.map(<[u8]>::len));
        drop(stop);
        assert!(matches!(end, Ok(None)), "{end:?}");
        assert!(accepts.join().unwrap().is_none());
    });
}

#[test]
fn who_has_answered_in_time_is_let_in_though_the_door_looks_late() {
    let patience = Duration::from_millis(100);
    let mut door = Door::new(abstract_listener("looks"), key()).with_patience(patience);
    let [mut wrong, mut right] = loop {
        let clients = [(); 2].map(|()| Connection::connect(door.address()).unwrap());
        // Each time it asks one. A machine that stands still in between makes the first late: then once more.
        while door.accept_within(Duration::ZERO).is_err() && door.strangers() == 1 {}
        if door.strangers() == 2 {
            break clients;
        }
    };
    wrong.send(&[0; 2 * LENGTH]).unwrap();
    // What a client says to this question.
    let question = right.receive_within(LONG).unwrap().unwrap().to_vec();
    let (mut ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| prove(theirs, &key(), LONG).map(drop).unwrap_err());
        ours.send(&question).unwrap();
        right.send(ours.receive_within(LONG).unwrap().unwrap()).unwrap();
        drop(ours);
    });
    door.refused().for_each(drop);
    // Now the time of both is over, and both have answered.
    thread::sleep(patience);
    door.accept_within(LONG).unwrap();
    assert!(matches!(door.refused().collect::<Vec<_>>()[..], [AuthError::WrongKey]));
}
