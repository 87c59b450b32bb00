//! A queue of waiters, each of whom spins on a word of its own: an unlock disturbs only the next in line.
//!
//! Each waiter brings a node, enters it at the end of a list, and waits for the one before to clear its flag. In
//! [`TicketLock`](super::TicketLock) all waiters load one word, and each unlock takes it out of all their caches.
//!
//! Source: J. M. Mellor-Crummey and M. L. Scott, see [`TicketLock`](super::TicketLock).

use std::{fmt, ptr};

use model::{
    cell::UnsafeCell,
    hint::spin_loop,
    sync::atomic::{
        AtomicBool, AtomicPtr,
        Ordering::{AcqRel, Acquire, Relaxed, Release},
    },
};

/// A value for one thread at a time; who waits spins on its own word, and is served in the order of coming.
///
/// There is no guard: the node lives in the frame of [`with`](Self::with), which a guard could leave.
pub struct McsLock<T> {
    /// The node of the last to come; null if nobody holds the lock.
    tail: AtomicPtr<Node>,
    value: UnsafeCell<T>,
}

/// A place in the queue.
struct Node {
    /// Who comes after; null until that one has said so.
    next: AtomicPtr<Node>,
    /// Until the one before has left.
    waiting: AtomicBool,
}

// SAFETY: it hands `&mut T` to one thread at a time, which is as good as to send the value there and back.
unsafe impl<T: Send> Sync for McsLock<T> {}
// SAFETY: the pointer is null while nobody is in `with`, and nobody is while the lock can be moved.
unsafe impl<T: Send> Send for McsLock<T> {}

impl<T> McsLock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> Self {
        Self { tail: AtomicPtr::new(ptr::null_mut()), value: UnsafeCell::new(value) }
    }

    /// Spins until it is this thread's turn, and calls `work` with the value. Released also by a panic in it.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let node = Node { next: AtomicPtr::new(ptr::null_mut()), waiting: AtomicBool::new(true) };
        self.enter(&node);
        let _leave = Leave { lock: self, node: &node };
        // SAFETY: the lock is held, so nobody else has a reference.
        self.value.with_mut(|value| work(unsafe { &mut *value }))
    }

    /// The value, which nobody else can reach any more.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }

    fn enter(&self, node: &Node) {
        // Release: who comes next finds the node made. Acquire: that of the one before is made, or, if there is none,
        // what the last to leave has done is seen.
        let before = self.tail.swap(ptr::from_ref(node).cast_mut(), AcqRel);
        // SAFETY: the one before cannot leave, and its node with it, until it has seen our node in `next`.
        let Some(before) = (unsafe { before.as_ref() }) else { return };
        // Release: pairs with the Acquire in `leave`.
        before.next.store(ptr::from_ref(node).cast_mut(), Release);
        // Acquire: pairs with the Release in `leave`.
        while node.waiting.load(Acquire) {
            spin_loop();
        }
    }

    fn leave(&self, node: &Node) {
        let own = ptr::from_ref(node).cast_mut();
        let mut next = node.next.load(Acquire);
        if next.is_null() {
            // Release: pairs with the Acquire of the next to come.
            if self.tail.compare_exchange(own, ptr::null_mut(), Release, Relaxed).is_ok() {
                return;
            }
            // Somebody has come, and is about to say so.
            while next.is_null() {
                spin_loop();
                // Acquire: pairs with the Release in `enter`.
                next = node.next.load(Acquire);
            }
        }
        // SAFETY: the next one waits for this very store, so its node is still there; it is not touched afterwards.
        // Release: pairs with the Acquire in `enter`.
        unsafe { &(*next).waiting }.store(false, Release);
    }
}

/// Leaves the queue, also in a panic.
struct Leave<'a, T> {
    lock: &'a McsLock<T>,
    node: &'a Node,
}

impl<T> Drop for Leave<'_, T> {
    fn drop(&mut self) {
        self.lock.leave(self.node);
    }
}

impl<T: Default> Default for McsLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> fmt::Debug for McsLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("McsLock")
    }
}
