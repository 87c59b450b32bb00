//! Two counts for one object: the owner's, an integer, and everybody else's, an atomic one.
//!
//! The object lives as long as their sum is above zero. Neither need be so alone: a share that the owner made and another
//! thread drops takes the shared count below zero.
//!
//! The sum is known only when both are put together, **merged**, and only the owner can do that, since only the owner
//! may look at its own count:
//! - its own count reaches zero: it merges, and from then on counts as everybody does;
//! - the shared count would fall below zero: then perhaps the sum is zero. Whoever sees that first does not count down
//!   but hands its share over to the owner (**queued**), who merges when it gets to it, and drops that share.
//!
//! Source: Choi, Shull, Torrellas, "Biased Reference Counting: Minimizing Atomic Operations in Garbage Collection",
//! PACT 2018; CPython 3.13 without the GIL does the same (PEP 703).

use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicIsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
        fence,
    },
};

/// The counts are one: the owner's is zero for ever.
const MERGED: isize = 1;
/// Some thread has handed its share over to the owner.
const QUEUED: isize = 2;
/// One share; what is below are the two flags.
const ONE: isize = 4;

/// What a thread that dropped a share has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Nothing: the object lives, or somebody else sees to it.
    Nothing,
    /// Free the object: that was the last share.
    Free,
    /// Hand the share over to the owner, who will [merge](Counts::merge).
    Queue,
}

/// The two counts of an object.
#[derive(Debug)]
pub struct Counts {
    /// Shares counted by the owner. Only the owner reads and writes it.
    own: UnsafeCell<usize>,
    /// Shares counted by all others, times four, and the flags.
    shared: AtomicIsize,
}

// SAFETY: `own` is touched only by methods whose callers promise to be the owner.
unsafe impl Sync for Counts {}

impl Counts {
    /// One share, counted by the owner: this thread.
    #[allow(clippy::new_without_default, reason = "one share is not nothing")]
    pub fn new() -> Self {
        Self { own: UnsafeCell::new(1), shared: AtomicIsize::new(0) }
    }

    /// Counts a share up. False where the counts are merged: then it is to be counted as [`share`](Self::share) does.
    ///
    /// # Safety
    /// Only the owner may call it, and only while it has a share.
    #[inline]
    pub unsafe fn own(&self) -> bool {
        self.own.with_mut(|own| {
            // SAFETY: nobody but the owner looks at it, and this is the owner.
            let own = unsafe { &mut *own };
            let mine = *own > 0;
            *own += usize::from(mine);
            mine
        })
    }

    /// Counts a share up, on any thread.
    #[inline]
    pub fn share(&self) {
        // Relaxed: the share that is cloned keeps the object alive, whatever the order.
        self.shared.fetch_add(ONE, Relaxed);
    }

    /// Drops a share, as the owner.
    ///
    /// # Safety
    /// Only the owner may call it, and only for a share that it has.
    #[inline]
    pub unsafe fn drop_own(&self) -> Dropped {
        let left = self.own.with_mut(|own| {
            // SAFETY: nobody but the owner looks at it, and this is the owner.
            let own = unsafe { &mut *own };
            own.checked_sub(1).inspect(|&left| *own = left)
        });
        match left {
            Some(0) => self.merge_zero(),
            Some(_) => Dropped::Nothing,
            None => self.drop_shared(),
        }
    }

    /// Drops a share, as a thread that is not the owner (or whose own count is merged).
    #[inline]
    pub fn drop_shared(&self) -> Dropped {
        let mut seen = self.shared.load(Relaxed);
        loop {
            // Below zero for the first time. The share is not counted down but given to the owner: were it gone, the
            // owner could free the object before it hears of it.
            let queue = seen == 0;
            let next = if queue { QUEUED } else { seen - ONE };
            // Release: what this thread did with the value comes before the end, which pairs with Acquire in whoever
            // frees it. Acquire: if that is this thread.
            match self.shared.compare_exchange_weak(seen, next, Release, Relaxed) {
                Ok(_) if queue => return Dropped::Queue,
                Ok(_) => return self.after(next),
                Err(now) => seen = now,
            }
        }
    }

    /// Puts the counts together and drops one share: the one that was handed over.
    ///
    /// # Safety
    /// Only the owner may call it, or after the owner's end somebody whom nobody else can be beside. Once for each
    /// [`Dropped::Queue`].
    pub unsafe fn merge(&self) -> Dropped {
        let own = self.own.with_mut(|own| {
            // SAFETY: nobody but the owner looks at it, and this is the owner or comes after it.
            std::mem::take(unsafe { &mut *own })
        });
        self.merge_with(own as isize - 1)
    }

    fn merge_zero(&self) -> Dropped {
        self.merge_with(0)
    }

    /// Adds `more` to the shared count and says that the counts are one.
    fn merge_with(&self, more: isize) -> Dropped {
        let mut seen = self.shared.load(Relaxed);
        loop {
            // One step: another thread may count at any moment, and its count must not be overwritten.
            let next = (seen & !QUEUED | MERGED) + more * ONE;
            match self.shared.compare_exchange_weak(seen, next, AcqRel, Relaxed) {
                Ok(_) => return self.after(next),
                Err(now) => seen = now,
            }
        }
    }

    /// Whether a count of `now` was the last.
    fn after(&self, now: isize) -> Dropped {
        if now & MERGED != 0 && now < ONE {
            // Acquire: pairs with the Release of all who have counted down before.
            fence(Acquire);
            return Dropped::Free;
        }
        Dropped::Nothing
    }
}
