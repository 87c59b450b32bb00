//! Shared ownership by counting, after std's `Arc` and `Weak`: whoever gives up the last share frees the value.
//!
//! Two counts share one word: the shares that keep the *value* alive (strong) and those that keep only the *memory*
//! (weak; all strong ones together hold one). std has a word for each, so its `get_mut` must lock the one while it
//! looks at the other. One load sees both here; the price is a limit of 2^31 shares of a kind.
//!
//! Why the last drop needs Acquire: another owner may have used the value just before it gave up its share. Its
//! decrement is a Release, so that use comes before it; only an Acquire by whoever frees comes after it. Without
//! the pair the value could be destroyed while, for the destroying core, the other's writes are still to come.
//!
//! Python counts references too; there the GIL (or biased counting, PEP 703) does what the orderings do here, and
//! `weakref.ref` is [`Weak`].

use std::{fmt, mem::ManuallyDrop, ops::Deref, process, ptr::NonNull};

use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicU64,
        Ordering::{Acquire, Relaxed, Release},
    },
};

const STRONG: u64 = 1;
const WEAK: u64 = 1 << 32;
/// A share more than this and the process ends: a count that wrapped would free what is in use.
const MOST: u64 = 1 << 31;

fn strong(counts: u64) -> u64 {
    counts % WEAK
}

fn weak(counts: u64) -> u64 {
    counts / WEAK
}

struct Inner<T> {
    counts: AtomicU64,
    /// Dropped in place when the last strong share goes; its memory stays until the last weak one does.
    value: UnsafeCell<ManuallyDrop<T>>,
}

impl<T> Inner<T> {
    fn add(&self, share: u64) {
        // Relaxed: who adds has a share already, so nothing is freed, and a new share says nothing about the value.
        let before = self.counts.fetch_add(share, Relaxed);
        if strong(before) >= MOST || weak(before) >= MOST {
            process::abort();
        }
    }
}

/// Gives up one share of a kind and tells whether it was the last of its kind.
///
/// # Safety
/// The caller owns that share and uses `inner` no more, unless it was the last.
unsafe fn give_up<T>(inner: NonNull<Inner<T>>, share: u64) -> bool {
    // SAFETY: until the share is gone the memory stays.
    let counts = unsafe { &inner.as_ref().counts };
    // Release: pairs with the Acquire below in the thread that gives up last, and with that of `get_mut`.
    let before = counts.fetch_sub(share, Release);
    let last = if share == STRONG { strong(before) == 1 } else { weak(before) == 1 };
    if last {
        // Acquire: pairs with the Release of all who gave up theirs before: their uses are over. A load of its own,
        // since only the last needs it. (A fence would do as well; ThreadSanitizer does not know fences.)
        counts.load(Acquire);
    }
    last
}

/// A share of a value that lives until the last share is dropped.
///
/// ```
/// use synchronization::arc::Arc;
///
/// let first = Arc::new(String::from("shared"));
/// let second = first.clone();
/// let weak = Arc::downgrade(&first);
/// drop(first);
/// assert_eq!(*second, "shared");
/// drop(second);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct Arc<T> {
    inner: NonNull<Inner<T>>,
}

// SAFETY: a share lets any thread read the value (so T: Sync) and the last one drop it (so T: Send); the counts are
// atomic and order the last drop after every use.
unsafe impl<T: Send + Sync> Send for Arc<T> {}
// SAFETY: as above: a reference can be cloned into a share.
unsafe impl<T: Send + Sync> Sync for Arc<T> {}

impl<T> Arc<T> {
    /// The first share of `value`.
    pub fn new(value: T) -> Self {
        let counts = AtomicU64::new(STRONG + WEAK);
        let inner = Inner { counts, value: UnsafeCell::new(ManuallyDrop::new(value)) };
        Self { inner: NonNull::from(Box::leak(Box::new(inner))) }
    }

    /// A share that does not keep the value alive. An associated function, as in std: `T` may have a `downgrade`.
    pub fn downgrade(this: &Self) -> Weak<T> {
        this.inner().add(WEAK);
        Weak { inner: Some(this.inner) }
    }

