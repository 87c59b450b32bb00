//! The other side is killed at a random moment, in each kind of exchange: an error or the end, at once, and never a wait; and
//! nothing is left: no process, no descriptor, no socket, no directory.
//!
//! A short form runs with the other tests; `just chaos` runs 1,000 kills in each kind. What is random comes from a seed, which
//! a failure names.

mod alone;

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    net::Ipv4Addr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, Stdio},
    sync::Mutex,
    thread,
    time::Duration,
};

use ipc::{
    Address, Connection, Listener,
    descriptors::{self, DescriptorsError},
    frame::FrameError,
    python::{self, ConnectionError, Key, Value},
};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};
use libtest_mimic::{Arguments, Trial};
use processes::{ended::ended_within, parent_death::die_with_parent};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with, socketpair,
};
use serde::{Deserialize, Serialize};
use testkit::{LeakGuard, mix};

/// Nothing here takes as long: it hangs.
const LONG: Duration = Duration::from_secs(60);
/// Longer than any socket's buffer, so that the other one is in the middle of it.
const MIB: usize = 1 << 20;
/// What may be seen of a dead peer, beside the end.
const SEEN: [io::ErrorKind; 3] =
    [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof];

/// One kind of exchange: what we do with a peer until it is gone, and what the peer does.
struct Kind {
    name: &'static str,
    /// Starts the peer, lets it be killed, and talks until an error or the end.
    ours: fn(&mut dyn FnMut(Child)) -> io::Result<()>,
    theirs: fn(),
}

const KINDS: [Kind; 8] = [
    Kind { name: "pipe", ours: pipe, theirs: echo_stream },
    Kind { name: "socketpair", ours: seqpacket, theirs: echo_seqpacket },
    Kind { name: "unix-socket", ours: unix_socket, theirs: echo_connected },
    Kind { name: "tcp", ours: tcp, theirs: echo_connected },
    Kind { name: "framing", ours: framing, theirs: echo_framed },
    Kind { name: "descriptors", ours: hand_over, theirs: hand_back },
    Kind { name: "typed", ours: typed, theirs: echo_typed },
    Kind { name: "python", ours: like_python, theirs: echo_like_python },
];

fn main() {
    if env::args().nth(1).as_deref() == Some("peer") {
        let name = env::args().nth(2).expect("a kind");
        return (KINDS.iter().find(|kind| kind.name == name).expect("a kind").theirs)();
    }
    alone::be_alone();
    let _hang = testkit::watchdog(Duration::from_secs(1_200));
    let mut trials = vec![trial("in_the_middle_of_a_long_message".into(), || in_the_middle(60))];
    for kind in &KINDS {
        trials.push(trial(kind.name.into(), || kill(kind, 40)));
        trials.push(trial(format!("in_full_{}", kind.name), || kill(kind, 1_000)).with_ignored_flag(true));
    }
    trials.push(
        trial("in_full_in_the_middle_of_a_long_message".into(), || in_the_middle(1_000))
            .with_ignored_flag(true),
    );
    // One at a time: what a test leaves behind is looked for in the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new("");
        test();
        Ok(guard.check()?)
    })
}

fn kill(kind: &'static Kind, times: u64) {
    for seed in 0..times {
        let killing = Mutex::new(None);
        // A thousandth of a second to start, and then some exchanges.
        let after = Duration::from_micros(mix(seed) % 6_000);
        let mut doom = |mut peer: Child| {
            *killing.lock().unwrap() = Some(thread::spawn(move || {
                thread::sleep(after);
                peer.kill().unwrap();
                peer.wait().unwrap();
            }));
        };
        let end = (kind.ours)(&mut doom);
        if let Err(error) = end {
            assert!(SEEN.contains(&error.kind()), "{}, seed {seed}: {error} ({:?})", kind.name, error.kind());
        }
        killing.into_inner().unwrap().expect("it was started").join().unwrap();
    }
}

/// This program as the other side; what it complains in its last moment nobody wants to read.
fn peer(kind: &str, words: &[&str], input: Stdio, output: Stdio) -> Child {
    let mut command = Command::new("/proc/self/exe");
    command.args(["peer", kind]).args(words).stdin(input).stdout(output).stderr(Stdio::null());
    die_with_parent(&mut command).spawn().unwrap()
}

