//! How do processes find each other that are no relatives?
//!
//! By an address on which one listens. A **path** in the file system: whoever may write to that file may connect, and the
//! file outlives its process. An **abstract** name (Linux): no file and nothing left, but no permission either. **TCP** on the
//! loopback address: anybody on this machine, and the only one that also goes to another machine. On Unix sockets the kernel
//! says who is at the other end (SO_PEERCRED): process, user, group.
//!
//! TCP waits with a small packet while an earlier one is not acknowledged (Nagle), and the other side waits with the
//! acknowledgement in the hope of an answer to send it with: 40 ms for nothing. Write a message at once, and set TCP_NODELAY.
//!
//! In Python: `multiprocessing.connection.Listener` and `Client`, families AF_UNIX and AF_INET.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    thread,
    time::Duration,
};

use lesson::{Bound, Lesson, Story, measure};
use rustix::{
    net::sockopt::{set_tcp_quickack, socket_peercred},
    process::getuid,
};

use super::{LIMIT, temporary};
use crate::{
    Address, Connection, Listener,
    peer::{self, Peer},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "socket",
    question: "How do processes find each other that are no relatives?",
    python: &["multiprocessing.connection.Listener", "multiprocessing.connection.Client"],
    run,
    scenes: &[("client", client), ("server", server)],
};

fn run(story: &mut Story) -> lesson::Result {
    addresses(story)?;
    killed(story)?;
    nagle(story)
}

fn addresses(story: &mut Story) -> lesson::Result {
    let path = temporary("socket");
    let name = format!("rust-ipc-{}", std::process::id());
    for address in
        [Address::Path(path.clone()), Address::Abstract(name), Address::Tcp("127.0.0.1:0".parse()?)]
    {
        let listener = Listener::bind(&address)?;
        let at = listener.address().clone();
        let mut child = Peer::start("socket", "client", File::open("/dev/null")?, &[&at.to_string()])?;
        let mut connection = listener.accept_within(LIMIT)?;
        let message = connection.receive_within(LIMIT)?.map(String::from_utf8_lossy).map(String::from);
        let kind = match at {
            Address::Path(_) => "path",
            Address::Abstract(_) => "abstract name",
            Address::Tcp(_) => "TCP",
        };
        story.equal(format!("{kind}: a client found us"), Some("here I am"), message.as_deref());
        if !matches!(at, Address::Tcp(_)) {
            let who = socket_peercred(&connection)?;
            let seen = (who.pid.as_raw_pid().cast_unsigned(), who.uid);
            story.equal(
                format!("{kind}: the kernel says which process and user it is"),
                (child.id(), getuid()),
                seen,
            );
        }
        if kind == "path" {
            let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
            story.equal("path: only its owner may connect", "600", &*format!("{mode:o}"));
        }
        connection.send(b"bye")?;
        child.end(LIMIT)?;
        drop(listener);
        if kind != "TCP" {
            let nobody = Connection::connect(&at).is_err();
            story.equal(
                format!("{kind}: nobody listens, nothing is left"),
                (true, false),
                (nobody, path.exists()),
            );
        }
    }
    Ok(())
}

fn killed(story: &mut Story) -> lesson::Result {
    let path = temporary("killed");
    let address = Address::Path(path.clone());
    let mut child = Peer::start("socket", "server", File::open("/dev/null")?, &[&address.to_string()])?;
    child.line(LIMIT)?;
    child.kill()?;
    story.say("A server is killed by SIGKILL. Its socket file stays, and is in the way of the next one.");
    let connect = Connection::connect(&address).map(drop).map_err(|error| error.kind());
    let bind = Listener::bind(&address).map(drop).map_err(|error| error.kind());
    story.equal(
        "nobody answers, and nobody can listen there",
        (Err(io::ErrorKind::ConnectionRefused), Err(io::ErrorKind::AddrInUse)),
        (connect, bind),
    );
    let listener = Listener::bind_over_stale(&address)?;
    let found = Connection::connect(&address).is_ok();
    drop(listener);
    story.equal(
        "a file that refuses connections is dead: it is replaced, under a lock",
        (true, false),
        (found, path.exists()),
    );
    Ok(())
}

fn nagle(story: &mut Story) -> lesson::Result {
    if !story.is_timed() {
        story.skip(
            "a message in two writes waits for an acknowledgement",
            "at least 10x",
            "time is not judged under --untimed",
        );
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut two_writes = TcpStream::connect(listener.local_addr()?)?;
    let server = thread::spawn(move || answers(listener));
    let mut at_once = two_writes.try_clone()?;
    // The length in one write, the rest in a second one: with Nagle, and without. `in_turn` runs one after the other.
    let mut slow = || exchange(&mut two_writes, false);
    let mut fast = || exchange(&mut at_once, true);
    story.timed(
        "TCP: a message in two writes waits for an acknowledgement, unless TCP_NODELAY is set",
        Bound::AtLeast(10.0),
        1,
        || {
            let [slow, fast] = measure::in_turn(5, [&mut slow, &mut fast]);
            measure::ratio(&slow, &fast)
        },
    );
    drop((two_writes, at_once));
    server.join().map_err(|_| "the server's thread panicked")??;
    Ok(())
}

// ANCHOR: exchange
/// Three questions in two writes each. An error shows as an absurd ratio, and at the server's end.
fn exchange(stream: &mut TcpStream, nodelay: bool) {
    for _ in 0..3 {
        let asked = stream
            .set_nodelay(nodelay)
            .and_then(|()| stream.write_all(b"head"))
            .and_then(|()| stream.write_all(b"body"))
            .and_then(|()| stream.read_exact(&mut [0; 8]));
        debug_assert!(asked.is_ok(), "{asked:?}");
    }
}
// ANCHOR_END: exchange

fn answers(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut question = [0; 8];
    loop {
        // A new connection acknowledges at once for a while; we want to see what it does later.
        set_tcp_quickack(&stream, false)?;
        match stream.read_exact(&mut question) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        stream.write_all(&question)?;
    }
}

/// Connects to the address that it was told, and waits for an answer.
fn client() {
    let address: Address = peer::word(0).expect("an address").parse().expect("an address");
    let mut connection = Connection::connect(&address).expect("somebody listens");
    connection.send(b"here I am").expect("sent");
    connection.receive_within(LIMIT).expect("an answer");
}

/// Listens and is killed.
fn server() {
    let address: Address = peer::word(0).expect("an address").parse().expect("an address");
    let listener = Listener::bind(&address).expect("bound");
    peer::say("listening");
    let _ = listener.accept();
}
