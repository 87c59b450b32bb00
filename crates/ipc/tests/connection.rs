//! Listener and connection: who may come in, what is left, and that nothing waits for ever.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    sync::Barrier,
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection, Listener,
    frame::{FrameError, MAXIMUM},
};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(20);

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rust-ipc-test-{}-{name}", std::process::id()))
}

fn addresses(name: &str) -> [Address; 3] {
    [
        Address::Path(path(name)),
        Address::Abstract(format!("rust-ipc-test-{}-{name}", std::process::id())),
        Address::Tcp("127.0.0.1:0".parse().unwrap()),
    ]
}

fn kind<T>(result: Result<T, FrameError>) -> io::ErrorKind {
    match result {
        Err(FrameError::Io(error)) => error.kind(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("no error"),
    }
}

#[test]
fn every_kind_of_address_carries_messages_both_ways() {
    for address in addresses("both") {
        let listener = Listener::bind(&address).unwrap();
        let address: Address = listener.address().to_string().parse().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut client = Connection::connect(&address).unwrap();
                for size in [0, 1, 100, 8 << 10, 100_000, 3 << 20] {
                    client.send(&vec![size as u8; size]).unwrap();
                    assert_eq!(client.receive().unwrap().map(<[u8]>::len), Some(size), "{address}");
                }
            });
            let mut server = listener.accept_within(LONG).unwrap();
            while let Some(message) = server.receive_within(LONG).unwrap() {
                let message = message.to_vec();
                server.send_within(&message, LONG).unwrap();
            }
        });
    }
}

