//! A stack without a lock, after R. K. Treiber (1986): push and pop each replace the head by one compare-exchange.
//!
//! The trap is ABA. A popper reads head A and its next B, then sleeps; others pop A and B and push a node at A's
//! address again. The popper's compare-exchange finds A, as expected, and makes B the head, which is gone. It needs
//! an address that comes back while someone still remembers it, and that is what epochs (crossbeam-epoch)
//! prevent, together with the use after free of reading A's next. (The lesson `stack` plays it step by step.)
//!
//! Lock-free says that *some* thread always gets on, not that it is fast: under contention all meet at one word, and a
//! mutex around a `Vec` often wins. It is right where a thread must not wait for one that lost its core.

use std::{fmt, mem::ManuallyDrop, ptr};

use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{drop_each::drop_each, reclaim::Domain};

struct Node<T> {
    /// Moved out by the one thread that unlinks the node.
    value: UnsafeCell<ManuallyDrop<T>>,
    /// Written before the node is published, never after.
    next: *mut Node<T>,
}

/// Last in, first out, for any number of threads.
///
/// ```
/// let stack = synchronization::Stack::new();
/// stack.push(1);
/// stack.push(2);
/// assert_eq!((stack.pop(), stack.pop(), stack.pop()), (Some(2), Some(1), None));
/// ```
pub struct Stack<T> {
    head: AtomicPtr<Node<T>>,
    nodes: Domain<Node<T>>,
}

// SAFETY: a value is moved in by one thread and out by exactly one other; no reference to it is given out.
unsafe impl<T: Send> Send for Stack<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Stack<T> {}

impl<T> Stack<T> {
    /// An empty stack.
    pub fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()), nodes: Domain::new() }
    }

    /// Puts `value` on top.
    pub fn push(&self, value: T) {
        let mut node =
            Box::new(Node { value: UnsafeCell::new(ManuallyDrop::new(value)), next: ptr::null_mut() });
        loop {
            let head = self.head.load(Relaxed); // not followed, only compared
            node.next = head;
            let new = Box::into_raw(node);
            // Release: pairs with the Acquire in `pop`: value and next are there before the node can be found.
            if self.head.compare_exchange_weak(head, new, Release, Relaxed).is_ok() {
                return;
            }
            // SAFETY: not published, so it is still ours alone.
            node = unsafe { Box::from_raw(new) };
        }
    }

    /// Takes the topmost value.
    pub fn pop(&self) -> Option<T> {
        let pinned = self.nodes.pin();
        loop {
            // Acquire: pairs with the Release in `push`, also when a pop made this node the head: a pop's exchange is a
            // read-modify-write and so hands on what the pushes before it released.
            let head = self.head.load(Acquire);
            if head.is_null() {
                return None;
            }
            // SAFETY: it was the head since the pin, so it is not freed before the pin ends.
            let node = unsafe { pinned.follow(head) };
            // Since its address cannot come back while we are pinned, `head` still being the head says that
            // `next` still is what follows it: no ABA. Relaxed: publishes nothing.
            if self.head.compare_exchange_weak(head, node.next, Relaxed, Relaxed).is_ok() {
                // SAFETY: only the thread that unlinks a node takes its value, and that was us.
                let value = node.value.with(|value| unsafe { ptr::read(value) });
                // SAFETY: from a Box, unlinked by us alone; its value is a ManuallyDrop, so only memory is freed.
                unsafe { pinned.retire(head) };
                return Some(ManuallyDrop::into_inner(value));
            }
        }
    }

    /// Whether there was nothing in it at some moment during the call.
    pub fn is_empty(&self) -> bool {
        self.head.load(Relaxed).is_null()
    }
}

impl<T> Drop for Stack<T> {
    fn drop(&mut self) {
        drop_each(|| self.pop());
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Stack<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Stack").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
