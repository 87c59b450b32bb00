//! The ways that are measured here: how the two ends of each come about, and what they do.

use std::{
    env,
    fs::File,
    io,
    net::{TcpListener, TcpStream},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{self, Child, Command, Stdio},
};

use ipc::{
    Connection,
    frame::{FrameReader, MAXIMUM},
};
use ipc_channel::ipc::{IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory, bytes_channel, channel};
use processes::parent_death::die_with_parent;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use serde::{Serialize, de::DeserializeOwned};
use shared_memory::{
    Memfd,
    ring::{self, Consumer, Producer, Wait},
};

use crate::{
    Cell, Contender, Mode,
    ends::{Bytes, End, Framed, FramedPipe, Fresh, Region, Rings, Seqpacket, Stream, Typed, WithRoom},
    pin, timed,
};

pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Opens it, with the other end in a process on the core that is named; `None` where it cannot do this.
    pub(crate) open: fn(Cell, usize) -> Option<Box<dyn Contender>>,
}

pub(crate) const WAYS: [Way; 12] = [
    Way { name: "pipe", open: |cell, core| some(pipes(cell, core)) },
    Way { name: "Unix socket", open: |cell, core| some(stream("unix", UnixStream::pair(), cell, core)) },
    Way { name: "TCP", open: |cell, core| some(stream("tcp", tcp_pair(), cell, core)) },
    // Longer ones do not fit into a socket's buffer as it is by default.
    Way { name: "seqpacket", open: |cell, core| (cell.size <= 64 << 10).then(|| seqpacket(cell, core)) },
    Way {
        name: "seqpacket, sendmsg",
        open: |cell, core| (cell.size <= 64 << 10).then(|| with_room(cell, core)),
    },
    Way { name: "framed pipe", open: |cell, core| some(framed_pipes(cell, core)) },
    Way { name: "framed", open: |cell, core| some(framed(cell, core)) },
    Way { name: "ipc-channel bytes", open: |cell, core| some(bytes(cell, core)) },
    Way { name: "ipc-channel Vec<u8>", open: |cell, core| some(typed(cell, core)) },
    Way {
        name: "fresh shared memory",
        open: |cell, core| (cell.mode == Mode::RoundTrip).then(|| fresh(cell, core)),
    },
    Way {
        name: "shared region",
        open: |cell, core| (cell.mode == Mode::RoundTrip).then(|| region(cell, core)),
    },
    Way { name: "futex ring", open: |cell, core| some(rings(cell, core)) },
];

fn some<T>(value: T) -> Option<T> {
    Some(value)
}

/// This end, and the process at the other one.
struct Pair<E> {
    cell: Cell,
    end: E,
    message: Vec<u8>,
    peer: Child,
}

impl<E: End + 'static> Pair<E> {
    fn boxed(cell: Cell, end: E, peer: Child) -> Box<dyn Contender> {
        Box::new(Self { cell, end, message: vec![7; cell.size], peer })
    }
}

impl<E: End> Contender for Pair<E> {
    fn run(&mut self, times: u32) -> f64 {
        let Self { cell, end, message, .. } = self;
        timed(times, || {
            for _ in 0..cell.burst() {
                end.send(message);
            }
            end.receive(if cell.mode == Mode::RoundTrip { cell.size } else { 1 });
        })
    }
}

impl<E> Drop for Pair<E> {
    fn drop(&mut self) {
        // It may wait in its sleep for us.
        let _ = self.peer.kill();
        let _ = self.peer.wait();
    }
}

/// This program as the other end. `words` say which; its standard input and output are its descriptors.
fn peer(cell: Cell, core: usize, words: &[&str], input: Stdio, output: Stdio) -> Child {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(["peer", &core.to_string(), &cell.size.to_string(), &cell.burst().to_string()]);
    command.arg(format!("{:?}", cell.mode)).args(words).stdin(input).stdout(output);
    die_with_parent(&mut command).spawn().expect("started")
}