    /// The value to write to, if this is its only share, strong or weak.
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        // Acquire: pairs with the Release of all who gave up their shares: their uses are over.
        if this.inner().counts.load(Acquire) != STRONG + WEAK {
            return None;
        }
        // SAFETY: this is the only share, borrowed exclusively, so none can come into being meanwhile either.
        Some(this.inner().value.with_mut(|value| unsafe { &mut *value }))
    }

    /// The value itself, if this was the last strong share; of several threads that call it at once one gets it.
    pub fn into_inner(this: Self) -> Option<T> {
        let inner = ManuallyDrop::new(this).inner;
        // SAFETY: `this` owned the share and is not dropped.
        let last = unsafe { give_up(inner, STRONG) };
        last.then(|| {
            let _memory = Weak { inner: Some(inner) };
            // SAFETY: it was the last strong share, so nobody else reads or drops the value, now or later.
            unsafe { inner.as_ref().value.with_mut(|value| ManuallyDrop::take(&mut *value)) }
        })
    }

    /// How many strong shares there are at some moment during the call.
    pub fn strong_count(this: &Self) -> usize {
        strong(this.inner().counts.load(Relaxed)) as usize
    }

    /// How many [`Weak`]s there are at some moment during the call.
    pub fn weak_count(this: &Self) -> usize {
        weak(this.inner().counts.load(Relaxed)) as usize - 1 // all strong ones hold one
    }

    /// Whether both are shares of the same value.
    pub fn ptr_eq(this: &Self, other: &Self) -> bool {
        this.inner == other.inner
    }

    /// The share as an address, to be made a share again by [`from_raw`](Self::from_raw).
    pub(crate) fn into_raw(this: Self) -> *mut () {
        ManuallyDrop::new(this).inner.as_ptr().cast()
    }

    /// The address alone; the share stays with `this`.
    pub(crate) fn as_raw(this: &Self) -> *mut () {
        this.inner.as_ptr().cast()
    }

    /// The share behind an address.
    ///
    /// # Safety
    /// `raw` came from `into_raw` of the same `T`, and its share is not taken by anyone else.
    pub(crate) unsafe fn from_raw(raw: *mut ()) -> Self {
        // SAFETY: it came from a NonNull.
        Self { inner: unsafe { NonNull::new_unchecked(raw.cast()) } }
    }

    fn inner(&self) -> &Inner<T> {
        // SAFETY: while a share lives the memory does.
        unsafe { self.inner.as_ref() }
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: while a strong share lives the value does, and is written to only through `get_mut` of an only share.
        self.inner().value.with(|value| unsafe { &*value })
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        self.inner().add(STRONG);
        Self { inner: self.inner }
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        // SAFETY: `self` owns the share.
        if unsafe { give_up(self.inner, STRONG) } {
            // Gives up the weak share of all strong ones, also when the value's drop panics.
            let _memory = Weak { inner: Some(self.inner) };
            // SAFETY: it was the last strong share, so nobody else reads or drops the value, now or later.
            self.inner().value.with_mut(|value| unsafe { ManuallyDrop::drop(&mut *value) });
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Arc<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl<T: Default> Default for Arc<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// A share that keeps the memory but not the value; `weakref.ref` in Python.
pub struct Weak<T> {
    /// None: made by [`new`](Weak::new), belongs to no value.
    inner: Option<NonNull<Inner<T>>>,
}

// SAFETY: as for `Arc`, which it can become.
unsafe impl<T: Send + Sync> Send for Weak<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Weak<T> {}

impl<T> Weak<T> {
    /// A weak share of nothing.
    pub const fn new() -> Self {
        Self { inner: None }
    }

    /// A strong share, if the value still lives.
    pub fn upgrade(&self) -> Option<Arc<T>> {
        let inner = self.inner?;
        // SAFETY: a weak share keeps the memory.
        let counts = unsafe { &inner.as_ref().counts };
        let mut seen = counts.load(Relaxed);
        loop {
            if strong(seen) == 0 {
                return None;
            }
            if strong(seen) >= MOST {
                process::abort();
            }
            // Never from 0 to 1, so no plain addition. Relaxed: whoever gave us this weak share made the value
            // visible, and `get_mut` wrote to it only while there was no weak share.
            match counts.compare_exchange_weak(seen, seen + STRONG, Relaxed, Relaxed) {
                Ok(_) => return Some(Arc { inner }),
                Err(now) => seen = now,
            }
        }
    }

    /// How many strong shares there are at some moment during the call.
    pub fn strong_count(&self) -> usize {
        // SAFETY: a weak share keeps the memory.
        self.inner.map_or(0, |inner| strong(unsafe { inner.as_ref() }.counts.load(Relaxed)) as usize)
    }
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        if let Some(inner) = self.inner {
            // SAFETY: a weak share keeps the memory.
            unsafe { inner.as_ref() }.add(WEAK);
        }
        Self { inner: self.inner }
    }
}

impl<T> Drop for Weak<T> {
    fn drop(&mut self) {
        let Some(inner) = self.inner else { return };
        // SAFETY: `self` owns the share.
        if unsafe { give_up(inner, WEAK) } {
            // SAFETY: it was the last share of any kind, the value is gone, and the memory came from a Box.
            drop(unsafe { Box::from_raw(inner.as_ptr()) });
        }
    }
}

impl<T> Default for Weak<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Weak<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(Weak)")
    }
}
