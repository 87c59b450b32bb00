//! Bytes and messages: through pipes and sockets, framed and not.

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    net::Ipv4Addr,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use ipc::{Address, Connection, Listener, frame::FrameError};
use processes::ended::ended_within;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

use super::{LONG, MIB, SEEN, given, peer, word};

pub(crate) fn pipe(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
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

pub(crate) fn echo_stream() {
    let (mut into, mut out) =
        (File::from(given()), File::from(io::stdout().as_fd().try_clone_to_owned().unwrap()));
    io::copy(&mut into, &mut out).unwrap();
}

pub(crate) fn seqpacket(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
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

pub(crate) fn echo_seqpacket() {
    let (socket, mut message) = (given(), [0; 20_001]);
    loop {
        let (count, _) = recv(&socket, &mut message[..], RecvFlags::empty()).unwrap();
        send(&socket, &message[..count], SendFlags::NOSIGNAL).unwrap();
    }
}

fn in_words(error: FrameError) -> io::Error {
    match error {
        FrameError::Io(error) => error,
        FrameError::Cut { .. } => io::ErrorKind::UnexpectedEof.into(),
        other => io::Error::other(other),
    }
}

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
pub(crate) fn meet(
    kind: &str,
    address: &Address,
    doom: &mut dyn FnMut(Child),
) -> io::Result<Option<Connection>> {
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

pub(crate) fn unix_socket(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    connected("unix-socket", &Address::Path(env::temp_dir().join("s")), doom)
}

pub(crate) fn tcp(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    connected("tcp", &Address::Tcp((Ipv4Addr::LOCALHOST, 0).into()), doom)
}

pub(crate) fn echo_connected() {
    echo(Connection::connect(&word().parse().unwrap()).unwrap());
}

pub(crate) fn framing(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
    let (ours, theirs) = UnixStream::pair()?;
    doom(peer("framing", &[], OwnedFd::from(theirs).into(), Stdio::null()));
    talk(Connection::new(ours)?, MIB)
}

pub(crate) fn echo_framed() {
    echo(Connection::new(given()).unwrap());
}

fn echo(mut connection: Connection) {
    while let Some(message) = connection.receive().unwrap() {
        let message = message.to_vec();
        connection.send(&message).unwrap();
    }
}

/// Both ways are in the middle of a message that no buffer holds.
pub(crate) fn in_the_middle(times: u64) {
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
