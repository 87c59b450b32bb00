//! Waits for whichever is ready first, of connections, listeners, ends of processes and timers:
//! `multiprocessing.connection.wait`.
//!
//! Ready means that the next step does not wait: `receive` returns at once (a message, the end, an error), `accept` finds
//! a client, the process has ended, the time is over. Half a message is not ready. Python's `wait` asks the kernel alone,
//! which knows bytes and no messages: after it `recv` may wait for the other half.
//!
//! All that are ready come back, in the order given, so that one who always has something to say hides nobody else, as
//! long as the caller serves all of them before it asks again.
//!
//! Cost: one poll(2), which looks at each descriptor. For some hundreds; for thousands there is epoll(7).
//!
//! ```
//! use std::time::Duration;
//! use ipc::{Connection, wait::{Timer, wait}};
//!
//! let (mut ours, mut theirs) = Connection::pair()?;
//! let mut timer = Timer::after(Duration::from_secs(3600))?;
//! theirs.send(b"first")?;
//! let ready = wait(&mut [&mut timer, &mut ours], Some(Duration::from_secs(10)))?;
//! assert_eq!(ready, [1]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::Duration,
};

use processes::child::{Child, Handle};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};

use crate::{
    Connection, Listener, Receiver,
    ready::{deadline, left},
};

/// Something that one can wait for.
pub trait Source {
    /// Becomes readable when something may have happened.
    fn descriptor(&self) -> BorrowedFd<'_>;

    /// Whether something has, given what the kernel says of the descriptor: what it has handed out already it does not
    /// know any more. Must not wait.
    fn is_ready(&mut self, readable: bool) -> bool {
        readable
    }
}

// ANCHOR: wait
/// The places in `sources` of all that are ready: of one at least, unless `within` passes first (`None`: never). One whose
/// other end has gone is ready.
///
/// # Errors
/// `InvalidInput` to wait for nothing without an end; those of poll(2).
pub fn wait(sources: &mut [&mut dyn Source], within: Option<Duration>) -> io::Result<Vec<usize>> {
    if sources.is_empty() && within.is_none() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let deadline = within.and_then(deadline);
    loop {
        // A message may have left the kernel together with the one before: then poll would wait, so it only looks.
        let is_kept = sources.iter_mut().any(|source| source.is_ready(false));
        let left = if is_kept { Some(Timespec::default()) } else { left(deadline)? };
        let mut polled: Vec<_> = sources
            .iter()
            .map(|source| PollFd::from_borrowed_fd(source.descriptor(), PollFlags::IN))
            .collect();
        match poll(&mut polled, left.as_ref()) {
            // A signal came: look what is left of the time.
            Err(Errno::INTR) => continue,
            polled => polled?,
        };
        // Also HUP and ERR: a read would not wait, and would say why.
        let readable: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        let asked = sources.iter_mut().zip(readable).enumerate();
        let ready: Vec<usize> = asked
            .filter_map(|(place, (source, readable))| source.is_ready(readable).then_some(place))
            .collect();
        let is_over = left.is_some_and(|left| left == Timespec::default());
        if !ready.is_empty() || is_over {
            return Ok(ready);
        }
    }
}
// ANCHOR_END: wait

/// A moment that can be waited for beside other things.
#[derive(Debug)]
pub struct Timer(OwnedFd);

impl Timer {
    /// Ready once, `delay` from now, and from then on.
    ///
    /// # Errors
    /// Those of timerfd_create(2).
    pub fn after(delay: Duration) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        // Zero would mean never.
        let delay = delay.max(Duration::from_nanos(1));
        let it_value = Timespec::try_from(delay).map_err(|_| io::ErrorKind::InvalidInput)?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
        Ok(Self(timer))
    }
}

impl Source for Timer {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Ready when `receive` would return at once.
impl Source for Connection {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }

    fn is_ready(&mut self, readable: bool) -> bool {
        if readable { self.collect() } else { Connection::is_ready(self) }
    }
}

/// Ready when `receive` would return at once.
impl Source for Receiver {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }

    fn is_ready(&mut self, readable: bool) -> bool {
        if readable { self.collect() } else { Receiver::is_ready(self) }
    }
}

/// Ready when somebody wants to connect. (He may have gone again by the time of `accept`.)
impl Source for Listener {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// Ready when the process has ended.
impl Source for Child {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.sentinel()
    }
}

/// Ready when the process has ended.
impl Source for Handle {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.sentinel()
    }
}

/// Anything that poll(2) can watch.
impl Source for OwnedFd {
    fn descriptor(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// Anything that poll(2) can watch.
impl Source for BorrowedFd<'_> {
    fn descriptor(&self) -> BorrowedFd<'_> {
        *self
    }
}
