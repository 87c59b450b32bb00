//! The wrong solutions that everybody finds first.
#![cfg(all(feature = "shuttle", not(feature = "loom")))]

use std::sync::PoisonError;

use model::{
    sync::{Arc, Condvar, Mutex},
    thread::{self, JoinHandle},
};
use synchronization::{
    Semaphore,
    classics::{bathroom, signal, wait_for, water},
};

fn join_all(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// The consumer waits for an item with the lock in its hand: the producer cannot bring one.
pub(super) fn mutex_first() {
    let buffer = Arc::new((Semaphore::new(0), Mutex::new(Vec::new())));
    let ours = Arc::clone(&buffer);
    let consumer = thread::spawn(move || {
        let mut places = ours.1.lock().unwrap();
        wait_for(&ours.0);
        assert_eq!(places.pop(), Some(1));
    });
    buffer.1.lock().unwrap().push(1);
    signal(&buffer.0);
    consumer.join().unwrap();
}

/// He looks whether somebody waits, and sleeps if not; a customer who comes in between wakes nobody.
pub(super) fn barber_who_looks_first() {
    let shop = Arc::new((Mutex::new(0), Condvar::new()));
    let his = Arc::clone(&shop);
    let barber = thread::spawn(move || {
        let nobody = *his.0.lock().unwrap() == 0;
        if nobody {
            let waiting = his.0.lock().unwrap();
            drop(his.1.wait(waiting).unwrap());
        }
        *his.0.lock().unwrap() -= 1;
    });
    *shop.0.lock().unwrap() += 1;
    shop.1.notify_one();
    barber.join().unwrap();
}

/// Atoms are let go in threes, and who is slow bonds with the next molecule.
pub(super) fn water_without_a_barrier() {
    use water::Atom::{Hydrogen, Oxygen};
    struct Vessel {
        waiting: Mutex<[usize; 2]>,
        may_bond: [Semaphore; 2],
        product: Mutex<Vec<water::Atom>>,
    }
    let vessel = Arc::new(Vessel {
        waiting: Mutex::new([0; 2]),
        may_bond: [Semaphore::new(0), Semaphore::new(0)],
        product: Mutex::new(Vec::new()),
    });
    let atoms = [Hydrogen, Hydrogen, Oxygen, Hydrogen, Hydrogen, Oxygen].map(|atom| {
        let vessel = Arc::clone(&vessel);
        thread::spawn(move || {
            let mut waiting = vessel.waiting.lock().unwrap();
            waiting[atom as usize] += 1;
            if waiting[0] >= 2 && waiting[1] >= 1 {
                *waiting = [waiting[0] - 2, waiting[1] - 1];
                vessel.may_bond[0].release(2);
                vessel.may_bond[1].release(1);
            }
            drop(waiting);
            wait_for(&vessel.may_bond[atom as usize]);
            vessel.product.lock().unwrap().push(atom);
        })
    });
    join_all(atoms);
    water::check(&vessel.product.lock().unwrap());
}

/// Looks whether the others are inside, and goes in when they are not: by then they are.
pub(super) fn bathroom_that_is_looked_into() {
    let inside = Arc::new(Mutex::new([0; 2]));
    let visitors = [0, 1].map(|sex| {
        let inside = Arc::clone(&inside);
        thread::spawn(move || {
            let look = || *inside.lock().unwrap_or_else(PoisonError::into_inner);
            while look()[1 - sex] > 0 {
                thread::yield_now();
            }
            let mut all = inside.lock().unwrap();
            all[sex] += 1;
            bathroom::check(*all);
            drop(all);
            inside.lock().unwrap()[sex] -= 1;
        })
    });
    join_all(visitors);
}

/// The third elf wakes Santa, and a fourth has come in before he opens.
pub(super) fn elves_without_a_door() {
    const GROUP: usize = 3;
    let house = Arc::new((Mutex::new(0_usize), Semaphore::new(0)));
    let elves: Vec<_> = (0..2 * GROUP)
        .map(|_| {
            let house = Arc::clone(&house);
            thread::spawn(move || {
                let mut elves = house.0.lock().unwrap();
                *elves += 1;
                if elves.is_multiple_of(GROUP) {
                    signal(&house.1);
                }
            })
        })
        .collect();
    wait_for(&house.1);
    assert_eq!(*house.0.lock().unwrap(), GROUP, "elves are helped in threes");
    join_all(elves);
}
