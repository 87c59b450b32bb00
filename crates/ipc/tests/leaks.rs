//! Ten thousand connections, ten thousand descriptors handed over: as many descriptors and as much memory as before.

use std::{
    fs::File,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    time::Duration,
};

use ipc::{Address, Connection, Listener, descriptors, message_queue::MessageQueue};
use testkit::LeakGuard;

const LONG: Duration = Duration::from_secs(30);

fn connect(address: &Address, times: usize) {
    let listener = Listener::bind(address).unwrap();
    for _ in 0..times {
        let mut client = Connection::connect(listener.address()).unwrap();
        let mut server = listener.accept_within(LONG).unwrap();
        client.send(b"question").unwrap();
        assert_eq!(server.receive().unwrap(), Some(&b"question"[..]));
    }
}

fn hand_over(times: usize) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let file = File::open("/dev/null").unwrap();
    for time in 0..times {
        descriptors::send(&ours, &[file.as_fd(); 10]).unwrap();
        // Refused ones are closed as well.
        let taken = descriptors::receive(&theirs, time % 11).map(|files| files.len());
        assert_eq!(taken.ok(), (time % 11 == 10).then_some(10));
    }
}

fn resident() -> u64 {
    processes::proc::memory(std::process::id()).unwrap().rss
}

#[test]
fn nothing_is_left_of_ten_thousand() {
    let path = std::env::temp_dir().join(format!("rust-ipc-leaks-{}", std::process::id()));
    let name = format!("rust-ipc-leaks-{}", std::process::id());
    let guard = LeakGuard::new("rust-ipc-leaks");
    connect(&Address::Path(path.clone()), 1_000);
    hand_over(100);
    let before = resident();
    connect(&Address::Path(path), 5_000);
    connect(&Address::Abstract(name), 4_000);
    // Few: each holds a port for a minute.
    connect(&Address::Tcp("127.0.0.1:0".parse().unwrap()), 1_000);
    hand_over(1_000);
    let grown = resident().saturating_sub(before);
    assert!(grown < 1 << 20, "{grown} bytes more after 10,000 connections");
    match MessageQueue::create(2, 16) {
        Ok(queue) => {
            queue.send(b"one", 0, LONG).unwrap();
            assert_eq!(queue.receive(LONG).unwrap(), (b"one".to_vec(), 0));
        }
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}"),
    }
    guard.check().unwrap();
}
