//! Both directions over one pair of sockets: who keeps the boundaries of messages, and who says when the other has gone?
//!
//! socketpair(2) makes two connected sockets, of one of three types (unix(7)). **Stream**: bytes, as in a pipe: two messages
//! may come out as one. **Datagram**: messages, as they were; but the end is never told. **Seqpacket**: messages, in order,
//! and the end. All three are reliable here. A message that is longer than the reader's room is cut, and its rest is gone:
//! so ask for its true length (MSG_TRUNC). A message is at most as long as the socket's buffer; a stream has no such limit.
//!
//! In Python: `multiprocessing.Pipe()` is a stream pair with its own framing; `socket.socketpair`.

use std::{io, os::fd::OwnedFd};

use lesson::{Lesson, Story};
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
        sockopt::socket_send_buffer_size,
    },
};

use super::LIMIT;
use crate::peer::{self, Peer};

pub(super) const LESSON: Lesson = Lesson {
    name: "socketpair",
    question: "Which pair of sockets keeps messages apart, and which one says that the other has gone?",
    python: &["multiprocessing.Pipe()", "socket.socketpair"],
    run,
    scenes: &[("echo", echo)],
};

const TYPES: [(&str, SocketType); 3] =
    [("stream", SocketType::STREAM), ("datagram", SocketType::DGRAM), ("seqpacket", SocketType::SEQPACKET)];

fn run(story: &mut Story) -> lesson::Result {
    let (mut child, mut connection) = Peer::connected("socketpair", "echo", &[])?;
    connection.send(b"there")?;
    let back = connection.receive_within(LIMIT)?.map(String::from_utf8_lossy).map(String::from);
    story.say("A child inherits one socket and answers on the same: both directions.");
    story.equal("what it says comes back", Some("there and back"), back.as_deref());
    drop(connection);
    story.equal("it ends when our socket is closed", true, child.end(LIMIT)?.success());

    let mut table =
        String::from("  type       one read of two messages   with room for 2   then   the other has gone\n");
    let mut seen = Vec::new();
    for (name, kind) in TYPES {
        let [both, cut, then, gone] = observe(kind)?;
        table.push_str(&format!("  {name:<10} {both:<26} {cut:<17} {then:<6} {gone}\n"));
        seen.push([both, cut, then, gone]);
    }
    story.show(table);
    story.equal(
        "a stream joins messages, keeps what does not fit, tells the end",
        ["onetwo", "on", "etwo", "end"].map(String::from),
        seen[0].clone(),
    );
    story.equal(
        "a datagram keeps apart, drops what does not fit, tells no end",
        ["one", "on", "two", "EAGAIN"].map(String::from),
        seen[1].clone(),
    );
    story.equal(
        "a seqpacket keeps apart, drops what does not fit, tells the end",
        ["one", "on", "two", "end"].map(String::from),
        seen[2].clone(),
    );
    sizes(story)
}

// ANCHOR: observe
/// One read of two messages; the first with too little room; the next one; and what is read when the other has gone.
fn observe(kind: SocketType) -> io::Result<[String; 4]> {
    let (ours, theirs) = pair(kind)?;
    let two = || send(&theirs, b"one", SendFlags::NOSIGNAL).and(send(&theirs, b"two", SendFlags::NOSIGNAL));
    two()?;
    let both = read(&ours, 64);
    // What the one read has left.
    while read(&ours, 64) != "EAGAIN" {}
    two()?;
    let (cut, then) = (read(&ours, 2), read(&ours, 64));
    drop(theirs);
    Ok([both, cut, then, read(&ours, 64)])
}
// ANCHOR_END: observe

fn sizes(story: &mut Story) -> lesson::Result {
    let (ours, theirs) = pair(SocketType::SEQPACKET)?;
    send(&theirs, b"seven..", SendFlags::NOSIGNAL)?;
    let (_, true_length) = recv(&ours, &mut [0; 2], RecvFlags::TRUNC)?;
    story.equal("MSG_TRUNC tells how long a cut message was", 7, true_length);
    let long = vec![0; socket_send_buffer_size(&theirs)? + 1];
    let refused = send(&theirs, &long, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).map(drop);
    story.equal(
        "a message longer than the buffer can never be sent (EMSGSIZE)",
        Err(Errno::MSGSIZE),
        refused,
    );
    send(&theirs, b"", SendFlags::NOSIGNAL)?;
    let empty = read(&ours, 64);
    drop(theirs);
    story.equal(
        "an empty message looks like the end: do not send any",
        ("end", "end"),
        (&*empty, &*read(&ours, 64)),
    );
    Ok(())
}

fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None)?)
}

/// One read, without waiting.
fn read(from: &OwnedFd, room: usize) -> String {
    let mut bytes = vec![0; room];
    match recv(from, &mut bytes[..], RecvFlags::DONTWAIT) {
        Ok((0, _)) => "end".into(),
        Ok((count, _)) => String::from_utf8_lossy(&bytes[..count]).into_owned(),
        Err(Errno::AGAIN) => "EAGAIN".into(),
        Err(error) => error.to_string(),
    }
}

/// Says the same and more, until the other side closes.
fn echo() {
    let mut connection = peer::connection().expect("given by the lesson");
    while let Some(message) = connection.receive().expect("a message") {
        let answer = [message, b" and back"].concat();
        connection.send(&answer).expect("somebody listens");
    }
}
