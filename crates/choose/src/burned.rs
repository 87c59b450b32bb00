//! What others use of the machine: a server that works for us, other processes, and a host that takes cores away.

use std::fs;

use serde::Serialize;

use crate::cpu;

/// Processor time, in seconds, that was used beside this process and its server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Burned {
    /// By other processes; `None` where the system does not tell.
    pub others: Option<f64>,
    /// By the host of a virtual machine ("steal", proc_stat(5)).
    pub stolen: Option<f64>,
}

/// The clocks at one moment.
#[derive(Debug)]
pub(crate) struct Moment {
    server: Option<(u32, f64)>,
    own: f64,
    machine: Option<f64>,
    stolen: Option<f64>,
}

impl Moment {
    pub(crate) fn now(server: Option<u32>) -> Self {
        let (machine, stolen) = machine().unzip();
        let server = server.and_then(|pid| Some((pid, process(pid)?)));
        Self { server, own: cpu::seconds(), machine, stolen }
    }

    /// What the server, and threads of this process other than the caller's, which used `own`, have computed since;
    /// and everyone else.
    pub(crate) fn since(&self, own: f64) -> (f64, Burned) {
        let now = Self::now(self.server.map(|(pid, _)| pid));
        let server = self.server.zip(now.server).map_or(0.0, |((_, before), (_, after))| after - before);
        let ours = now.own - self.own;
        // The clocks are read one after the other, so that a little always seems to be somebody else's.
        let helpers = if ours - own > 0.02 * ours { ours - own } else { 0.0 };
        let difference = |after: Option<f64>, before: Option<f64>| Some(after? - before?);
        let others = difference(now.machine, self.machine).map(|all| (all - ours - server).max(0.0));
        (server + helpers, Burned { others, stolen: difference(now.stolen, self.stolen) })
    }
}

/// Processor time, in seconds, of a process and all its threads, to the nanosecond (clock_getcpuclockid(3)); `None`
/// when there is no such process. Clock ticks (proc_pid_stat(5)) are of 10 ms: far too coarse for a server that
/// computes a tenth of a millisecond for each request.
pub(crate) fn process(pid: u32) -> Option<f64> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both pointers are to variables of our own that outlive the calls.
    let failed = unsafe {
        libc::clock_getcpuclockid(libc::pid_t::try_from(pid).ok()?, &mut clock) != 0
            || libc::clock_gettime(clock, &mut time) != 0
    };
    (!failed).then_some(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

/// Seconds that all cores together have been busy since the machine started, and those that its host has taken.
fn machine() -> Option<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let second = rustix::param::clock_ticks_per_second() as f64;
    let all: f64 = [0, 1, 2, 5, 6].into_iter().filter_map(|place| ticks.get(place)).sum();
    Some((all / second, ticks.get(7).copied().unwrap_or(0.0) / second))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn processor_time_of_another_process_is_seen_and_that_of_none_is_not() {
        let own = process(std::process::id()).expect("own");
        assert!(own > 0.0);
        // Ids end at 2^22 (proc_sys_kernel(5), pid_max).
        assert_eq!(process(1 << 22), None);
    }
}
