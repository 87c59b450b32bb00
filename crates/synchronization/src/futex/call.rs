//! The two system calls, counted.

use std::{cell::Cell, time::Duration};

use model::{futex, sync::atomic::AtomicU32};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// How often the calling thread has called the kernel through this module.
pub fn calls() -> u64 {
    CALLS.get()
}

/// FUTEX_WAIT: sleeps if `word` still is `expected`. `false` if `limit` ran out; `true` for any other reason, or none,
/// so look again. Orders no memory.
pub(super) fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
    CALLS.set(CALLS.get() + 1);
    futex::wait(word, expected, limit)
}

/// FUTEX_WAKE: wakes one of those who sleep on `word`.
pub(super) fn wake_one(word: &AtomicU32) {
    wake(word, 1);
}

/// FUTEX_WAKE: wakes up to `most` of those who sleep on `word`.
pub(super) fn wake(word: &AtomicU32, most: u32) {
    CALLS.set(CALLS.get() + 1);
    futex::wake(word, most);
}
