//! What is more than bytes: open files, channels through channels, objects as CPython writes them.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Stdio},
    thread,
};

use ipc::{
    Address,
    descriptors::{self, DescriptorsError},
    python::{self, ConnectionError, Key, Value},
};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, channel};
use processes::ended::ended_within;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use serde::{Deserialize, Serialize};

use super::{LONG, given, peer, streams::meet, word};

pub(crate) fn hand_over(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
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

pub(crate) fn hand_back() {
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

pub(crate) fn typed(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
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

pub(crate) fn echo_typed() {
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

pub(crate) fn like_python(doom: &mut dyn FnMut(Child)) -> io::Result<()> {
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

pub(crate) fn echo_like_python() {
    let mut connection = python::connect(&word().parse().unwrap(), Some(&key()), LONG).unwrap();
    while let Some(value) = connection.recv().unwrap() {
        connection.send(&value).unwrap();
    }
}
