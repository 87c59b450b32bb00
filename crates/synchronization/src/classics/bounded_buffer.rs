//! Bounded buffer (Dijkstra 1965): producers wait while it is full, consumers while it is empty, and nothing is lost.
//!
//! Two semaphores count the free places and the filled ones; a mutex guards the places. The order matters: whoever
//! takes the mutex first and *then* waits for a place keeps out the one who would make it (Downey 4.1.3, "Deadlock #4").
//!
//! Invariant: free + filled + in somebody's hand = capacity. In Python: `queue.Queue(maxsize)`.

use std::collections::VecDeque;

use model::{
    sync::{Arc, Mutex},
    thread,
};

use super::{signal, wait_for};
use crate::Semaphore;

/// A buffer for a fixed number of items.
pub struct BoundedBuffer<T> {
    free: Semaphore,
    filled: Semaphore,
    places: Mutex<VecDeque<T>>,
    capacity: usize,
}

impl<T> BoundedBuffer<T> {
    /// An empty one.
    pub fn new(capacity: usize) -> Self {
        Self {
            free: Semaphore::new(capacity),
            filled: Semaphore::new(0),
            places: Mutex::new(VecDeque::new()),
            capacity,
        }
    }

    /// Puts `item`, waiting for a free place.
    pub fn put(&self, item: T) {
        wait_for(&self.free);
        let mut places = self.places.lock().expect("nothing panics under it");
        places.push_back(item);
        assert!(places.len() <= self.capacity, "fuller than full");
        drop(places);
        signal(&self.filled);
    }

    /// Takes the oldest item, waiting for one.
    pub fn take(&self) -> T {
        wait_for(&self.filled);
        let item = self.places.lock().expect("nothing panics under it").pop_front();
        signal(&self.free);
        item.expect("as many items as permits")
    }
}

/// `producers` put `each` numbers, as many consumers take as many. Returns the sorted numbers that were taken.
pub fn run(producers: usize, each: usize, capacity: usize) -> Vec<usize> {
    let buffer = Arc::new(BoundedBuffer::new(capacity));
    let mut threads = Vec::new();
    for producer in 0..producers {
        let ours = Arc::clone(&buffer);
        threads.push(thread::spawn(move || {
            (0..each).for_each(|number| ours.put(producer * each + number));
            Vec::new()
        }));
        let ours = Arc::clone(&buffer);
        threads.push(thread::spawn(move || (0..each).map(|_| ours.take()).collect()));
    }
    let mut taken: Vec<usize> =
        threads.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect();
    taken.sort_unstable();
    taken
}
