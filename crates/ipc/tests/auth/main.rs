//! Who gets in: those who know the key, in their own role, now; and nobody waits for somebody who says nothing.

mod door;
mod user;

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection, Listener,
    auth::{AuthError, Key, LENGTH, admit, credentials, prove},
    frame::FrameError,
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(20);
const FRAME: usize = 4;

fn key() -> Key {
    Key::new("the key of these tests")
}

fn wrong() -> Key {
    Key::new("another")
}

/// Both sides at once: what the server says, and what the client says.
fn meet(server: &Key, client: &Key) -> (Result<Connection, AuthError>, Result<Connection, AuthError>) {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        let client = scope.spawn(|| prove(theirs, client, LONG));
        (admit(ours, server, LONG), client.join().unwrap())
    })
}

fn abstract_listener(name: &str) -> Listener {
    Listener::bind(&Address::Abstract(format!("rust-ipc-auth-{}-{name}", std::process::id()))).unwrap()
}

#[test]
fn the_same_key_lets_in_and_long_messages_pass_then() {
    let (server, client) = meet(&key(), &key());
    let (mut server, mut client) = (server.unwrap(), client.unwrap());
    thread::scope(|scope| {
        scope.spawn(|| client.send(&vec![7; 1 << 20]).unwrap());
        assert_eq!(server.receive_within(LONG).unwrap().map(<[u8]>::len), Some(1 << 20));
    });
}

#[test]
fn a_message_that_comes_with_the_servers_proof_is_not_lost() {
    let (ours, theirs) = Connection::pair().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| admit(ours, &key(), LONG).unwrap().send(&[1; 5_000]).unwrap());
        let mut client = prove(theirs, &key(), LONG).unwrap();
        assert_eq!(client.receive_within(LONG).unwrap(), Some(&[1; 5_000][..]));
    });
}

#[test]
fn a_wrong_key_is_refused_on_both_sides() {
    for (server, client) in [(key(), wrong()), (wrong(), key()), (Key::new(""), key())] {
        let (server, client) = meet(&server, &client);
        assert!(matches!(server, Err(AuthError::WrongKey)), "{server:?}");
        assert!(matches!(client, Err(AuthError::Refused)), "{client:?}");
    }
}

/// Plays the server, with bytes: asks with `random`, hands out what the client said, and answers with what `verdict` makes
/// of it.
fn impostor(random: [u8; LENGTH], verdict: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<Connection, AuthError> {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        let client = scope.spawn(|| prove(Connection::new(theirs).unwrap(), &key(), LONG));
        ours.write_all(&[&[0, 0, 0, 32], &random[..]].concat()).unwrap();
        let mut said = [0; FRAME + 2 * LENGTH];
        ours.read_exact(&mut said).unwrap();
        let verdict = verdict(&said[FRAME..]);
        ours.write_all(&(verdict.len() as u32).to_be_bytes()).unwrap();
        ours.write_all(&verdict).unwrap();
        client.join().unwrap()
    })
}

#[test]
fn a_reflection_is_refused() {
    // The client's own proof comes back as the server's.
    let let_in = impostor([1; LENGTH], |said| said[LENGTH..].to_vec());
    assert!(matches!(let_in, Err(AuthError::WrongKey)), "{let_in:?}");
    let let_in = impostor([1; LENGTH], <[u8]>::to_vec);
    assert!(matches!(let_in, Err(AuthError::WrongKey)), "{let_in:?}");
    let let_in = impostor([1; LENGTH], |_| vec![0; LENGTH]);
    assert!(matches!(let_in, Err(AuthError::WrongKey)), "{let_in:?}");
}

#[test]
fn a_replay_is_refused() {
    // What a client says to a server that it believes to be one.
    let mut recorded = Vec::new();
    let _ = impostor([2; LENGTH], |said| {
        recorded = said.to_vec();
        Vec::new()
    });
    let (ours, theirs) = Connection::pair().unwrap();
    let mut replays = theirs;
    thread::scope(|scope| {
        let server = scope.spawn(|| admit(ours, &key(), LONG));
        assert_eq!(replays.receive_within(LONG).unwrap().map(<[u8]>::len), Some(LENGTH));
        replays.send(&recorded).unwrap();
        let server = server.join().unwrap();
        assert!(matches!(server, Err(AuthError::WrongKey)), "{server:?}");
        assert_eq!(replays.receive_within(LONG).unwrap(), Some(&b""[..]), "a word, and no proof");
    });
}

#[test]
fn each_conversation_is_another() {
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (ours, theirs) = Connection::pair().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| assert!(matches!(admit(ours, &key(), LONG), Err(AuthError::Gone))));
            let mut client = theirs;
            seen.push(client.receive_within(LONG).unwrap().unwrap().to_vec());
        });
    }
    seen.dedup();
    assert_eq!(seen.len(), 4, "a random number twice");
}

#[test]
fn silence_and_chatter_and_going_are_errors_and_no_wait() {
    let (ours, theirs) = Connection::pair().unwrap();
    assert!(matches!(admit(ours, &key(), SHORT), Err(AuthError::Late(SHORT))));
    drop(theirs);

    let (ours, mut theirs) = UnixStream::pair().unwrap();
    // A part of an answer: every byte gives no new time.
    theirs.write_all(&[0, 0, 0, 64, 1, 2, 3]).unwrap();
    assert!(matches!(admit(Connection::new(ours).unwrap(), &key(), SHORT), Err(AuthError::Late(SHORT))));

    let (ours, mut theirs) = Connection::pair().unwrap();
    theirs.send(&[0; 65]).unwrap();
    assert!(matches!(
        admit(ours, &key(), LONG),
        Err(AuthError::Frame(FrameError::TooLong { announced: 65, maximum: 64, .. }))
    ));

    let (ours, mut theirs) = Connection::pair().unwrap();
    theirs.send(b"hello?").unwrap();
    let strange = admit(ours, &key(), LONG);
    assert!(matches!(strange, Err(AuthError::WrongKey | AuthError::Strange { .. })), "{strange:?}");

    let (ours, theirs) = Connection::pair().unwrap();
    drop(theirs);
    let gone = admit(ours, &key(), LONG);
    assert!(matches!(gone, Err(AuthError::Gone | AuthError::Frame(_))), "{gone:?}");

    let (ours, theirs) = Connection::pair().unwrap();
    assert!(matches!(prove(ours, &key(), SHORT), Err(AuthError::Late(SHORT))), "a server that says nothing");
    drop(theirs);
    let (ours, mut theirs) = Connection::pair().unwrap();
    theirs.send(b"welcome!").unwrap();
    assert!(matches!(prove(ours, &key(), LONG), Err(AuthError::Strange { length: 8, expected: 32 })));
}

#[test]
fn the_kernel_says_who_it_is_on_a_unix_socket_only() {
    let (ours, _theirs) = Connection::pair().unwrap();
    let who = credentials(&ours).unwrap();
    assert_eq!((who.pid, who.uid), (std::process::id(), rustix::process::geteuid().as_raw()));
    let listener = Listener::bind(&Address::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    let client = Connection::connect(listener.address()).unwrap();
    assert_eq!(credentials(&client).unwrap_err().kind(), std::io::ErrorKind::Unsupported);
}

#[test]
fn a_key_is_not_printed() {
    assert_eq!(format!("{:?}", Key::new("secret")), "Key { .. }");
    assert_ne!(Key::random().unwrap(), Key::random().unwrap());
}

fn to_fd(connection: Connection) -> std::os::fd::OwnedFd {
    use std::os::fd::AsFd;
    connection.as_fd().try_clone_to_owned().unwrap()
}
