//! Lamport's ring (1983) in four forms: what is gained by lines of their own, and what by remembered positions?
//!
//! Both sides share two positions, and each looks at the other's. The values are numbers in atomics here, so that the
//! four forms need no `unsafe`; what they cost is the lines that travel.

use std::{
    array,
    sync::atomic::{
        AtomicU64, AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
};

use super::{CAPACITY, again};

/// Two lines: some processors fetch them in pairs.
const LINES: usize = 128;
/// What is left of them after a position.
const GAP: usize = LINES - size_of::<AtomicUsize>();

/// A form's name, and how it passes so many numbers on: their sum.
pub(super) type Form = (&'static str, fn(u64) -> u64);

pub(super) const FORMS: [Form; 4] = [
    ("positions in one line, looked at each time", pass_on::<0, false>),
    ("in lines of their own, looked at each time", pass_on::<GAP, false>),
    ("in one line, remembered", pass_on::<0, true>),
    ("in lines of their own, remembered", pass_on::<GAP, true>),
];

/// `GAP` bytes keep what stands here apart; as `repr(C)`, it stays in this order.
#[repr(C, align(128))]
struct Ring<const GAP: usize> {
    /// Taken so far. Stored by the consumer only.
    head: AtomicUsize,
    after_head: [u8; GAP],
    /// Put so far. Stored by the producer only.
    tail: AtomicUsize,
    after_tail: [u8; GAP],
    values: [AtomicU64; CAPACITY],
}

fn pass_on<const GAP: usize, const REMEMBER: bool>(values: u64) -> u64 {
    let ring = Box::new(Ring {
        head: AtomicUsize::new(0),
        after_head: [0; GAP],
        tail: AtomicUsize::new(0),
        after_tail: [0; GAP],
        values: array::from_fn(|_| AtomicU64::new(0)),
    });
    thread::scope(|scope| {
        scope.spawn(|| put::<GAP, REMEMBER>(&ring, values as usize));
        take::<GAP, REMEMBER>(&ring, values as usize)
    })
}

fn put<const GAP: usize, const REMEMBER: bool>(ring: &Ring<GAP>, values: usize) {
    let mut head = 0;
    for tail in 0..values {
        let mut tries = 0;
        while !REMEMBER || tail - head == CAPACITY {
            // Acquire: pairs with the Release in `take`: the value was read before its place is used again.
            head = ring.head.load(Acquire);
            if tail - head < CAPACITY {
                break;
            }
            again(&mut tries);
        }
        ring.values[tail % CAPACITY].store(tail as u64, Relaxed);
        // Release: pairs with the Acquire in `take`: the value is there before it is announced.
        ring.tail.store(tail + 1, Release);
    }
}

fn take<const GAP: usize, const REMEMBER: bool>(ring: &Ring<GAP>, values: usize) -> u64 {
    let (mut tail, mut sum) = (0, 0);
    for head in 0..values {
        let mut tries = 0;
        while !REMEMBER || tail == head {
            // Acquire: pairs with the Release in `put`.
            tail = ring.tail.load(Acquire);
            if tail > head {
                break;
            }
            again(&mut tries);
        }
        sum += ring.values[head % CAPACITY].load(Relaxed);
        // Release: pairs with the Acquire in `put`.
        ring.head.store(head + 1, Release);
    }
    sum
}
