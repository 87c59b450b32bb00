//! A queue of fixed size for one producer and one consumer: no lock, no read-modify-write, one cache line for each hand-over.
//!
//! What is slow between two cores is not an instruction but the journey of a cache line: some 100 ns. So count journeys:
//!
//! - Each value stands beside the *stamp* that says that it is there, in one line: the consumer that looks for the stamp
//!   has the value with it. A shared position, as in Lamport's ring (1983), would be a second line to wait for. The idea
//!   is that of FastForward (Giacomoni, Moseley, Vachharajani 2008).
//! - The consumer's position lies on a line of its own; the producer keeps a copy, and looks again only when by that
//!   the ring is full, as in the crate `rtrb`.
//! - The consumer stores its position only after a batch, a thirty-second of the ring, and when it finds the ring empty (MCRingBuffer:
//!   Lee, Bu, Chandranmenon 2010). Else a producer that is the faster one fetches that line for every place it gets.
//!
//! The last has a price: of a ring for 64 or more, places come back [a batch at a time](Producer::push).
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
    let slots = (0..capacity.next_power_of_two()).map(|_| Slot::empty()).collect();
    let head = CachePadded::new(AtomicUsize::new(0));
    let shared = Arc::new(Shared { slots, head, abandoned: AtomicBool::new(false) });
    let producer = Producer { shared: Arc::clone(&shared), capacity, tail: 0, head: 0 };
    Ok((producer, Consumer { shared, head: 0, stored: 0, batch: (capacity / BATCHES).max(1) }))
}

/// In how many batches the places of a ring come back. Fewer are not faster, as the bench `channels` shows.
const BATCHES: usize = 32;

/// Positions count for ever (and wrap). The consumer's is `head`; the producer's, `tail`, is nowhere but in the producer.
struct Shared<T> {
    slots: Box<[Slot<T>]>,
    /// Taken so far, or a little less. Stored by the consumer only.
    head: CachePadded<AtomicUsize>,
    /// One of the two ends is gone.
    abandoned: AtomicBool,
}

// ANCHOR: slot
/// A place for a value.
struct Slot<T> {
    /// In which lap it was filled last: `true` and `false` take turns, so `true` is the first and `false` is also "never".
    /// One bit will do: the producer is at most one lap ahead. Stored by the producer only.
    stamp: AtomicBool,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    fn empty() -> Self {
        Self { stamp: AtomicBool::new(false), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Puts `value` in and says so.
    ///
    /// # Safety
    /// There is none in it, and nobody else uses the slot until it bears `stamp`.
    unsafe fn fill(&self, stamp: bool, value: T) {
        // SAFETY: as above.
        self.value.with_mut(|slot| unsafe {
            (*slot).write(value);
        });
        // Release: pairs with the Acquire in `pop`: the value is there before it is announced.
        self.stamp.store(stamp, Release);
    }

    /// Takes the value out.
    ///
    /// # Safety
    /// There is one, nobody writes it, and nobody takes it again.
    unsafe fn take(&self) -> T {
        // SAFETY: as above.
        self.value.with(|value| unsafe { (*value).assume_init_read() })
    }
}
// ANCHOR_END: slot

// SAFETY: a slot is written by the one producer while it is free and read by the one consumer while it is full; its stamp
// and `head` hand it over. The values themselves move from one thread to the other, hence T: Send.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    /// The slot of `position`, and the stamp it has when that is filled.
    fn slot(&self, position: usize) -> (&Slot<T>, bool) {
        let slots = self.slots.len();
        (&self.slots[position & (slots - 1)], position & slots == 0)
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
        // Relaxed, here and below: both ends are gone, and the count of the `Arc` has ordered what they did before this.
        let mut head = self.head.load(Relaxed);
        drop_each(|| {
            let (slot, stamp) = self.slot(head);
            (slot.stamp.load(Relaxed) == stamp).then(|| {
                head = head.wrapping_add(1);
                // SAFETY: it was filled in this lap and not taken; the position moves on, so it is not taken again.
                unsafe { slot.take() }
            })
        });
    }
}

/// The end that puts values in.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    capacity: usize,
    /// Put so far.
    tail: usize,
    /// Taken so far, as of the last look.
    head: usize,
}

impl<T> Producer<T> {
    /// Puts `value` in.
    ///
    /// # Errors
    /// [`Full`] with the value if the ring is full. A place is free as soon as its value was popped if the ring is for
    /// less than 64; else when a thirty-second of the ring was popped, or a `pop` found nothing.
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if self.tail.wrapping_sub(self.head) == self.capacity {
            // Acquire: pairs with the Release in `Consumer::store_head`: the slot was read before it is overwritten.
            self.head = self.shared.head.load(Acquire);
            if self.tail.wrapping_sub(self.head) == self.capacity {
                return Err(Full(value));
            }
        }
        let (slot, stamp) = self.shared.slot(self.tail);
        // SAFETY: fewer than `capacity` values are in the ring, so this slot is free and the consumer is done with it.
        unsafe { slot.fill(stamp, value) };
        self.tail = self.tail.wrapping_add(1);
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
    /// Taken so far.
    head: usize,
    /// What `shared.head` holds: at most `batch - 1` less.
    stored: usize,
    batch: usize,
}

impl<T> Consumer<T> {
    /// Takes the oldest value out; `None` if the ring is empty.
    pub fn pop(&mut self) -> Option<T> {
        let (slot, stamp) = self.shared.slot(self.head);
        // Acquire: pairs with the Release in `Slot::fill`: the value was written before it is read.
        if slot.stamp.load(Acquire) != stamp {
            self.store_head();
            return None;
        }
        // SAFETY: the slot is full, and the producer leaves it alone until `shared.head` has passed it.
        let value = unsafe { slot.take() };
        self.head = self.head.wrapping_add(1);
        if self.head.wrapping_sub(self.stored) == self.batch {
            self.store_head();
        }
        Some(value)
    }

    /// Gives back the places of all that was taken.
    fn store_head(&mut self) {
        if self.stored != self.head {
            self.stored = self.head;
            // Release: pairs with the Acquire in `push`: the values are out before their slots are free.
            self.shared.head.store(self.stored, Release);
        }
    }

    /// Whether the producer is gone: when this is so *and then* `pop` gives `None`, nothing will ever come.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        // Else what was taken last would be dropped again with the ring.
        self.store_head();
        self.shared.abandon();
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Consumer").finish_non_exhaustive()
    }
}
