//! Who must wait lets others run for a moment before it sleeps: often they bring what it waits for.
//!
//! To give way costs a tenth of falling asleep and being woken, and spares the one who brings it the system call for the
//! waking. With fewer cores than threads it also lets the right one run, where spinning would keep it from the core.

use std::sync::PoisonError;

use model::{
    sync::{Mutex, MutexGuard},
    thread,
};

/// How often. A checker tries every order anyhow.
const TIMES: u32 = if cfg!(any(feature = "loom", feature = "shuttle")) { 0 } else { 4 };

/// Gives way and tries, a few times at most: true as soon as it succeeds.
pub(crate) fn give_way_until(mut attempt: impl FnMut() -> bool) -> bool {
    (0..TIMES).any(|_| {
        thread::yield_now();
        attempt()
    })
}

/// Lets go of the lock, gives way, and takes the lock again, a few times at most while `condition` holds.
/// Whether it still does the caller must see, under the lock that it gets back.
pub(crate) fn give_way_while<'a, T>(
    mutex: &'a Mutex<T>,
    mut guard: MutexGuard<'a, T>,
    condition: impl Fn(&mut T) -> bool,
) -> MutexGuard<'a, T> {
    let mut left = TIMES;
    while left > 0 && condition(&mut guard) {
        drop(guard);
        thread::yield_now();
        guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        left -= 1;
    }
    guard
}