/// Be the other end.
pub(crate) fn play(arguments: &[String]) {
    let number = |at: usize| arguments[at].parse::<usize>().expect("a number");
    pin(&[number(0)]);
    let (size, burst, one_way) = (number(1), number(2), arguments[3] == "OneWay");
    let own = |descriptor: &dyn AsFd| descriptor.as_fd().try_clone_to_owned().expect("a descriptor");
    let (input, output) = (|| own(&io::stdin()), || own(&io::stdout()));
    let word = |at: usize| arguments.get(4 + at).expect("given").as_str();
    let room = vec![0; size.max(8)];
    match word(0) {
        "pipe" => answer(&mut Stream { into: input(), out: output(), room }, size, burst, one_way),
        "unix" | "tcp" => answer(&mut Stream { into: input(), out: input(), room }, size, burst, one_way),
        "seqpacket" => answer(&mut Seqpacket { socket: input(), room }, size, burst, one_way),
        "with room" => {
            answer(&mut WithRoom(Seqpacket { socket: input(), room }), size, burst, one_way);
        }
        "framed pipe" => {
            let into = FrameReader::new(File::from(input()), MAXIMUM);
            answer(&mut FramedPipe { into, out: output().into() }, size, burst, one_way);
        }
        "framed" => {
            answer(&mut Framed(Connection::new(input()).expect("a socket")), size, burst, one_way);
        }
        "bytes" => {
            let ((here, into), (out, there)) = (bytes_channel().expect("new"), bytes_channel().expect("new"));
            tell(word(1), (here, there));
            answer(&mut Bytes(out, into), size, burst, one_way);
        }
        "typed" => {
            let ((here, into), (out, there)) = (channel().expect("new"), channel().expect("new"));
            tell(word(1), (here, there));
            answer(&mut Typed(out, into), size, burst, one_way);
        }
        "fresh" => {
            let ((here, into), (out, there)) = (channel().expect("new"), channel().expect("new"));
            tell(word(1), (here, there));
            answer(&mut Fresh { out, into, room }, size, burst, one_way);
        }
        "region" => {
            let [there, back] = [(); 2].map(|()| IpcSharedMemory::from_byte(1, size));
            let socket = Stream { into: input(), out: input(), room: vec![0; 8] };
            // Two handles of each, one on either side: see `Region`.
            tell(word(1), (there.clone(), back.clone()));
            answer(&mut Region { socket, into: there, out: back, room }, size, burst, one_way);
        }
        _ => {
            let mut rings = ends(&open(word(2)), &open(word(1)), size);
            rings.out.expect(std::os::unix::process::parent_id());
            rings.into.expect(std::os::unix::process::parent_id());
            answer(&mut rings, size, burst, one_way);
        }
    }
}

fn answer(end: &mut dyn End, size: usize, burst: usize, one_way: bool) {
    let message = vec![9; if one_way { 1 } else { size }];
    loop {
        for _ in 0..burst {
            end.receive(size);
        }
        end.send(&message);
    }
}

/// Sends the first message through a one-shot server.
fn tell<T: Serialize + DeserializeOwned>(name: &str, first: T) {
    IpcSender::connect(name.to_owned()).expect("somebody listens").send(first).expect("sent");
}

fn open(path: &str) -> Memfd {
    let file = File::options().read(true).write(true).open(Path::new(path)).expect("our parent's memory");
    Memfd::from_fd(file.into()).expect("a memfd")
}

fn stream<S: Into<OwnedFd> + AsFd>(
    name: &str,
    pair: io::Result<(S, S)>,
    cell: Cell,
    core: usize,
) -> Box<dyn Contender> {
    let (ours, theirs) = pair.expect("a pair");
    let theirs: OwnedFd = theirs.into();
    let peer = peer(cell, core, &[name], theirs.into(), Stdio::null());
    let out = ours.as_fd().try_clone_to_owned().expect("a descriptor");
    Pair::boxed(cell, Stream { into: ours.into(), out, room: vec![0; cell.size] }, peer)
}

fn pipes(cell: Cell, core: usize) -> Box<dyn Contender> {
    let ((read, out), (into, write)) = (io::pipe().expect("a pipe"), io::pipe().expect("a pipe"));
    let peer = peer(cell, core, &["pipe"], read.into(), write.into());
    Pair::boxed(cell, Stream { into: into.into(), out: out.into(), room: vec![0; cell.size] }, peer)
}

fn framed_pipes(cell: Cell, core: usize) -> Box<dyn Contender> {
    let ((read, out), (into, write)) = (io::pipe().expect("a pipe"), io::pipe().expect("a pipe"));
    let peer = peer(cell, core, &["framed pipe"], read.into(), write.into());
    let [into, out] = [OwnedFd::from(into), OwnedFd::from(out)].map(File::from);
    Pair::boxed(cell, FramedPipe { into: FrameReader::new(into, MAXIMUM), out }, peer)
}

/// Two connected by loopback, both told not to wait for more before they send.
fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let (ours, theirs) = (TcpStream::connect(listener.local_addr()?)?, listener.accept()?.0);
    ours.set_nodelay(true)?;
    theirs.set_nodelay(true)?;
    Ok((ours, theirs))
}

