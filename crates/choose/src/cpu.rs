//! Processor time, of this process and of the children that have ended.

/// Seconds of processor time, in user and in system mode, that this process has used so far together with all
/// its children that have ended and been waited for (getrusage(2), `RUSAGE_SELF` and `RUSAGE_CHILDREN`).
///
/// Python: `sum(os.times()[:4])`.
pub(crate) fn seconds() -> f64 {
    of(libc::RUSAGE_SELF) + children()
}

/// The same of the children alone.
pub(crate) fn children() -> f64 {
    of(libc::RUSAGE_CHILDREN)
}

/// How often this thread has given up its core by itself, to wait for something (`ru_nvcsw`, `RUSAGE_THREAD`).
pub(crate) fn waits() -> i64 {
    usage(libc::RUSAGE_THREAD).ru_nvcsw
}

/// How many blocks of 512 bytes a disk had to be asked for, for this process and for children that it waited for
/// (`ru_inblock`): what is read from the page cache is not among them.
pub(crate) fn blocks_read() -> i64 {
    usage(libc::RUSAGE_SELF).ru_inblock + usage(libc::RUSAGE_CHILDREN).ru_inblock
}

fn of(whom: libc::c_int) -> f64 {
    let usage = usage(whom);
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(usage.ru_utime) + seconds(usage.ru_stime)
}

fn usage(whom: libc::c_int) -> libc::rusage {
    // SAFETY: `rusage` is made of integers only, for which all zeros is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a `rusage` of our own, which outlives the call. It fails only for an unknown
    // `whom` or a bad address, and then leaves the zeros.
    unsafe { libc::getrusage(whom, &mut usage) };
    usage
}
