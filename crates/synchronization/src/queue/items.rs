//! The order of a queue is a container's: three of them, a line each.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

/// What a [`BlockingQueue`](super::BlockingQueue) keeps its items in: only their order is decided here.
pub trait Items: Default {
    /// What is queued.
    type Item;

    /// Adds one.
    fn push(&mut self, item: Self::Item);

    /// Removes the one whose turn it is, if there is any.
    fn pop(&mut self) -> Option<Self::Item>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The oldest first.
#[derive(Debug)]
pub struct Fifo<T>(VecDeque<T>);

/// The youngest first.
#[derive(Debug)]
pub struct Lifo<T>(Vec<T>);

/// The smallest first.
#[derive(Debug)]
pub struct Priority<T>(BinaryHeap<Reverse<T>>);

impl<T> Default for Fifo<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> Default for Lifo<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord> Default for Priority<T> {
    fn default() -> Self {
        Self(BinaryHeap::new())
    }
}

impl<T> Items for Fifo<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.0.push_back(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.0.pop_front()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T> Items for Lifo<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.0.push(item);
    }

    fn pop(&mut self) -> Option<T> {
        self.0.pop()
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl<T: Ord> Items for Priority<T> {
    type Item = T;

    fn push(&mut self, item: T) {
        self.0.push(Reverse(item));
    }

    fn pop(&mut self) -> Option<T> {
        self.0.pop().map(|Reverse(item)| item)
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}
