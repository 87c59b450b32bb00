//! The futex of Linux, and a model of it that promises no more than the real one: see futex(2).
//!
//! A futex is a 32-bit word in memory together with a queue of threads that sleep on it, which the kernel keeps.
//! [`wait`] compares the word and goes to sleep in one step: no [`wake`] can come between the two.
//!
//! **Neither of them orders memory.** Whoever returns from `wait` knows that the word may have changed, and must
//! look at it with an `Acquire` load of its own before it believes anything else. So the model hands no causality from the
//! one who wakes to the one who slept: it is built without the checker's locks, which would, and a `Release` that is
//! missing in a lock stays visible.

use std::time::Duration;

use crate::sync::atomic::AtomicU32;

/// Sleeps until woken if `word` still is `expected`, else returns at once.
///
/// `false` says that `limit` ran out; `true` says nothing: the word may have differed, a `wake` may have come, or a
/// signal. Look again. In a checker a limit may run out as soon as the schedule lets it, and it always does in the end.
pub fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
    world::wait(word, expected, limit)
}

/// Wakes up to `most` of the threads that sleep on `word`.
pub fn wake(word: &AtomicU32, most: u32) {
    world::wake(word, most);
}

/// [`wait`] on a word in memory that several processes map: woken by a [`wake_shared`] of any of them, never by a
/// [`wake`].
///
/// A checker has one process only: there it is the same model.
pub fn wait_shared(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
    world::wait_shared(word, expected, limit)
}

/// Wakes up to `most` of the threads, in all processes that map it, that sleep on `word` in [`wait_shared`].
pub fn wake_shared(word: &AtomicU32, most: u32) {
    world::wake_shared(word, most);
}

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod world {
    use std::{sync::atomic::AtomicU32, time::Duration};

    use rustix::{
        io::Errno,
        thread::futex::{self, Flags, Timespec},
    };

    // PRIVATE: all threads are of this process, so the kernel need not ask which file the page belongs to. Without
    // it the queue is found by file and offset, which are the same in every process that maps the word.

    #[inline]
    pub(super) fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
        wait_with(Flags::PRIVATE, word, expected, limit)
    }

    #[inline]
    pub(super) fn wake(word: &AtomicU32, most: u32) {
        wake_with(Flags::PRIVATE, word, most);
    }

    #[inline]
    pub(super) fn wait_shared(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
        wait_with(Flags::empty(), word, expected, limit)
    }

    #[inline]
    pub(super) fn wake_shared(word: &AtomicU32, most: u32) {
        wake_with(Flags::empty(), word, most);
    }

    #[inline]
    fn wait_with(flags: Flags, word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
        let limit = limit.map(|limit| Timespec {
            // What does not fit is half an eternity.
            tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        futex::wait(word, flags, expected, limit.as_ref()) != Err(Errno::TIMEDOUT)
    }

    #[inline]
    fn wake_with(flags: Flags, word: &AtomicU32, most: u32) {
        // The kernel takes the number as a signed one. An error is impossible: the word is there and aligned.
        let _ = futex::wake(word, flags, most.min(i32::MAX as u32));
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod world {
    use std::{
        cell::{Cell, RefCell},
        time::Duration,
    };

    use crate::{
        sync::atomic::{AtomicU32, Ordering::Relaxed},
        thread::{self, Thread},
        world::{rouse, sleep},
    };

    // One process: the shared queue is the same one.
    pub(super) use {wait as wait_shared, wake as wake_shared};

    struct Sleeper {
        word: *const AtomicU32,
        ticket: u64,
        thread: Thread,
    }

    std::thread_local! {
        // Both checkers run all threads of a model on one system thread and switch only at operations on their own
        // types: so this queue, which is none, changes in the same step as the operation on the word before it.
        static SLEEPERS: RefCell<Vec<Sleeper>> = const { RefCell::new(Vec::new()) };
        static TICKETS: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn wait(word: &AtomicU32, expected: u32, limit: Option<Duration>) -> bool {
        let thread = thread::current();
        if newest(word) != expected {
            return true;
        }
        let ticket = TICKETS.replace(TICKETS.get() + 1);
        SLEEPERS.with_borrow_mut(|all| all.push(Sleeper { word, ticket, thread }));
        let asleep = Asleep { ticket };
        if limit.is_some() {
            // A step at which any `wake` of this word may come before.
            newest(word);
            return !asleep.is_queued();
        }
        let mut looks = 0;
        while asleep.is_queued() {
            sleep(looks);
            looks += 1;
        }
        true
    }

    /// What the kernel sees. A read-modify-write, even one that fails, reads the newest value, where a load may read
    /// an older one; Relaxed: it brings nothing else along.
    fn newest(word: &AtomicU32) -> u32 {
        const NEVER_SEEN: u32 = 0xdead_beef;
        word.compare_exchange(NEVER_SEEN, NEVER_SEEN, Relaxed, Relaxed).unwrap_or_else(|value| value)
    }

    pub(super) fn wake(word: &AtomicU32, most: u32) {
        // Tells the checker that this step and a `wait` on the same word may be swapped.
        newest(word);
        let mut woken = Vec::new();
        SLEEPERS.with_borrow_mut(|all| {
            while woken.len() < most as usize
                && let Some(first) = all.iter().position(|sleeper| std::ptr::eq(sleeper.word, word))
            {
                woken.push(all.remove(first));
            }
        });
        for sleeper in woken {
            rouse(&sleeper.thread);
        }
    }

    /// A place in the queue, which ends with the wait.
    struct Asleep {
        ticket: u64,
    }

    impl Asleep {
        fn is_queued(&self) -> bool {
            SLEEPERS.with_borrow(|all| all.iter().any(|sleeper| sleeper.ticket == self.ticket))
        }
    }

    impl Drop for Asleep {
        fn drop(&mut self) {
            SLEEPERS.with_borrow_mut(|all| all.retain(|sleeper| sleeper.ticket != self.ticket));
        }
    }
}