fn word() -> String {
    env::args().nth(3).expect("given")
}

fn given() -> OwnedFd {
    io::stdin().as_fd().try_clone_to_owned().unwrap()
}

fn in_words(error: FrameError) -> io::Error {
    match error {
        FrameError::Io(error) => error,
        FrameError::Cut { .. } => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::other(other),
    }
}

// ---- bytes

fn pipe(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let mut child = peer("pipe", &[], Stdio::piped(), Stdio::piped());
    let (mut out, mut into) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    doom(child);
    // More than PIPE_BUF, so that it may be torn; less than both pipes hold, so that it need not be read meanwhile.
    let (message, mut back) = ([7; 20_000], [0; 20_000]);
    loop {
        out.write_all(&message)?;
        into.read_exact(&mut back)?;
        assert!(back == message);
    }
}

fn echo_stream() {
    let (mut into, mut out) =
        (File::from(given()), File::from(io::stdout().as_fd().try_clone_to_owned().unwrap()));
    io::copy(&mut into, &mut out).unwrap();
}

fn seqpacket(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    doom(peer("socketpair", &[], theirs.into(), Stdio::null()));
    let (message, mut back) = ([7; 20_000], [0; 20_001]);
    loop {
        send(&ours, &message, SendFlags::NOSIGNAL)?;
        match recv(&ours, &mut back[..], RecvFlags::empty())?.1 {
            0 => return Ok(()),
            // Whole or not at all.
            count => assert!(back[..count] == message),
        }
    }
}

fn echo_seqpacket() {
    let (socket, mut message) = (given(), [0; 20_001]);
    loop {
        let (count, _) = recv(&socket, &mut message[..], RecvFlags::empty()).unwrap();
        send(&socket, &message[..count], SendFlags::NOSIGNAL).unwrap();
    }
}

// ---- messages

/// There and back, until an error or the end.
fn talk(mut connection: Connection, size: usize) -> io::Result<()> {
    let message = vec![7; size];
    loop {
        connection.send_within(&message, LONG).map_err(in_words)?;
        match connection.receive_within(LONG).map_err(in_words)? {
            None => return Ok(()),
            Some(back) => assert!(back == message),
        }
    }
}

