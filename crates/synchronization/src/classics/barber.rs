//! The sleeping barber (Dijkstra 1965): no customer, and he sleeps; no free chair, and a customer goes away.
//!
//! Invariants: he cuts one at a time, never more wait than there are chairs, and who took a chair is served. The
//! difficulty: a customer who looks, sees him at work and sits down just as he looks, sees nobody and falls asleep: both
//! wait for ever. A semaphore cures it, as it remembers a signal that nobody waits for yet.
//!
//! In Rust as in Python this is a server with a bounded backlog: `try_put`, and "come back later" when it is full.

use model::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{signal, wait_for};
use crate::Semaphore;

/// The shop with its chairs.
pub struct Shop {
    chairs: usize,
    waiting: Mutex<usize>,
    customer_is_there: Semaphore,
    barber_is_ready: Semaphore,
    hair_is_cut: Semaphore,
    customer_is_off: Semaphore,
    in_the_barbers_chair: AtomicUsize,
}

impl Shop {
    /// An empty shop.
    pub fn new(chairs: usize) -> Self {
        Self {
            chairs,
            waiting: Mutex::new(0),
            customer_is_there: Semaphore::new(0),
            barber_is_ready: Semaphore::new(0),
            hair_is_cut: Semaphore::new(0),
            customer_is_off: Semaphore::new(0),
            in_the_barbers_chair: AtomicUsize::new(0),
        }
    }

    /// A customer comes in. Returns whether the hair was cut, `false` if no chair was free.
    pub fn visit(&self) -> bool {
        let mut waiting = self.waiting.lock().expect("nothing panics under it");
        if *waiting == self.chairs {
            return false;
        }
        *waiting += 1;
        drop(waiting);
        signal(&self.customer_is_there);
        wait_for(&self.barber_is_ready);
        *self.waiting.lock().expect("nothing panics under it") -= 1;
        // Relaxed, here and below: it only counts heads; what orders one customer after the other is what it checks.
        assert_eq!(self.in_the_barbers_chair.fetch_add(1, Relaxed), 0, "two in the barber's chair");
        wait_for(&self.hair_is_cut);
        self.in_the_barbers_chair.fetch_sub(1, Relaxed);
        signal(&self.customer_is_off);
        true
    }

    /// The barber serves one customer, or sleeps until one comes. Returns `false` if the shop is closed instead.
    pub fn serve(&self) -> bool {
        wait_for(&self.customer_is_there);
        if *self.waiting.lock().expect("nothing panics under it") == 0 {
            return false;
        }
        signal(&self.barber_is_ready);
        signal(&self.hair_is_cut);
        // Else the next customer could sit down on this one.
        wait_for(&self.customer_is_off);
        true
    }

    /// Wakes the barber to go home, after the last customer has left.
    pub fn close(&self) {
        signal(&self.customer_is_there);
    }
}

/// `customers` come once each. Returns how many were served, and how many went away.
pub fn run(customers: usize, chairs: usize) -> (usize, usize) {
    let shop = Arc::new(Shop::new(chairs));
    let visits: Vec<_> = (0..customers)
        .map(|_| {
            let shop = Arc::clone(&shop);
            thread::spawn(move || shop.visit())
        })
        .collect();
    let his = Arc::clone(&shop);
    let barber = thread::spawn(move || std::iter::from_fn(|| his.serve().then_some(())).count());
    let served: usize =
        visits.into_iter().map(|visit| usize::from(visit.join().expect("it does not panic"))).sum();
    shop.close();
    assert_eq!(barber.join().expect("it does not panic"), served, "as many cuts as heads");
    (served, customers - served)
}
