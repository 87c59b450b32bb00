//! A queue of fixed size for one producer and one consumer: no lock, no read-modify-write, one store for each item.
//!
//! Each side owns one position and only reads the other's. Two things make it fast, after Lamport's ring (1983) and
//! the crate `rtrb`: the positions lie on cache lines of their own (else each store of one side takes the line
//! from the other), and each side keeps a copy of the other's position, which it renews only when by that copy
//! the ring is full, or empty. A full round then costs one transfer of a line and not one for each item.
//!
//! That there is *one* producer is not a rule to remember: [`Producer`] cannot be cloned, and `push` takes `&mut`.

use std::{fmt, mem::MaybeUninit};

use crossbeam_utils::CachePadded;
use model::{
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};
use thiserror::Error;

use crate::drop_each::drop_each;

/// A ring of no slots was asked for: it could pass nothing on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a ring needs a capacity of at least 1")]
pub struct ZeroCapacity;

/// The ring is full; the value comes back.
#[derive(Clone, Copy, PartialEq, Eq, Error)]
#[error("the ring is full")]
pub struct Full<T>(pub T);

impl<T> fmt::Debug for Full<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Full(..)")
    }
}

/// A ring that holds up to `capacity` values, by its two ends.
///
/// ```
/// let (mut producer, mut consumer) = synchronization::ring::channel(2);
/// assert!(producer.push('a').is_ok() && producer.push('b').is_ok());
/// assert_eq!(producer.push('c').unwrap_err().0, 'c');
/// assert_eq!((consumer.pop(), consumer.pop(), consumer.pop()), (Some('a'), Some('b'), None));
/// ```
///
/// # Panics
/// When `capacity` is zero, or its memory is more than there is. See [`try_channel`] for a number from outside.
pub fn channel<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    match try_channel(capacity) {
        Ok(ends) => ends,
        Err(why) => panic!("{why}"),
    }
}

/// As [`channel`].
///
/// # Errors
/// [`ZeroCapacity`].
pub fn try_channel<T>(capacity: usize) -> Result<(Producer<T>, Consumer<T>), ZeroCapacity> {
    if capacity == 0 {
        return Err(ZeroCapacity);
    }
    // A power of two, so that a position finds its slot by a mask, and still does after it wrapped around.
    let slots = (0..capacity.next_power_of_two()).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
    let shared = Arc::new(Shared {
        slots,
        head: CachePadded::new(AtomicUsize::new(0)),
        tail: CachePadded::new(AtomicUsize::new(0)),
        abandoned: AtomicBool::new(false),
    });
    let producer = Producer { shared: Arc::clone(&shared), capacity, tail: 0, head: 0 };
    Ok((producer, Consumer { shared, head: 0, tail: 0 }))
}

/// Positions count for ever (and wrap): values from `head` up to `tail` are in the ring.
struct Shared<T> {
    slots: Box<[UnsafeCell<MaybeUninit<T>>]>,
    /// Taken so far. Stored by the consumer only.
    head: CachePadded<AtomicUsize>,
    /// Put so far. Stored by the producer only.
    tail: CachePadded<AtomicUsize>,
    /// One of the two ends is gone.
    abandoned: AtomicBool,
}

// SAFETY: a slot is written by the one producer while it is free and read by the one consumer while it is full; `head`
// and `tail` hand it over. The values themselves move from one thread to the other, hence T: Send.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    fn slot(&self, position: usize) -> &UnsafeCell<MaybeUninit<T>> {
        &self.slots[position & (self.slots.len() - 1)]
    }

    fn is_abandoned(&self) -> bool {
        // Acquire: pairs with the Release of the other end's drop: all it did is seen by what this end does next.
        self.abandoned.load(Acquire)
    }

    fn abandon(&self) {
        // Release: pairs with the Acquire in `is_abandoned`.
        self.abandoned.store(true, Release);
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Relaxed: both ends are gone, and the count of the `Arc` has ordered what they did before this.
        let (mut head, tail) = (self.head.load(Relaxed), self.tail.load(Relaxed));
        drop_each(|| {
            (head != tail).then(|| {
                // SAFETY: the slots from head up to tail are full, and each is read once.
                let value = self.slot(head).with(|slot| unsafe { (*slot).assume_init_read() });
                head = head.wrapping_add(1);
                value
            })
        });
    }
}

/// The end that puts values in.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    capacity: usize,
    /// Put so far: what `shared.tail` holds, without the need to load it.
    tail: usize,
    /// Taken so far, as of the last look.
    head: usize,
}

impl<T> Producer<T> {
    /// Puts `value` in.
    ///
    /// # Errors
    /// [`Full`] with the value if the ring is full.
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if self.tail.wrapping_sub(self.head) == self.capacity {
            // Acquire: pairs with the Release in `pop`: the slot was read before it is overwritten.
            self.head = self.shared.head.load(Acquire);
            if self.tail.wrapping_sub(self.head) == self.capacity {
                return Err(Full(value));
            }
        }
        // SAFETY: fewer than `capacity` values are in the ring, so this slot is free and the consumer is done with it.
        self.shared.slot(self.tail).with_mut(|slot| unsafe {
            (*slot).write(value);
        });
        self.tail = self.tail.wrapping_add(1);
        // Release: pairs with the Acquire in `pop`: the value is there before it is announced.
        self.shared.tail.store(self.tail, Release);
        Ok(())
    }

    /// How many values the ring can hold.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether the consumer is gone: nothing that is pushed will be popped.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Producer").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// The end that takes values out.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    /// Taken so far: what `shared.head` holds, without the need to load it.
    head: usize,
    /// Put so far, as of the last look.
    tail: usize,
}

impl<T> Consumer<T> {
    /// Takes the oldest value out; `None` if the ring is empty.
    pub fn pop(&mut self) -> Option<T> {
        if self.head == self.tail {
            // Acquire: pairs with the Release in `push`: the value was written before it is read.
            self.tail = self.shared.tail.load(Acquire);
            if self.head == self.tail {
                return None;
            }
        }
        // SAFETY: the slot is full, and the producer leaves it alone until `head` has passed it.
        let value = self.shared.slot(self.head).with(|slot| unsafe { (*slot).assume_init_read() });
        self.head = self.head.wrapping_add(1);
        // Release: pairs with the Acquire in `push`: the value is out before the slot is free.
        self.shared.head.store(self.head, Release);
        Some(value)
    }

    /// Whether the producer is gone: when this is so *and then* `pop` gives `None`, nothing will ever come.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.shared.abandon();
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Consumer").finish_non_exhaustive()
    }
}
