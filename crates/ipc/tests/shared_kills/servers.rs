//! Servers of a queue and of a manager, and strangers at a door.

use std::thread;

use ipc::{
    Address, Connection, Listener,
    auth::{Door, prove},
    manager::{Manager, ManagerError, ManagerServer},
    queue::{Consumer, Producer, QueueError, QueueServer},
};
use processes::child::End;

use super::{LONG, a_moment, key, path, peer::Peer};

pub(crate) fn stranger_killed(time: u64) {
    let mut door = Door::new(Listener::bind(&Address::Path(path("door"))).unwrap(), key());
    let address = door.address().clone();
    let stranger = thread::scope(|scope| {
        let started = scope.spawn(|| Peer::start("stranger", &address));
        let _ = door.accept_within(LONG).unwrap();
        started.join().unwrap()
    });
    thread::scope(|scope| {
        scope.spawn(|| {
            a_moment(time);
            stranger.kill();
            // What it left unsaid is no matter to the next.
            prove(Connection::connect(&address).unwrap(), &key(), LONG).unwrap().send(b"me").unwrap();
        });
        let me = std::process::id();
        let mut ours = loop {
            let inside = door.accept_within(LONG).unwrap();
            // A dead one may be let in: it had proven itself.
            if ipc::auth::credentials(&inside).unwrap().pid == me {
                break inside;
            }
        };
        assert_eq!(ours.receive_within(LONG).unwrap(), Some(&b"me"[..]));
    });
}

pub(crate) fn servers_killed(time: u64) {
    let (at, queue_at) = (path("servers"), path("servers").with_extension("queue"));
    let (address, queue_address) = (Address::Path(at.clone()), Address::Path(queue_at.clone()));
    let server = Peer::start("servers", &address);
    let manager = Manager::connect(&address, &key()).unwrap();
    let mut producer = Producer::connect(&queue_address, &key()).unwrap();
    let mut consumer = Consumer::connect(&queue_address, &key()).unwrap();
    let mut idle = Consumer::connect(&queue_address, &key()).unwrap();
    thread::scope(|scope| {
        let calls = scope.spawn(move || {
            loop {
                if let Err(error) = manager.counter("n").and_then(|counter| counter.add(1)) {
                    return error;
                }
            }
        });
        let puts = scope.spawn(move || {
            loop {
                if let Err(error) = producer.put_within(b"item", LONG) {
                    return error;
                }
            }
        });
        let gets = scope.spawn(move || {
            loop {
                if let Err(error) = consumer.get() {
                    return error;
                }
            }
        });
        a_moment(time);
        server.kill();
        assert!(matches!(calls.join().unwrap(), ManagerError::Gone));
        assert!(matches!(puts.join().unwrap(), QueueError::Gone { .. }));
        assert!(matches!(gets.join().unwrap(), QueueError::Gone { .. }));
        assert!(matches!(idle.get(), Err(QueueError::Gone { .. })));
    });
    // Its connections may end before its listeners do.
    assert_eq!(server.0.join(), End::Killed(9));
    // What it has left in the file system is in nobody's way, and goes with the next one.
    assert!(at.exists() && queue_at.exists());
    drop(ManagerServer::start(&address, key()).unwrap());
    drop(QueueServer::start(&queue_address, key(), None).unwrap());
    assert!(!at.exists() && !queue_at.exists());
}
