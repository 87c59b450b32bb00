//! Who a process is, in 38 bits that fit into an atomic word beside something else; and whether it still lives.
//!
//! A process id is used again when its process is gone, so a part of the moment of its start goes with it. What is
//! written into a word together with a state by one atomic step says, whenever its writer is killed, whose it was.

use std::{fmt, fs, process};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};

/// One process, or nobody. Of all processes that ran and run, two are the same only if they had one id and began 11 minutes
/// apart, or a multiple of that, to the hundredth of a second: then a dead one counts as living until the other ends.
///
/// It is right among processes that see each other in /proc: of one PID namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Who(u64);

impl Who {
    /// Nobody.
    pub const NOBODY: Self = Self(0);
    /// All others are below this: 22 bits of id, which is all that Linux gives (`PID_MAX_LIMIT`), and 16 of the start.
    pub const BITS: u32 = 38;

    /// This process.
    pub fn me() -> Self {
        Self::of(process::id())
    }

    /// The process that has this id now.
    pub fn of(id: u32) -> Self {
        Self(u64::from(id & 0x3f_ffff) << 16 | u64::from(start(id).unwrap_or(0)))
    }

    /// What [`bits`](Self::bits) gave. Others than the lowest 38 are cut off.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << Self::BITS) - 1))
    }

    /// As a number.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The process id; 0 is nobody's.
    pub const fn id(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// Whether it runs: a zombie does not. A few system calls: to be asked only after having waited in vain.
    pub fn is_alive(self) -> bool {
        let Some(pid) = Pid::from_raw(self.id().cast_signed()) else { return false };
        // First the descriptor, then the comparison: once it is open, it is of one process and of no later one.
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            // What cannot be asked is not called dead.
            Err(error) => return error != Errno::SRCH,
        };
        if Self::of(self.id()) != self {
            return false;
        }
        // It is readable when its process has ended (pidfd_open(2)).
        !matches!(poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&Timespec::default())), Ok(1..))
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "process {}", self.id())
    }
}

/// When the process began: the lowest bits of field 22 of /proc/PID/stat, in hundredths of a second since boot.
fn start(id: u32) -> Option<u16> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the program's name in parentheses, and may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks: u64 = fields.split(' ').nth(22 - 3)?.parse().ok()?;
    Some(ticks as u16)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn this_process_lives_and_one_that_ended_does_not() {
        assert!(Who::me().is_alive());
        assert!(!Who::NOBODY.is_alive());
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let who = Who::of(child.id());
        assert!(who.is_alive());
        child.kill().unwrap();
        // A zombie until it is waited for, and dead all the same.
        while who.is_alive() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!who.is_alive());
    }

    #[test]
    fn whoever_has_the_same_id_later_is_another() {
        let me = Who::me();
        assert_eq!(Who::from_bits(me.bits()), me);
        assert!(!Who::from_bits(me.bits() ^ 1).is_alive());
    }
}
