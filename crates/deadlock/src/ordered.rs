//! Several locks at once, in whatever order they are named, without deadlock: as C++'s `std::scoped_lock`.
//!
//! Two ways. [`lock_all`] takes them in the order of their addresses: all threads then agree on one order, and a
//! circle of waits would need somebody who waits downwards. [`lock_all_backing_off`] needs no order: it waits only
//! while it holds nothing (Howard Hinnant's "smart and polite", which `std::lock` of libc++ and libstdc++ is).
//!
//! ```
//! use model::sync::Mutex;
//!
//! let (mine, yours) = (Mutex::new(10), Mutex::new(0));
//! let [mut from, mut to] = deadlock::lock_all([&mine, &yours])?;
//! *from -= 3;
//! *to += 3;
//! drop((from, to));
//! assert_eq!(*yours.lock().unwrap(), 3);
//!
//! // Who names one lock twice would wait for himself. Here it is an error.
//! assert!(deadlock::lock_all([&mine, &mine]).is_err());
//! # Ok::<(), deadlock::LockAllError>(())
//! ```
//!
//! An address orders only what does not move meanwhile: the borrows see to that. What must have an order that is the
//! same in the next run, or in another process, needs a number of its own: [`Ranked`](crate::Ranked).

use model::{
    sync::{Mutex, MutexGuard, TryLockError},
    thread,
};
use thiserror::Error;

/// Why several locks were not taken. None of them is held then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LockAllError {
    /// The caller would have waited for himself.
    #[error("locks {first} and {second} of the list are the same one")]
    Twice {
        /// Where it stands first.
        first: usize,
        /// Where it stands again.
        second: usize,
    },
    /// A thread panicked while it held one of them: what that one guards may be half changed.
    #[error("lock {which} of the list is poisoned")]
    Poisoned {
        /// Where it stands.
        which: usize,
    },
}

// ANCHOR: lock_all
/// Takes all of them, in the order of their addresses; the guards come in the order in which the caller named them.
///
/// # Errors
/// When one of them is named twice, or poisoned.
pub fn lock_all<'a, T, const N: usize>(
    locks: [&'a Mutex<T>; N],
) -> Result<[MutexGuard<'a, T>; N], LockAllError> {
    let order = by_address(&locks)?;
    let mut guards = [const { None }; N];
    for which in order {
        guards[which] = Some(locks[which].lock().map_err(|_| LockAllError::Poisoned { which })?);
    }
    Ok(guards.map(|guard| guard.expect("each of them was locked")))
}
// ANCHOR_END: lock_all

// ANCHOR: lock_all_backing_off
/// Takes all of them: waits for one, tries the others, and if one of these is held gives all back and next time waits
/// for that one.
///
/// No deadlock, as nobody waits while he holds. Two callers could still give way to each other again and again; to do
/// so they need to be interrupted at the same place in every round.
///
/// # Errors
/// When one of them is named twice, or poisoned.
pub fn lock_all_backing_off<'a, T, const N: usize>(
    locks: [&'a Mutex<T>; N],
) -> Result<[MutexGuard<'a, T>; N], LockAllError> {
    by_address(&locks)?;
    let mut first = 0;
    loop {
        let mut guards = [const { None }; N];
        let mut missing = None;
        // Beginning with the one to wait for, once around.
        for turn in 0..N {
            let which = (first + turn) % N;
            let guard = if turn == 0 {
                locks[which].lock().map_err(|_| LockAllError::Poisoned { which })?
            } else {
                match locks[which].try_lock() {
                    Ok(guard) => guard,
                    Err(TryLockError::Poisoned(_)) => return Err(LockAllError::Poisoned { which }),
                    Err(TryLockError::WouldBlock) => {
                        missing = Some(which);
                        break;
                    }
                }
            };
            guards[which] = Some(guard);
        }
        let Some(missing) = missing else {
            return Ok(guards.map(|guard| guard.expect("each of them was locked")));
        };
        drop(guards);
        first = missing;
        thread::yield_now();
    }
}
// ANCHOR_END: lock_all_backing_off

/// The places in the list, by the address of what stands there.
fn by_address<T, const N: usize>(locks: &[&Mutex<T>; N]) -> Result<[usize; N], LockAllError> {
    let address = |which: &usize| std::ptr::from_ref(locks[*which]).addr();
    let mut order = std::array::from_fn(|which| which);
    // Stable: of two equal ones the first in the list stays first.
    order.sort_by_key(address);
    match order.windows(2).find(|pair| address(&pair[0]) == address(&pair[1])) {
        Some(pair) => Err(LockAllError::Twice { first: pair[0], second: pair[1] }),
        None => Ok(order),
    }
}
