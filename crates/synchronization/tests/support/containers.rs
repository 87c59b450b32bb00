//! Our three containers and two wrong ones behind one face, so that one driver records them all.
#![allow(dead_code, reason = "a plain run of the models leaves out the wrong ones")]

use model::sync::Mutex;
use synchronization::{MsQueue, Stack, ring};

use crate::linearizability::{Sequential, What};

pub(crate) trait Container: Send + Sync + 'static {
    fn put(&self, value: u32) -> What;
    fn take(&self) -> What;
    /// What it should be.
    fn object(&self) -> Sequential;
}

impl Container for Stack<u32> {
    fn put(&self, value: u32) -> What {
        self.push(value);
        What::Put(value)
    }

    fn take(&self) -> What {
        What::Took(self.pop())
    }

    fn object(&self) -> Sequential {
        Sequential::stack()
    }
}

impl Container for MsQueue<u32> {
    fn put(&self, value: u32) -> What {
        self.push(value);
        What::Put(value)
    }

    fn take(&self) -> What {
        What::Took(self.pop())
    }

    fn object(&self) -> Sequential {
        Sequential::queue(usize::MAX)
    }
}

/// The ring's two ends: each used by one thread at a time only, so their locks are never waited for.
pub(crate) struct Ring {
    producer: Mutex<ring::Producer<u32>>,
    consumer: Mutex<ring::Consumer<u32>>,
}

impl Ring {
    pub(crate) const CAPACITY: usize = 2;

    pub(crate) fn new() -> Self {
        let (producer, consumer) = ring::channel(Self::CAPACITY);
        Self { producer: Mutex::new(producer), consumer: Mutex::new(consumer) }
    }
}

impl Container for Ring {
    fn put(&self, value: u32) -> What {
        match self.producer.try_lock().expect("one producer").push(value) {
            Ok(()) => What::Put(value),
            Err(ring::Full(value)) => What::Refused(value),
        }
    }

    fn take(&self) -> What {
        What::Took(self.consumer.try_lock().expect("one consumer").pop())
    }

    fn object(&self) -> Sequential {
        Sequential::queue(Self::CAPACITY)
    }
}

/// Wrong on purpose: looks at the top under one lock and removes it under another.
#[derive(Default)]
pub(crate) struct LooksThenTakes(Mutex<Vec<u32>>);

impl Container for LooksThenTakes {
    fn put(&self, value: u32) -> What {
        self.0.lock().unwrap().push(value);
        What::Put(value)
    }

    fn take(&self) -> What {
        let top = self.0.lock().unwrap().last().copied();
        self.0.lock().unwrap().pop();
        What::Took(top)
    }

    fn object(&self) -> Sequential {
        Sequential::stack()
    }
}

/// Wrong on purpose, and subtly: two queues in turn, as some "sharded" queues do. Loses nothing, but it is not FIFO.
#[derive(Default)]
pub(crate) struct TwoLanes {
    lanes: [MsQueue<u32>; 2],
    next: Mutex<usize>,
}

impl Container for TwoLanes {
    fn put(&self, value: u32) -> What {
        let lane = {
            let mut next = self.next.lock().unwrap();
            *next += 1;
            *next % 2
        };
        self.lanes[lane].push(value);
        What::Put(value)
    }

    fn take(&self) -> What {
        What::Took(self.lanes.iter().find_map(MsQueue::pop))
    }

    fn object(&self) -> Sequential {
        Sequential::queue(usize::MAX)
    }
}
