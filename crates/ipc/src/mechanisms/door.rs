//! The caller's door: anybody on this machine may knock; whoever shows the key in time comes in.
//!
//! One thread waits for all of them at once, so that somebody who connects and says nothing keeps nobody waiting.

use std::{
    io, mem,
    os::{fd::AsFd, unix::net::UnixStream},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
    time::Timespec,
};

use super::{
    line::{Carrier, LONGEST},
    words::{self, Hello, Secret},
};
use crate::{Address, Connection, Listener};

/// How long somebody may stand in the door without having shown the key.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest first message, in bytes: key, number and process as postcard.
const FIRST: usize = 64;
/// How many strangers may stand there beside our workers; one more, and the first of them must go.
const STRANGERS: usize = 64;

#[derive(Debug)]
pub(super) struct Door {
    listener: Listener,
    secret: Secret,
    most: usize,
}

impl Door {
    /// For `workers`, which connect once each as long as none is killed.
    pub(super) fn open(carrier: Carrier, workers: usize) -> io::Result<Self> {
        let secret = random()?;
        let address = match carrier {
            Carrier::Tcp => Address::Tcp(([127, 0, 0, 1], 0).into()),
            // Its name tells nothing of the key.
            Carrier::UnixSocket | Carrier::IpcChannel => {
                let name: [u8; 16] = random()?;
                Address::Abstract(format!("rust-ipc-{:032x}", u128::from_le_bytes(name)))
            }
        };
        Ok(Self { listener: Listener::bind(&address)?, secret, most: workers + STRANGERS })
    }

    pub(super) fn address(&self) -> &Address {
        self.listener.address()
    }

    pub(super) fn secret(&self) -> Secret {
        self.secret
    }

    // ANCHOR: admit
    /// Hands everybody who shows the key to `admit`, until the other end of `over` is closed.
    pub(super) fn admit_all(
        self,
        over: &UnixStream,
        mut admit: impl FnMut(Hello, Connection),
    ) -> io::Result<()> {
        let mut waiting: Vec<(Instant, Connection)> = Vec::new();
        while !self.wait(over, &waiting)? {
            for (since, mut connection) in mem::take(&mut waiting) {
                // No waiting here: what has come is there, and the rest is kept for the next time.
                match connection.receive_within(Duration::ZERO) {
                    Ok(Some(first)) => {
                        if let Ok(hello) = words::decode::<Hello>(first)
                            && equal(&hello.secret, &self.secret)
                        {
                            admit(hello, longer(&connection)?);
                        }
                    }
                    Err(error) if error.is_timeout() && since.elapsed() < PATIENCE => {
                        waiting.push((since, connection));
                    }
                    // Gone, too slow, or too long: it is closed without a word.
                    Ok(None) | Err(_) => {}
                }
            }
            match self.listener.accept_within(Duration::ZERO) {
                Ok(connection) => waiting.push((Instant::now(), connection.with_maximum(FIRST))),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {}
                Err(error) => return Err(error),
            }
            if waiting.len() > self.most {
                waiting.remove(0);
            }
        }
        Ok(())
    }
    // ANCHOR_END: admit

    /// Waits until somebody knocks, says something, or has stood there for too long. Whether it is over.
    fn wait(&self, over: &UnixStream, waiting: &[(Instant, Connection)]) -> io::Result<bool> {
        let mut polled = vec![PollFd::new(over, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        polled.extend(waiting.iter().map(|(_, connection)| PollFd::new(connection, PollFlags::IN)));
        let left = waiting.first().map(|(since, _)| PATIENCE.saturating_sub(since.elapsed()));
        let left = left.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        match poll(&mut polled, left.as_ref()) {
            Ok(_) => Ok(!polled[0].revents().is_empty()),
            Err(Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The same connection, without the limit for strangers. Nothing can be lost: who has said hello waits for an order.
fn longer(connection: &Connection) -> io::Result<Connection> {
    Ok(Connection::new(connection.as_fd().try_clone_to_owned()?)?.with_maximum(LONGEST))
}

/// Takes equally long wherever the two differ: the time must not tell how much of a guess was right.
fn equal(one: &Secret, other: &Secret) -> bool {
    let differ = one.iter().zip(other).fold(0, |differ, (one, other)| differ | (one ^ other));
    std::hint::black_box(differ) == 0
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(bytes)
}
