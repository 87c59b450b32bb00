//! A core for each of a few threads that are measured together: else two of them may share one for a while.

/// Keeps the calling thread, and those it will start, on one of the cores it may use, so many after the first.
///
/// Where the system does not allow it, or there are not as many, the thread stays where it is.
#[cfg(target_os = "linux")]
pub fn own_core(number: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else { return };
    let Some(core) = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).nth(number) else { return };
    let mut own = CpuSet::new();
    own.set(core);
    // Refused in some sandboxes: then the system places the thread, as it did before.
    let _ = sched_setaffinity(None, &own);
}

/// Elsewhere the system places the threads.
#[cfg(not(target_os = "linux"))]
pub fn own_core(_number: usize) {}