#[test]
fn nobody_comes_and_it_does_not_wait_for_ever() {
    for address in addresses("nobody") {
        let listener = Listener::bind(&address).unwrap();
        assert_eq!(listener.accept_within(SHORT).unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn the_file_is_for_its_owner_and_goes_with_its_listener() {
    let path = path("owner");
    let listener = Listener::bind(&Address::Path(path.clone())).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(
        Listener::bind(&Address::Path(path.clone())).unwrap_err().kind(),
        io::ErrorKind::AddrInUse,
        "taken"
    );
    assert_eq!(
        Listener::bind_over_stale(&Address::Path(path.clone())).unwrap_err().kind(),
        io::ErrorKind::AddrInUse,
        "somebody listens"
    );
    drop(listener);
    assert!(!path.exists());
    assert_eq!(Connection::connect(&Address::Path(path)).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_file_that_is_no_longer_ours_stays() {
    let path = path("other");
    let listener = Listener::bind(&Address::Path(path.clone())).unwrap();
    // Another one in its place, of another inode since both exist for a moment.
    fs::write(path.with_extension("new"), "not a socket").unwrap();
    let inode = fs::metadata(path.with_extension("new")).unwrap().ino();
    fs::rename(path.with_extension("new"), &path).unwrap();
    drop(listener);
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    let refused = Listener::bind_over_stale(&Address::Path(path.clone())).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::read(&path).unwrap(), b"not a socket");
    fs::remove_file(&path).unwrap();
}

#[test]
fn a_stale_file_is_taken_over() {
    let path = path("stale");
    // std's listener leaves its file, as a killed process does.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let address = Address::Path(path.clone());
    assert_eq!(Listener::bind(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    let listener = Listener::bind_over_stale(&address).unwrap();
    Connection::connect(&address).unwrap();
    drop(listener);
    assert!(!path.exists());
}

#[test]
fn many_take_over_in_one_directory_and_one_who_keeps_it_locked_is_a_timeout() {
    let directory = path("many");
    fs::create_dir(&directory).unwrap();
    let address = |number: usize| Address::Path(directory.join(number.to_string()));
    let all = Barrier::new(8);
    thread::scope(|scope| {
        for number in 0..8 {
            let (address, all) = (address(number), &all);
            scope.spawn(move || {
                all.wait();
                Listener::bind_over_stale(&address).unwrap();
            });
        }
    });
    let held = File::open(&directory).unwrap();
    held.lock().unwrap();
    assert_eq!(Listener::bind_over_stale(&address(0)).unwrap_err().kind(), io::ErrorKind::TimedOut);
    drop(held);
    Listener::bind_over_stale(&address(0)).unwrap();
    fs::remove_dir(&directory).unwrap();
}

#[test]
fn a_silent_peer_and_a_full_socket_are_timeouts_and_then() {
    let (mut ours, mut theirs) = Connection::pair().unwrap();
    assert!(ours.receive_within(SHORT).unwrap_err().is_timeout());
    theirs.send(b"late").unwrap();
    assert_eq!(ours.receive_within(LONG).unwrap(), Some(&b"late"[..]), "a timeout loses nothing");

    assert!(ours.send_within(&vec![0; 4 << 20], SHORT).unwrap_err().is_timeout(), "nobody reads");
    assert_eq!(kind(ours.send(b"more")), io::ErrorKind::BrokenPipe, "a half message is followed by nothing");
    drop(ours);
    assert!(
        matches!(theirs.receive(), Err(FrameError::Cut { offset: 0, have, of }) if 0 < have && have < of)
    );
}

#[test]
fn both_send_much_first_and_a_deadline_ends_it() {
    let (mut ours, mut theirs) = Connection::pair().unwrap();
    let much = vec![0; 4 << 20];
    thread::scope(|scope| {
        let other = scope.spawn(|| theirs.send_within(&much, SHORT).unwrap_err().is_timeout());
        assert!(ours.send_within(&much, SHORT).unwrap_err().is_timeout());
        assert!(other.join().unwrap());
    });
}

#[test]
fn the_other_side_goes() {
    let (mut ours, mut theirs) = Connection::pair().unwrap();
    theirs.send(b"last words").unwrap();
    drop(theirs);
    assert_eq!(ours.receive().unwrap(), Some(&b"last words"[..]));
    assert_eq!(ours.receive().unwrap(), None);
    assert_eq!(kind(ours.send(b"?")), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_finished_sender_still_hears_the_answer() {
    let (ours, mut theirs) = Connection::pair().unwrap();
    let (mut sender, mut receiver) = ours.split();
    sender.send(b"question").unwrap();
    sender.finish().unwrap();
    assert_eq!(theirs.receive().unwrap(), Some(&b"question"[..]));
    assert_eq!(theirs.receive().unwrap(), None);
    theirs.send(b"answer").unwrap();
    assert_eq!(receiver.receive().unwrap(), Some(&b"answer"[..]));
}

#[test]
fn what_came_with_another_message_is_ready_though_the_socket_is_empty() {
    let (mut ours, mut theirs) = Connection::pair().unwrap();
    theirs.send(b"one").unwrap();
    theirs.send(b"two").unwrap();
    assert!(!ours.is_ready());
    assert_eq!(ours.receive().unwrap(), Some(&b"one"[..]));
    assert!(ours.is_ready());
    assert_eq!(ours.receive().unwrap(), Some(&b"two"[..]));
}

#[test]
fn a_maximum_holds_on_both_sides() {
    let (ours, mut theirs) = Connection::pair().unwrap();
    let mut ours = ours.with_maximum(10);
    assert!(matches!(ours.send(&[0; 11]), Err(FrameError::TooLong { announced: 11, maximum: 10, .. })));
    ours.send(&[0; 10]).unwrap();
    theirs.send(&[0; 11]).unwrap();
    assert!(matches!(ours.receive(), Err(FrameError::TooLong { offset: 0, announced: 11, maximum: 10 })));
    assert!(matches!(theirs.send(&vec![0; MAXIMUM + 1]), Err(FrameError::TooLong { .. })));
}

#[test]
fn what_is_no_address_is_told_so() {
    for text in ["", "unix", "udp:127.0.0.1:1", "tcp:localhost:1", "/tmp/x"] {
        assert!(text.parse::<Address>().is_err(), "{text}");
    }
    let long = Address::Path(path(&"x".repeat(200)));
    assert!(Listener::bind(&long).is_err());
    assert!(Connection::connect(&long).is_err());
}

#[test]
fn a_listener_that_never_accepts_is_a_timeout_and_not_a_wait_for_ever() {
    let [path, name, _] = addresses("full");
    for address in [path, name] {
        let listener = Listener::bind(&address).unwrap();
        let mut waiting = Vec::new();
        let refused = loop {
            match Connection::connect_within(&address, SHORT) {
                Ok(connection) => waiting.push(connection),
                Err(error) => break error,
            }
        };
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "after {}", waiting.len());
        assert_eq!(Listener::bind_over_stale(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // One place is free again, and who connects within its limit is not limited in what it sends later.
        drop(listener.accept_within(LONG).unwrap());
        let mut connection = Connection::connect_within(&address, LONG).unwrap();
        connection.send(b"let in").unwrap();
    }
}
