//! When may a node that was unlinked be freed? Not while another thread, which found it earlier, still looks at it.
//!
//! On real threads: by crossbeam's epochs. Who looks is *pinned*; a node is freed two epochs after it was unlinked,
//! and the epoch does not move on while someone pinned is behind. That also cures ABA: an address that a pinned thread
//! has seen cannot come back as another node.
//!
//! Under a model checker crossbeam-epoch cannot run (its atomics are std's), so there nodes are kept until the
//! container goes: what is checked is the algorithm above, not the epochs. Under shuttle, where there is one order
//! of events, the stand-in also knows which nodes epochs *could* have freed, and fails a thread that follows one.

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use epochs::Domain;
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) use kept::Domain;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod epochs {
    use std::marker::PhantomData;

    use crossbeam_epoch as epoch;

    /// The nodes of one container.
    pub(crate) struct Domain<N>(PhantomData<fn(N)>);

    /// As long as it lives, no node is freed that was reachable when it was made, or later.
    pub(crate) struct Pinned<'a, N> {
        guard: epoch::Guard,
        domain: PhantomData<&'a Domain<N>>,
    }

    impl<N> Domain<N> {
        pub(crate) fn new() -> Self {
            Self(PhantomData)
        }

        pub(crate) fn pin(&self) -> Pinned<'_, N> {
            Pinned { guard: epoch::pin(), domain: PhantomData }
        }
    }

    impl<N> Pinned<'_, N> {
        /// # Safety
        /// `node` was reachable at some moment since the pin.
        pub(crate) unsafe fn follow(&self, node: *mut N) -> &N {
            // SAFETY: the caller's; it is not freed before this pin ends.
            unsafe { &*node }
        }

        /// Frees `node` when nobody can look at it any more.
        ///
        /// # Safety
        /// It came from a Box, is reachable no more, is retired once, and its drop runs no code of a user's type.
        pub(crate) unsafe fn retire(&self, node: *mut N) {
            // SAFETY: the caller's. It may be dropped on any thread, which is fine for memory alone.
            unsafe { self.guard.defer_unchecked(move || drop(Box::from_raw(node))) }
        }
    }
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod kept {
    // std's mutex and not the model's: this book-keeping must neither order the threads nor be a step of theirs.
    use std::sync::{Mutex, PoisonError};

    /// The nodes of one container.
    pub(crate) struct Domain<N>(Mutex<Books<N>>);

    struct Books<N> {
        pinned: usize,
        /// Unlinked while someone was pinned who still is.
        retired: Vec<*mut N>,
        /// Unlinked, and since then there was a moment without a pin.
        freed: Vec<*mut N>,
    }

    /// As long as it lives, no node is freed that was reachable when it was made, or later.
    pub(crate) struct Pinned<'a, N>(&'a Domain<N>);

    impl<N> Domain<N> {
        pub(crate) fn new() -> Self {
            Self(Mutex::new(Books { pinned: 0, retired: Vec::new(), freed: Vec::new() }))
        }

        pub(crate) fn pin(&self) -> Pinned<'_, N> {
            self.books(|books| books.pinned += 1);
            Pinned(self)
        }

        fn books<R>(&self, keep: impl FnOnce(&mut Books<N>) -> R) -> R {
            keep(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    impl<N> Pinned<'_, N> {
        /// # Safety
        /// `node` was reachable at some moment since the pin.
        pub(crate) unsafe fn follow(&self, node: *mut N) -> &N {
            // Not in loom: there a thread may see an old address, which real epochs order away by their fences.
            if cfg!(not(feature = "loom")) {
                let freed = self.0.books(|books| books.freed.contains(&node));
                assert!(!freed, "a node is followed that may be freed");
            }
            // SAFETY: nothing is freed before the domain.
            unsafe { &*node }
        }

        /// # Safety
        /// It came from a Box, is reachable no more, is retired once, and its drop runs no code of a user's type.
        pub(crate) unsafe fn retire(&self, node: *mut N) {
            self.0.books(|books| books.retired.push(node));
        }
    }

    impl<N> Drop for Pinned<'_, N> {
        fn drop(&mut self) {
            self.0.books(|books| {
                books.pinned -= 1;
                if books.pinned == 0 {
                    books.freed.append(&mut books.retired);
                }
            });
        }
    }

    impl<N> Drop for Domain<N> {
        fn drop(&mut self) {
            self.books(|books| {
                for node in books.retired.drain(..).chain(books.freed.drain(..)) {
                    // SAFETY: it came from a Box, was retired once, and nobody is pinned any more.
                    drop(unsafe { Box::from_raw(node) });
                }
            });
        }
    }
}
