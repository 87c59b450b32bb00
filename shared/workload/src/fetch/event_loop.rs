//! One thread serves all connections: it sleeps until the system says which of them can go on, or an answer is due.
//!
//! A thread for each connection would be shorter to write, but server and clients share the cores here, and 200 more
//! threads would be measured along with those of the mechanism. It waits with `epoll(7)`, and keeps time with a
//! `timerfd_create(2)`: a sleep may last 50 us longer than asked, and a timeout of epoll counts whole milliseconds.

use std::{
    collections::{HashMap, VecDeque},
    io,
    net::TcpListener,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, EventData, EventFlags},
    },
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime},
};

use super::{
    connection::{Connection, Next},
    reply::Desk,
};
use crate::now;

/// Names of what is waited for; connections have the numbers from here on.
const STOP: u64 = 0;
const TIMER: u64 = 1;
const LISTENER: u64 = 2;
const FIRST_CONNECTION: u64 = 3;

/// After a connection could not be taken: 10 ms.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Everything the server's thread owns.
#[derive(Debug)]
pub(super) struct EventLoop {
    epoll: OwnedFd,
    timer: OwnedFd,
    /// Never read, but as long as it is open epoll looks at it.
    _stop: OwnedFd,
    listener: TcpListener,
    /// Whether the listener is looked at.
    accepting: bool,
    /// With what each is waited for.
    connections: HashMap<u64, (Connection, EventFlags)>,
    next_connection: u64,
    /// Nanoseconds between a request and its answer.
    latency: u64,
    /// When (see [`now`]) which connection is to be answered. As all wait equally long, the first to come is the
    /// first to go: a queue is enough, no heap.
    due: VecDeque<(u64, u64)>,
    desk: Desk,
}

impl EventLoop {
    /// Serves what comes to `listener` until `stop` is readable.
    pub(super) fn new(listener: TcpListener, stop: OwnedFd, latency: u64, desk: Desk) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        for (descriptor, name) in [(stop.as_fd(), STOP), (timer.as_fd(), TIMER), (listener.as_fd(), LISTENER)]
        {
            epoll::add(&epoll, descriptor, EventData::new_u64(name), EventFlags::IN)?;
        }
        Ok(Self {
            epoll,
            timer,
            _stop: stop,
            listener,
            accepting: true,
            connections: HashMap::new(),
            next_connection: FIRST_CONNECTION,
            latency,
            due: VecDeque::new(),
            desk,
        })
    }

    /// Until it is stopped.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(256);
        loop {
            events.clear();
            let timeout = if self.accepting { None } else { Some(&PAUSE) };
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            self.look_at_listener(true)?;
            for event in &events {
                let flags = event.flags;
                match event.data.u64() {
                    STOP => return Ok(()),
                    TIMER => self.answer_due()?,
                    LISTENER => self.accept()?,
                    name if flags.contains(EventFlags::OUT) => self.go_on(name, Connection::writable)?,
                    name => self.go_on(name, Connection::readable)?,
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // The client has hung up already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Out of descriptors: without one there is no way to refuse either, and the client still waits. Looking
                // on at once would say the same again, over and over.
                Err(_) => return self.look_at_listener(false),
            };
            socket.set_nonblocking(true)?;
            socket.set_nodelay(true)?;
            let name = self.next_connection;
            self.next_connection += 1;
            epoll::add(&self.epoll, &socket, EventData::new_u64(name), EventFlags::IN)?;
            self.connections.insert(name, (Connection::new(socket), EventFlags::IN));
        }
    }

    fn look_at_listener(&mut self, look: bool) -> io::Result<()> {
        if self.accepting != look {
            let wanted = if look { EventFlags::IN } else { EventFlags::empty() };
            epoll::modify(&self.epoll, &self.listener, EventData::new_u64(LISTENER), wanted)?;
            self.accepting = look;
        }
        Ok(())
    }

    /// Lets `step` happen to a connection, and does what it says is next.
    fn go_on(&mut self, name: u64, step: fn(&mut Connection, &mut Desk) -> Next) -> io::Result<()> {
        // It may be gone: closed while it was waiting for its answer.
        let Some((connection, waited_for)) = self.connections.get_mut(&name) else { return Ok(()) };
        let next = step(connection, &mut self.desk);
        let wanted = if next == Next::Write { EventFlags::OUT } else { EventFlags::IN };
        if next != Next::Close && wanted != *waited_for {
            epoll::modify(&self.epoll, &connection.socket, EventData::new_u64(name), wanted)?;
            *waited_for = wanted;
        }
        match next {
            Next::Read | Next::Write => Ok(()),
            Next::Answer => self.wait_for_answer(name),
            Next::Close => {
                // Closing it takes it out of epoll, too.
                self.connections.remove(&name);
                Ok(())
            }
        }
    }

    fn wait_for_answer(&mut self, name: u64) -> io::Result<()> {
        let first = self.due.is_empty();
        self.due.push_back((now().saturating_add(self.latency), name));
        if first { self.set_timer() } else { Ok(()) }
    }

    /// Sets the timer to when the first answer is due.
    fn set_timer(&self) -> io::Result<()> {
        let Some(&(at, _)) = self.due.front() else { return Ok(()) };
        let it_value = Timespec { tv_sec: (at / 1_000_000_000) as i64, tv_nsec: (at % 1_000_000_000) as i64 };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &Itimerspec { it_interval, it_value })?;
        Ok(())
    }

    fn answer_due(&mut self) -> io::Result<()> {
        // Reading it makes it silent until it is set again.
        let _ = rustix::io::read(&self.timer, &mut [0; 8]);
        while let Some(&(at, name)) = self.due.front()
            && at <= now()
        {
            self.due.pop_front();
            self.go_on(name, Connection::answer)?;
        }
        self.set_timer()
    }
}
