//! A queue without a lock and without a bound, after M. Michael and M. Scott (1996).
//!
//! A list that begins with a node whose value is gone (so head and tail never meet in an empty list). To push takes two
//! steps: link the node behind the last, then move `tail` to it. Between them the list is right but `tail` lags; so
//! whoever finds it lagging moves it on before anything else. That *helping* is what makes it lock-free: nobody waits
//! for a thread that lost its core between its two steps.
//!
//! Nodes are freed by epochs, as in [`Stack`](crate::Stack).

use std::{fmt, mem::MaybeUninit, ptr};

use crossbeam_utils::CachePadded;
use model::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicPtr,
        Ordering::{Acquire, Relaxed, Release},
    },
};

use crate::{drop_each::drop_each, reclaim::Domain};

struct Node<T> {
    /// Empty in the first node of the list; moved out by the one thread that makes its node the first.
    value: UnsafeCell<MaybeUninit<T>>,
    /// Null in the last node; set once.
    next: AtomicPtr<Node<T>>,
}

impl<T> Node<T> {
    fn boxed(value: MaybeUninit<T>) -> *mut Self {
        Box::into_raw(Box::new(Self { value: UnsafeCell::new(value), next: AtomicPtr::new(ptr::null_mut()) }))
    }
}

/// First in, first out, for any number of threads.
///
/// ```
/// let queue = synchronization::MsQueue::new();
/// queue.push(1);
/// queue.push(2);
/// assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(1), Some(2), None));
/// ```
pub struct MsQueue<T> {
    /// The node before the oldest value. On cache lines of their own: who pops leaves alone who pushes.
    head: CachePadded<AtomicPtr<Node<T>>>,
    /// The last node, or one before it while a push is between its steps; never one before `head` once `pop` is done.
    tail: CachePadded<AtomicPtr<Node<T>>>,
    nodes: Domain<Node<T>>,
}

// SAFETY: a value is moved in by one thread and out by exactly one other; no reference to it is given out.
unsafe impl<T: Send> Send for MsQueue<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for MsQueue<T> {}

impl<T> MsQueue<T> {
    /// An empty queue.
    pub fn new() -> Self {
        let first = Node::boxed(MaybeUninit::uninit());
        Self {
            head: CachePadded::new(AtomicPtr::new(first)),
            tail: CachePadded::new(AtomicPtr::new(first)),
            nodes: Domain::new(),
        }
    }

    /// Puts `value` at the end.
    pub fn push(&self, value: T) {
        let node = Node::boxed(MaybeUninit::new(value));
        let pinned = self.nodes.pin();
        loop {
            // Acquire: pairs with the Release in `move_tail`: the node there is complete.
            let tail = self.tail.load(Acquire);
            // SAFETY: tail never points to a retired node: `pop` moves it on first.
            let last = unsafe { pinned.follow(tail) };
            // Acquire: pairs with the Release below: the next node is complete before we hand it on by `move_tail`.
            let next = last.next.load(Acquire);
            if !next.is_null() {
                self.move_tail(tail, next);
                continue;
            }
            // Release: pairs with the Acquire loads of `next`: the node is complete before it can be found.
            if last.next.compare_exchange(ptr::null_mut(), node, Release, Relaxed).is_ok() {
                self.move_tail(tail, node);
                return;
            }
        }
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<T> {
        let pinned = self.nodes.pin();
        loop {
            // Acquire: pairs with the Release of the exchange below: the node there is complete.
            let head = self.head.load(Acquire);
            // SAFETY: it was the head since the pin, so it is not freed before the pin ends.
            let first = unsafe { pinned.follow(head) };
            // Acquire: pairs with the Release in `push`: the value is there.
            let next = first.next.load(Acquire);
            if next.is_null() {
                return None;
            }
            // Release: pairs with the Acquire above in the next pop.
            if self.head.compare_exchange(head, next, Release, Relaxed).is_err() {
                continue;
            }
            // Relaxed: only compared. It is not too old a value: whoever linked `next` behind `head` had found `head` in
            // `tail`, and we have seen that link.
            if self.tail.load(Relaxed) == head {
                self.move_tail(head, next); // else it would point to a node that is freed
            }
            // SAFETY: it was reachable since the pin; if another pop retires it now, it is not freed before the pin ends.
            let second = unsafe { pinned.follow(next) };
            // SAFETY: only the thread that makes a node the first takes its value, and that was us.
            let value = second.value.with(|value| unsafe { (*value).assume_init_read() });
            // SAFETY: from a Box, unlinked by us alone, not in `tail`; a MaybeUninit drops nothing.
            unsafe { pinned.retire(head) };
            return Some(value);
        }
    }

    /// Whether there was nothing in it at some moment during the call.
    pub fn is_empty(&self) -> bool {
        let pinned = self.nodes.pin();
        // Acquire: as in `pop`.
        let head = self.head.load(Acquire);
        // SAFETY: it was the head since the pin.
        unsafe { pinned.follow(head) }.next.load(Relaxed).is_null()
    }

    /// Moves `tail` one node on, unless another thread was faster.
    fn move_tail(&self, from: *mut Node<T>, to: *mut Node<T>) {
        // Release: pairs with the Acquire of `tail` in `push`: who finds the node there finds it complete.
        let _ = self.tail.compare_exchange(from, to, Release, Relaxed);
    }
}

impl<T> Drop for MsQueue<T> {
    fn drop(&mut self) {
        struct First<T>(*mut Node<T>);
        impl<T> Drop for First<T> {
            fn drop(&mut self) {
                // SAFETY: all values are out, so it is the only node left that is not retired; nobody else is here.
                drop(unsafe { Box::from_raw(self.0) });
            }
        }
        let mut first = First(ptr::null_mut());
        drop_each(|| {
            let value = self.pop();
            first.0 = self.head.load(Relaxed);
            value
        });
    }
}

impl<T> Default for MsQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for MsQueue<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("MsQueue").field("is_empty", &self.is_empty()).finish_non_exhaustive()
    }
}
