//! Two cores on every machine, so that an effect of too many threads looks alike everywhere.

#[cfg(target_os = "linux")]
use std::{panic::resume_unwind, thread};

/// Runs `work` on a thread that may use two cores only, and so may the threads it starts.
#[cfg(target_os = "linux")]
pub(super) fn on_two_cores<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let confined = || {
        if let Ok(allowed) = sched_getaffinity(None) {
            let mut two = CpuSet::new();
            (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).take(2).for_each(|cpu| two.set(cpu));
            // Where it is forbidden, the threads have all cores, and a claim may fail to show: no harm else.
            let _ = sched_setaffinity(None, &two);
        }
        work()
    };
    thread::scope(|scope| scope.spawn(confined).join()).unwrap_or_else(|payload| resume_unwind(payload))
}

/// Elsewhere a thread cannot be confined; with more cores, less is seen.
#[cfg(not(target_os = "linux"))]
pub(super) fn on_two_cores<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    work()
}
