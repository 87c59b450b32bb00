//! When may a node that was unlinked be freed? Not while another thread, which found it earlier, still looks at it.
//!
//! On real threads: by crossbeam's epochs. Who looks is *pinned*; a node is freed two epochs after it was unlinked,
//! and the epoch does not move on while someone pinned is behind. That also cures ABA: an address that a pinned thread
//! has seen cannot come back as another node.
//!
//! Under a model checker crossbeam-epoch cannot run (its atomics are std's), so there nodes are kept until the
//! container goes: what is checked is the algorithm above, not the epochs. Under shuttle, where there is one order
//! of events, the stand-in also knows which nodes epochs *could* have freed (of the pins that were held when the node
//! was unlinked none is left), and fails a thread that still uses one.

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
    use std::{
        ops::Deref,
        sync::{Mutex, PoisonError},
        thread,
    };

    /// The nodes of one container.
    pub(crate) struct Domain<N>(Mutex<Books<N>>);

    struct Books<N> {
        pins: u64,
        pinned: Vec<u64>,
        /// Unlinked nodes, each with the pins of that moment which still last: only these it waits for.
        retired: Vec<(*mut N, Vec<u64>)>,
        /// Those that wait for nobody any more. Epochs could have freed them.
        freed: Vec<*mut N>,
    }

    /// As long as it lives, no node is freed that was reachable when it was made, or later.
    pub(crate) struct Pinned<'a, N> {
        domain: &'a Domain<N>,
        pin: u64,
    }

    /// A node in use; it must not be freed before the use ends.
    pub(crate) struct Followed<'a, N> {
        domain: &'a Domain<N>,
        node: *mut N,
    }

    impl<N> Domain<N> {
        pub(crate) fn new() -> Self {
            let books = Books { pins: 0, pinned: Vec::new(), retired: Vec::new(), freed: Vec::new() };
            Self(Mutex::new(books))
        }

        pub(crate) fn pin(&self) -> Pinned<'_, N> {
            let pin = self.books(|books| {
                books.pins += 1;
                books.pinned.push(books.pins);
                books.pins
            });
            Pinned { domain: self, pin }
        }

        fn books<R>(&self, keep: impl FnOnce(&mut Books<N>) -> R) -> R {
            keep(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    impl<N> Pinned<'_, N> {
        /// # Safety
        /// `node` was reachable at some moment since the pin.
        pub(crate) unsafe fn follow(&self, node: *mut N) -> Followed<'_, N> {
            Followed { domain: self.domain, node }
        }

        /// # Safety
        /// It came from a Box, is reachable no more, is retired once, and its drop runs no code of a user's type.
        pub(crate) unsafe fn retire(&self, node: *mut N) {
            self.domain.books(|books| books.retired.push((node, books.pinned.clone())));
        }
    }

    impl<N> Deref for Followed<'_, N> {
        type Target = N;

        fn deref(&self) -> &N {
            // SAFETY: nothing is freed before the domain.
            unsafe { &*self.node }
        }
    }

    impl<N> Drop for Followed<'_, N> {
        fn drop(&mut self) {
            // Not in loom: there a thread may see an old address, which real epochs order away by their fences.
            if cfg!(not(feature = "loom")) && !thread::panicking() {
                let freed = self.domain.books(|books| books.freed.contains(&self.node));
                assert!(!freed, "a node was in use when it may have been freed");
            }
        }
    }

    impl<N> Drop for Pinned<'_, N> {
        fn drop(&mut self) {
            self.domain.books(|books| {
                books.pinned.retain(|pin| *pin != self.pin);
                books.retired.iter_mut().for_each(|(_, waits_for)| waits_for.retain(|pin| *pin != self.pin));
                let free = books.retired.extract_if(.., |(_, waits_for)| waits_for.is_empty());
                books.freed.extend(free.map(|(node, _)| node));
            });
        }
    }

    impl<N> Drop for Domain<N> {
        fn drop(&mut self) {
            self.books(|books| {
                for node in books.retired.drain(..).map(|(node, _)| node).chain(books.freed.drain(..)) {
                    // SAFETY: it came from a Box, was retired once, and nobody is pinned any more.
                    drop(unsafe { Box::from_raw(node) });
                }
            });
        }
    }
}