/// A peer that may die before it has connected: nobody waits for it then.
fn meet(kind: &str, address: &Address, doom: &mut dyn FnMut(Child)) -> io::Result<Option<Connection>> {
    let listener = Listener::bind(address)?;
    let child = peer(kind, &[&listener.address().to_string()], Stdio::null(), Stdio::null());
    let id = child.id();
    doom(child);
    loop {
        let ended = ended_within(id, Duration::ZERO).unwrap_or(true);
        // Asked first whether it lives: who has connected and died then is still in the backlog.
        match listener.accept_within(Duration::from_millis(1)) {
            Ok(connection) => return Ok(Some(connection)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut && ended => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
            Err(error) => return Err(error),
        }
    }
}

fn connected(kind: &str, address: &Address, doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    meet(kind, address, doom)?.map_or(Ok(()), |connection| talk(connection, 20_000))
}

fn unix_socket(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    connected("unix-socket", &Address::Path(env::temp_dir().join("s")), doom)
}

fn tcp(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    connected("tcp", &Address::Tcp((Ipv4Addr::LOCALHOST, 0).into()), doom)
}

fn echo_connected() {
    echo(Connection::connect(&word().parse().unwrap()).unwrap());
}

fn framing(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    doom(peer("framing", &[], OwnedFd::from(theirs).into(), Stdio::null()));
    talk(Connection::new(ours)?, MIB)
}

fn echo_framed() {
    echo(Connection::new(given()).unwrap());
}

fn echo(mut connection: Connection) {
    while let Some(message) = connection.receive().unwrap() {
        let message = message.to_vec();
        connection.send(&message).unwrap();
    }
}

/// Both ways are in the middle of a message that no buffer holds.
fn in_the_middle(times: u64) {
    for time in 0..times {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut child = peer("framing", &[], OwnedFd::from(theirs).into(), Stdio::null());
        let (mut sender, mut receiver) = Connection::new(ours).unwrap().split();
        thread::scope(|scope| {
            let sending = scope.spawn(move || {
                let message = vec![0; MIB];
                loop {
                    if let Err(error) = sender.send_within(&message, LONG) {
                        return error;
                    }
                }
            });
            for _ in 0..time % 4 {
                assert_eq!(receiver.receive_within(LONG).unwrap().map(<[u8]>::len), Some(MIB));
            }
            child.kill().unwrap();
            child.wait().unwrap();
            let end = loop {
                match receiver.receive_within(LONG) {
                    Ok(Some(_)) => {}
                    Ok(None) => break None,
                    Err(error) => break Some(in_words(error).kind()),
                }
            };
            assert!(end.is_none_or(|end| SEEN.contains(&end)), "received: {end:?}");
            let sent = in_words(sending.join().unwrap()).kind();
            assert!(SEEN.contains(&sent), "sent: {sent}");
        });
    }
}

// ---- descriptors, channels, objects

fn hand_over(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    doom(peer("descriptors", &[], OwnedFd::from(theirs).into(), Stdio::null()));
    let in_words = |error| match error {
        DescriptorsError::Socket(error) => error,
        other => io::Error::other(other),
    };
    let file = File::open("/dev/null")?;
    loop {
        descriptors::send(&ours, &[file.as_fd(); 10]).map_err(in_words)?;
        // All of them or none.
        assert_eq!(descriptors::receive(&ours, 10).map_err(in_words)?.len(), 10);
    }
}

fn hand_back() {
    let socket = given();
    loop {
        let files = descriptors::receive(&socket, 10).unwrap();
        let lent: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        descriptors::send(&socket, &lent).unwrap();
    }
}

/// The first message through a one-shot server.
#[derive(Serialize, Deserialize)]
struct Hello(IpcSender<Vec<u8>>, IpcReceiver<Vec<u8>>);

fn typed(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let (server, name) = IpcOneShotServer::<Hello>::new()?;
    let child = peer("typed", &[&name], Stdio::null(), Stdio::null());
    let id = child.id();
    doom(child);
    thread::scope(|scope| {
        // `accept` waits for ever for one that has died: who watches it connects in its place, and goes.
        scope.spawn(move || {
            let _ = ended_within(id, LONG);
            let instead =
                socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            connect(&instead, &SocketAddrUnix::new(name)?)
        });
        // An error: dead before, or in the middle of, its first message.
        let Ok((_, Hello(questions, answers))) = server.accept() else { return };
        let message = vec![7; 20_000];
        while questions.send(message.clone()).is_ok() {
            match answers.recv() {
                Ok(back) => assert!(back == message),
                Err(_) => break,
            }
        }
    });
    Ok(())
}

fn echo_typed() {
    let server = IpcSender::connect(word()).unwrap();
    let (questions, asked) = channel().unwrap();
    let (answered, answers) = channel().unwrap();
    server.send(Hello(questions, answers)).unwrap();
    while let Ok(question) = asked.recv() {
        answered.send(question).unwrap();
    }
}

fn key() -> Key {
    Key::new("the key of these tests")
}

fn like_python(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let in_words = |error| match error {
        ConnectionError::Io(error) => error,
        ConnectionError::Cut { .. } | ConnectionError::Gone => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::other(other),
    };
    let name = Address::Abstract(format!("rust-ipc-kills-{}", std::process::id()));
    let Some(stranger) = meet("python", &name, doom)? else { return Ok(()) };
    let stranger = stranger.as_fd().try_clone_to_owned()?;
    let mut connection = python::admit(stranger, Some(&key()), LONG).map_err(in_words)?;
    connection.set_limit(Some(LONG));
    let value: Value = (0..2_000_i64).collect();
    loop {
        connection.send(&value).map_err(in_words)?;
        match connection.recv().map_err(in_words)? {
            None => return Ok(()),
            Some(back) => assert!(back == value),
        }
    }
}

fn echo_like_python() {
    let mut connection = python::connect(&word().parse().unwrap(), Some(&key()), LONG).unwrap();
    while let Some(value) = connection.recv().unwrap() {
        connection.send(&value).unwrap();
    }
}