fn seqpacket(cell: Cell, core: usize) -> Box<dyn Contender> {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = pair.expect("a pair");
    let peer = peer(cell, core, &["seqpacket"], theirs.into(), Stdio::null());
    Pair::boxed(cell, Seqpacket { socket: ours, room: vec![0; cell.size] }, peer)
}

fn with_room(cell: Cell, core: usize) -> Box<dyn Contender> {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let (ours, theirs) = pair.expect("a pair");
    let peer = peer(cell, core, &["with room"], theirs.into(), Stdio::null());
    Pair::boxed(cell, WithRoom(Seqpacket { socket: ours, room: vec![0; cell.size] }), peer)
}

fn framed(cell: Cell, core: usize) -> Box<dyn Contender> {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let peer = peer(cell, core, &["framed"], OwnedFd::from(theirs).into(), Stdio::null());
    Pair::boxed(cell, Framed(Connection::new(ours).expect("a socket")), peer)
}

/// The other end, and the two channels that it has sent.
fn met<T: Serialize + DeserializeOwned>(name: &str, cell: Cell, core: usize) -> (Child, T) {
    let (server, at) = IpcOneShotServer::<T>::new().expect("a server");
    let peer = peer(cell, core, &[name, &at], Stdio::null(), Stdio::null());
    (peer, server.accept().expect("it has connected").1)
}

fn bytes(cell: Cell, core: usize) -> Box<dyn Contender> {
    let (peer, (out, into)) = met("bytes", cell, core);
    Pair::boxed(cell, Bytes(out, into), peer)
}

fn typed(cell: Cell, core: usize) -> Box<dyn Contender> {
    let (peer, (out, into)) = met("typed", cell, core);
    Pair::boxed(cell, Typed(out, into), peer)
}

fn fresh(cell: Cell, core: usize) -> Box<dyn Contender> {
    let (peer, (out, into)): (_, (IpcSender<IpcSharedMemory>, IpcReceiver<_>)) = met("fresh", cell, core);
    Pair::boxed(cell, Fresh { out, into, room: vec![0; cell.size] }, peer)
}

fn path(memory: &Memfd) -> String {
    format!("/proc/{}/fd/{}", process::id(), memory.as_fd().as_raw_fd())
}

fn region(cell: Cell, core: usize) -> Box<dyn Contender> {
    let (server, at) = IpcOneShotServer::new().expect("a server");
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let peer = peer(cell, core, &["region", &at], OwnedFd::from(theirs).into(), Stdio::null());
    let (out, into) = server.accept().expect("it has connected").1;
    let write = ours.as_fd().try_clone_to_owned().expect("a descriptor");
    let socket = Stream { into: ours.into(), out: write, room: vec![0; 8] };
    Pair::boxed(cell, Region { socket, out, into, room: vec![0; cell.size] }, peer)
}

fn rings(cell: Cell, core: usize) -> Box<dyn Contender> {
    // A message takes at most half of a ring. One way there is room for some more, so that one is written while another is
    // read; there and back is only one at a time, and more memory than it takes would only be cold.
    let messages = if cell.mode == Mode::RoundTrip { 2 } else { 4 };
    let capacity = (messages * cell.size + 256).max(1 << 16);
    let [out, into] = [(); 2].map(|()| Memfd::create("ring", ring::size(capacity)).expect("memory"));
    ring::create(&out).expect("new");
    ring::create(&into).expect("new");
    let peer = peer(cell, core, &["rings", &path(&out), &path(&into)], Stdio::null(), Stdio::null());
    let mut end = ends(&out, &into, cell.size);
    end.out.expect(peer.id());
    end.into.expect(peer.id());
    Kept::boxed(Pair::boxed(cell, end, peer), [out, into])
}

fn ends(out: &Memfd, into: &Memfd, size: usize) -> Rings {
    let (mut out, mut into) =
        (Producer::attach(out).expect("a ring"), Consumer::attach(into).expect("a ring"));
    out.set_wait(Wait::Sleep);
    into.set_wait(Wait::Sleep);
    Rings { out, into, room: vec![0; size] }
}

/// With the descriptors that the other end opens by name, whenever it comes to it.
struct Kept {
    pair: Box<dyn Contender>,
    _memory: [Memfd; 2],
}

impl Kept {
    fn boxed(pair: Box<dyn Contender>, memory: [Memfd; 2]) -> Box<dyn Contender> {
        Box::new(Self { pair, _memory: memory })
    }
}

impl Contender for Kept {
    fn run(&mut self, times: u32) -> f64 {
        self.pair.run(times)
    }
}
