//! Read-copy-update: readers take the current version and keep it; a writer publishes a new one beside it.
//!
//! For what is read all the time and replaced now and then: a configuration, a routing table. Readers wait for nobody,
//! and what they hold never changes under them; the old version is freed when its last reader lets go. After
//! `arc-swap` (its first design, a "generation lock"); Python programs do the same by rebinding a global name to a new
//! object, where the GIL makes load and count one step.
//!
//! To load the address and to add to the count found there are two steps, and between them a writer could free it.
//! So a reader signs in before and out after, and a writer frees nothing before everyone who may have seen the old
//! address has signed out: a handful of instructions, not the time for which a reader keeps its version.
//!
//! Against a RwLock: a reader never waits for a writer that computes. Two readers do write to the same two counts, which
//! `arc-swap` today avoids (it has slots for each thread); the copy makes each write dearer.

use std::{fmt, marker::PhantomData, mem::ManuallyDrop};

use model::{
    hint,
    sync::atomic::{
        AtomicPtr, AtomicUsize,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
    thread,
};

use crate::arc::Arc;

/// Looks at a sign-in count before a writer gives its core away: a reader may have lost its own.
const SPINS: u32 = 64;

/// The current version of a value.
///
/// ```
/// use synchronization::Snapshot;
///
/// let hosts = Snapshot::new(vec!["a"]);
/// let before = hosts.load();
/// hosts.update(|hosts| hosts.iter().copied().chain(["b"]).collect());
/// assert_eq!((before.len(), hosts.load().len()), (1, 2));
/// ```
pub struct Snapshot<T> {
    /// A share of the current version, as an address.
    current: AtomicPtr<()>,
    /// Readers between "load the address" and "have a share". Two counts, so that a writer can direct the next
    /// readers to one while the other runs empty: with one, readers who come and go could keep it up for ever.
    signed_in: [AtomicUsize; 2],
    /// Where the next readers sign in. Only a hint: either is right.
    side: AtomicUsize,
    shares: PhantomData<Arc<T>>,
}

impl<T> Snapshot<T> {
    /// The first version.
    pub fn new(value: T) -> Self {
        Self {
            current: AtomicPtr::new(Arc::into_raw(Arc::new(value))),
            signed_in: [AtomicUsize::new(0), AtomicUsize::new(0)],
            side: AtomicUsize::new(0),
            shares: PhantomData,
        }
    }

    /// The current version. Waits for nobody.
    pub fn load(&self) -> Arc<T> {
        self.borrow(Arc::clone)
    }

    /// Looks at the current version without a share of its own: cheaper than [`load`](Self::load), but a writer waits
    /// for `look` to end. So keep it short, and never write to the same snapshot inside: it would wait for itself.
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        self.borrow(|version| look(version))
    }

    fn borrow<R>(&self, look: impl FnOnce(&Arc<T>) -> R) -> R {
        struct SignedIn<'a>(&'a AtomicUsize);
        impl Drop for SignedIn<'_> {
            fn drop(&mut self) {
                // Release: pairs with the Acquire in `wait_for_readers`: our look, or our own share, comes before the
                // writer gives up the share that we borrow.
                self.0.fetch_sub(1, Release);
            }
        }

        let count = &self.signed_in[self.side.load(Relaxed)];
        // Acquire: pairs with the Release in `wait_for_readers`. Either the writer counts us and waits, or we come
        // after its look and see what it published before.
        count.fetch_add(1, Acquire);
        let _signed_in = SignedIn(count);
        // Acquire: pairs with the Release in `swap` and `update`: the version is complete.
        let raw = self.current.load(Acquire);
        // SAFETY: its writer does not give up this share before we have signed out, so it is only borrowed here.
        look(&ManuallyDrop::new(unsafe { Arc::from_raw(raw) }))
    }

    /// Publishes `value` as the current version.
    pub fn store(&self, value: T) {
        drop(self.swap(value));
    }

    /// Publishes `value` and gives back the version it replaces.
    pub fn swap(&self, value: T) -> Arc<T> {
        // Release: pairs with the Acquire in `load`. Acquire: with the Release of whoever published the old version.
        let old = self.current.swap(Arc::into_raw(Arc::new(value)), AcqRel);
        self.wait_for_readers();
        // SAFETY: the share in `current` is ours since the swap, and nobody borrows it any more.
        unsafe { Arc::from_raw(old) }
    }

    /// Publishes what `change` makes of the current version, and gives back what it published.
    ///
    /// `change` runs again when another writer was faster, so no update is lost. A panic in it changes nothing.
    pub fn update(&self, mut change: impl FnMut(&T) -> T) -> Arc<T> {
        loop {
            let seen = self.load();
            let new = Arc::new(change(&seen));
            // As long as we hold `seen`, no other version can have its address: the comparison cannot be fooled.
            let (old_raw, new_raw) = (Arc::as_raw(&seen), Arc::into_raw(Arc::clone(&new)));
            // Release: pairs with the Acquire in `load`.
            if self.current.compare_exchange(old_raw, new_raw, Release, Relaxed).is_ok() {
                self.wait_for_readers();
                // SAFETY: the share in `current` is ours since the exchange, and nobody borrows it any more.
                drop(unsafe { Arc::<T>::from_raw(old_raw) });
                return new;
            }
            // SAFETY: not published, so the share is still ours.
            drop(unsafe { Arc::<T>::from_raw(new_raw) });
        }
    }

    /// Returns when each count was zero at some moment since the call: all who signed in before it are out.
    fn wait_for_readers(&self) {
        for side in 0..2 {
            let mut looks = 0;
            // A look by read-modify-write, since it must not come *before* the publication in any reader's eyes: then
            // neither would notice the other. Release: pairs with the Acquire of readers who sign in later.
            // Acquire: pairs with the Release of those who have signed out.
            while self.signed_in[side].fetch_add(0, AcqRel) != 0 {
                self.side.store(1 - side, Relaxed);
                looks += 1;
                if looks < SPINS { hint::spin_loop() } else { thread::yield_now() }
            }
        }
    }
}

impl<T> Drop for Snapshot<T> {
    fn drop(&mut self) {
        // SAFETY: borrowed exclusively, so nobody else reads or replaces the share in `current`.
        drop(unsafe { Arc::<T>::from_raw(self.current.load(Relaxed)) });
    }
}

impl<T: fmt::Debug> fmt::Debug for Snapshot<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Snapshot").field(&*self.load()).finish()
    }
}

impl<T: Default> Default for Snapshot<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}
