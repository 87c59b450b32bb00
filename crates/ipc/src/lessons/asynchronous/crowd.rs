//! Many clients of one server, in this process, on one thread: they wait for one answer after the other.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
};

use processes::proc;

use crate::{lessons::LIMIT, peer::Peer};

/// Bytes of a frame, length included.
pub(super) const MESSAGE: usize = 64;

/// Connections that are begun before the first of them is answered: less than fit into a listener's backlog.
const BATCH: usize = 100;

/// A frame with this number in it.
pub(super) fn message(number: usize) -> [u8; MESSAGE] {
    let mut message = [0; MESSAGE];
    message[..4].copy_from_slice(&(MESSAGE as u32 - 4).to_be_bytes());
    message[8..16].copy_from_slice(&(number as u64).to_be_bytes());
    message
}

/// The abstract name of a server of this process.
pub(super) fn name(scene: &str) -> String {
    format!("rust-ipc-{}-{scene}", std::process::id())
}

/// A server and its connections.
pub(super) struct Crowd {
    server: Peer,
    name: String,
    streams: Vec<UnixStream>,
    /// The server's memory before there were many.
    alone: u64,
    /// Why there are fewer than were wanted.
    pub(super) fewer: Option<String>,
}

impl Crowd {
    /// A server that has been started and says when it listens at the name of `scene`.
    pub(super) fn with(mut server: Peer, scene: &str) -> io::Result<Self> {
        server.line(LIMIT)?;
        Ok(Self { server, name: name(scene), streams: Vec::new(), alone: 0, fewer: None })
    }

    /// Starts the server of `scene` and connects `wanted` times, or as often as this machine allows.
    pub(super) fn gather(scene: &str, wanted: usize) -> io::Result<Self> {
        let server = Peer::start("async", scene, File::open("/dev/null")?, &[&name(scene)])?;
        let mut crowd = Self::with(server, scene)?;
        // What the first connection needs is not what each needs.
        crowd.grow(1);
        crowd.alone = proc::memory(crowd.server.id())?.uss;
        while crowd.len() < wanted && crowd.fewer.is_none() {
            crowd.grow(BATCH.min(wanted - crowd.len()));
        }
        Ok(crowd)
    }

    pub(super) fn connect(&self) -> io::Result<UnixStream> {
        let stream = UnixStream::connect_addr(&SocketAddr::from_abstract_name(&self.name)?)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(stream)
    }

    /// So many more, each of which has had an answer. A server that has no room for one closes it.
    fn grow(&mut self, count: usize) {
        let begin = || {
            let mut stream = self.connect()?;
            stream.write_all(&message(0))?;
            Ok(stream)
        };
        let begun: Vec<io::Result<UnixStream>> = (0..count).map(|_| begin()).collect();
        for stream in begun {
            match stream.and_then(|mut stream| stream.read_exact(&mut [0; MESSAGE]).map(|()| stream)) {
                Ok(stream) => self.streams.push(stream),
                Err(error) => self.fewer = Some(error.to_string()),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn threads(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/task", self.server.id()))?.count())
    }

    /// Bytes of memory that belong to the server alone, for each connection.
    pub(super) fn memory_each(&self) -> u64 {
        let now = proc::memory(self.server.id()).map_or(0, |memory| memory.uss);
        now.saturating_sub(self.alone) / self.len().max(1) as u64
    }

    /// Asks the first `count` at once; how many give the right answer.
    pub(super) fn answered(&mut self, count: usize) -> io::Result<usize> {
        for (number, stream) in self.streams.iter_mut().take(count).enumerate() {
            stream.write_all(&message(number))?;
        }
        let mut right = 0;
        for (number, stream) in self.streams.iter_mut().take(count).enumerate() {
            let mut answer = [0; MESSAGE];
            stream.read_exact(&mut answer)?;
            right += usize::from(answer == message(number));
        }
        Ok(right)
    }

    /// The same, to be timed. An error shows as an absurd ratio, and at the next question.
    pub(super) fn burst(&mut self, count: usize) {
        let right = self.answered(count);
        debug_assert!(right.is_ok_and(|right| right == count.min(self.len())));
    }

    /// Asks `count` of them, here and there, one after the other.
    pub(super) fn one_by_one(&mut self, count: usize) {
        let all = self.len();
        for number in 0..count {
            // A prime: no neighbours.
            let stream = &mut self.streams[number * 7919 % all];
            let asked =
                stream.write_all(&message(number)).and_then(|()| stream.read_exact(&mut [0; MESSAGE]));
            debug_assert!(asked.is_ok(), "{asked:?}");
        }
    }
}
