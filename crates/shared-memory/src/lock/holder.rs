//! Who holds a lock, in a number that no other thread of the machine has, before or after: thread id and time of birth.
//!
//! An id alone is not enough: when its thread is gone the kernel gives it to another one, and a lock whose holder died
//! would seem to be held by a stranger who lives. With the time at which the thread was started (in clock ticks, of
//! which there are 100 in a second) the number repeats only if all ids are used up within one tick.

use std::{cell::Cell, fs, io, sync::OnceLock, time::Duration};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{limit::Limit, raw::Life};

/// A thread of some process: never zero, and never with the highest bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder(u64);

thread_local! {
    /// This thread's, once it was asked for; 0 before.
    static ME: Cell<u64> = const { Cell::new(0) };
}

/// Ids are below this, whatever `kernel.pid_max` says (PID_MAX_LIMIT in linux/threads.h).
const MOST_THREADS: u32 = 1 << 22;
/// The highest bit is the lock's own.
const BORN_BITS: u64 = (1 << 31) - 1;

impl Holder {
    /// The thread with this id (gettid(2), not 0), born at this time (field 22 of `/proc/PID/stat`).
    pub const fn new(thread: u32, born: u64) -> Self {
        // 31 bits of ticks are 248 days: for a mistake, the same id and the same tick of another such period.
        Self((born & BORN_BITS) << 32 | thread as u64)
    }

    /// The calling thread.
    ///
    /// # Errors
    /// When there is no /proc: then nobody could find out whether this thread lives.
    #[inline]
    pub fn current() -> io::Result<Self> {
        match ME.get() {
            0 => Self::find(),
            known => Ok(Self(known)),
        }
    }

    #[cold]
    fn find() -> io::Result<Self> {
        static AT_FORK: OnceLock<i32> = OnceLock::new();
        extern "C" fn forget() {
            ME.set(0);
        }
        // A child that was forked is another one, and has a copy of our number.
        // SAFETY: the handler only writes to a thread-local without destructor, which is there in the child too.
        match AT_FORK.get_or_init(|| unsafe { libc::pthread_atfork(None, None, Some(forget)) }) {
            0 => {}
            error => return Err(io::Error::from_raw_os_error(*error)),
        }
        let stat = fs::read_to_string("/proc/thread-self/stat")?;
        let (_, born) = state_and_birth(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let thread = rustix::thread::gettid().as_raw_nonzero().get().cast_unsigned();
        let me = Self::new(thread, born);
        ME.set(me.0);
        Ok(me)
    }

    /// Its thread id.
    pub const fn thread(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    #[inline]
    pub(super) const fn word(self) -> u64 {
        self.0
    }

    // ANCHOR: is_alive
    /// Whether this thread can still run. When in doubt it can.
    ///
    /// A process that was killed and that its parent has not waited for is a zombie: it has an id, and is dead.
    pub fn is_alive(self) -> bool {
        // No thread has such an id: these are bytes that somebody else wrote here.
        if self.thread() > MOST_THREADS {
            return false;
        }
        let Some(id) = Pid::from_raw(self.thread().cast_signed()) else { return false };
        if test_kill_process(id) == Err(Errno::SRCH) {
            return false;
        }
        // It may end between the two; the next look sees that.
        let Ok(stat) = fs::read_to_string(format!("/proc/{}/stat", self.thread())) else { return true };
        match state_and_birth(&stat) {
            Some((state, born)) => !matches!(state, "Z" | "X") && Self::new(self.thread(), born) == self,
            None => true,
        }
    }
    // ANCHOR_END: is_alive
}

/// Fields 3 and 22 of a `stat`. Field 2 is the program's name in parentheses, which may have any of them in it.
fn state_and_birth(stat: &str) -> Option<(&str, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Holders that are threads of real processes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Processes {
    limit: Limit,
}

impl Processes {
    /// Gives up after so long.
    pub fn within(limit: Duration) -> Self {
        Self { limit: Limit::of(Some(limit)) }
    }
}

impl Life for Processes {
    fn is_alive(&self, holder: Holder) -> bool {
        holder.is_alive()
    }

    fn nap(&self) -> Option<Duration> {
        self.limit.nap()
    }

    fn is_late(&self) -> bool {
        self.limit.is_over()
    }
}
