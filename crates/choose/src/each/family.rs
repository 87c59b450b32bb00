//! Everyone that was started, so that none is left, whatever ends us.
//!
//! Each run is the head of a process group of its own: kill(2) reaches it and its children with one call. Starting,
//! reaping and ending all are done under one lock, so that nobody is started while all are being ended, and no number
//! of a group is used after its head was waited for (the kernel gives it to somebody else).
//!
//! What a run leaves behind in its group when it ends is ended too. A process that makes a group of its own
//! (setsid(2)) escapes.

use std::{
    fs, io, mem,
    os::unix::process::CommandExt,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use processes::{ended::ended_within, parent_death::die_with_parent};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long they have to tidy up when they are asked to end.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// The groups of all runs that have not been waited for.
#[derive(Debug, Default)]
pub(super) struct Family {
    heads: Mutex<Vec<Pid>>,
}

/// How a run ended, and what it had used.
#[derive(Debug)]
pub(super) struct Reaped {
    /// As wait(2) has it.
    pub(super) status: libc::c_int,
    /// Processor time of it and of those of its children that it has waited for, in seconds.
    pub(super) cpu: f64,
    /// How long it could have gone on and got no core, in seconds; its children's time is not in it.
    pub(super) queued: f64,
    /// The most memory that it, or one of those children, ever had, in bytes.
    pub(super) memory: u64,
}

impl Family {
    /// Starts `command` as the head of a group; the kernel ends it when the calling thread ends.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<Pid> {
        let mut heads = self.lock();
        let child = die_with_parent(command.process_group(0)).spawn()?;
        // Dropped, not waited for: that is `reap`'s, which also wants to know what it has used.
        let pid = Pid::from_child(&child);
        heads.push(pid);
        Ok(pid)
    }

    /// Sends `signal` to the group of `head`, which was not reaped yet.
    pub(super) fn signal(&self, head: Pid, signal: Signal) {
        let _alone = self.lock();
        // It fails when all of the group are gone, which is what was wanted.
        let _ = kill_process_group(head, signal);
    }

    /// Takes a head that has ended out of the kernel's table, and ends what is left of its group.
    pub(super) fn reap(&self, head: Pid) -> io::Result<Reaped> {
        let mut heads = self.lock();
        // While the head is a zombie its number is nobody else's.
        let _ = kill_process_group(head, Signal::KILL);
        let queued = queued(head);
        let reaped = wait4(head).map(|reaped| Reaped { queued, ..reaped });
        heads.retain(|other| *other != head);
        reaped
    }

    /// Asks all to end, and ends them if they do not. Nobody can be started afterwards: the lock stays taken.
    pub(super) fn end(&self) {
        let heads = self.lock();
        let all = |signal| {
            for head in heads.iter() {
                // It fails for those who are gone already.
                let _ = kill_process_group(*head, signal);
            }
        };
        all(Signal::TERM);
        let deadline = Instant::now() + GRACE;
        for head in heads.iter() {
            let left = deadline.saturating_duration_since(Instant::now());
            // Whether in time or not: what follows is the same.
            let _ = ended_within(head.as_raw_pid().cast_unsigned(), left);
        }
        all(Signal::KILL);
        mem::forget(heads);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Pid>> {
        // A list of numbers is right after any panic.
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The second field of `schedstat` (proc(5), "Documentation/scheduler/sched-stats.rst"), of a zombie too; 0 where the
/// kernel does not count it.
fn queued(head: Pid) -> f64 {
    let text = fs::read_to_string(format!("/proc/{}/schedstat", head.as_raw_pid())).unwrap_or_default();
    let nanoseconds = text.split_whitespace().nth(1).and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// wait4(2): std's `Child::wait` keeps to itself what the child has used.
fn wait4(pid: Pid) -> io::Result<Reaped> {
    let mut status = 0;
    // SAFETY: `rusage` is made of integers only, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    loop {
        // SAFETY: both pointers are to values of our own that outlive the call.
        let waited = unsafe { libc::wait4(pid.as_raw_pid(), &mut status, 0, &mut usage) };
        if waited == pid.as_raw_pid() {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    Ok(Reaped {
        status,
        queued: 0.0,
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        // Kibibytes on Linux (getrusage(2)). What we ourselves had at the fork counts as the child's: some megabytes.
        memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    })
}
