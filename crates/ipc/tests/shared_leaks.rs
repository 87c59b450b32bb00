//! Ten thousand clients come to a queue, a manager and a door, some without a word, and go: as many descriptors, threads and
//! as much memory as before.

use std::{fs, path::PathBuf, time::Duration};

use ipc::{
    Address, Connection, Listener,
    auth::{Door, Key},
    manager::{Manager, ManagerServer},
    queue::{Consumer, Producer, QueueServer},
};
use testkit::LeakGuard;

const LONG: Duration = Duration::from_secs(60);

fn key() -> Key {
    Key::new("the key of these tests")
}

/// A directory of our own: whoever replaces a stale socket locks its directory, and others work in the common one.
fn directory() -> PathBuf {
    std::env::temp_dir().join(format!("rust-ipc-gone-{}", std::process::id()))
}

fn address(name: &str) -> Address {
    Address::Path(directory().join(name))
}

fn come_and_go(times: usize) {
    let queue = QueueServer::start(&address("queue"), key(), None).unwrap();
    let mut producer = Producer::connect(queue.address(), &key()).unwrap();
    producer.put_within(b"item", LONG).unwrap();
    for time in 0..times {
        let mut consumer = Consumer::connect(queue.address(), &key()).unwrap();
        // With the item, after it, or without.
        match time % 3 {
            0 => drop(consumer.get_within(LONG).unwrap()),
            1 => drop(consumer.get_within(Duration::ZERO)),
            _ => {}
        }
    }
    let manager = ManagerServer::start(&address("manager"), key()).unwrap();
    for _ in 0..times {
        let client = Manager::connect(manager.address(), &key()).unwrap();
        let lock = client.lock("lock").unwrap();
        std::mem::forget(lock.acquire_within(LONG).unwrap());
    }
    let mut door = Door::new(Listener::bind(&address("door")).unwrap(), key());
    for _ in 0..times / 2 {
        drop(Connection::connect(door.address()).unwrap());
        assert!(door.accept_within(Duration::ZERO).is_err());
    }
}

fn resident() -> u64 {
    processes::proc::memory(std::process::id()).unwrap().rss
}

#[test]
fn nothing_is_left_of_ten_thousand() {
    let guard = LeakGuard::new("rust-ipc-gone");
    fs::create_dir_all(directory()).unwrap();
    come_and_go(1_000);
    let before = resident();
    come_and_go(4_000);
    // Only if it is empty.
    fs::remove_dir(directory()).unwrap();
    guard.check().unwrap();
    let grown = resident().saturating_sub(before);
    assert!(grown < 2 << 20, "{grown} bytes more after 10,000 clients");
}
