//! The hand-made primitives under two threads, for ThreadSanitizer to watch: `just tsan`.
//!
//! ThreadSanitizer knows of an ordering only what instrumented code does, and std comes compiled without: it takes
//! std's channels, scopes and even the test harness for races. It does know `spawn` and `join`, so here is nothing
//! else: no harness, no `thread::scope`, no std `Arc`, nothing over std's `Mutex`. It knows no fences either, so what
//! relies on them (the sequence lock, epochs) is left to the model checkers.
//!
//! `tsan race` is a race on purpose, which must be reported: else the silence about the others means nothing.

#[cfg(target_os = "linux")]
fn main() {
    if std::env::args().nth(1).as_deref() == Some("race") {
        watched::race();
    } else {
        watched::primitives();
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: only for Linux");
}

#[cfg(target_os = "linux")]
mod watched {
    use std::{cell::UnsafeCell, thread};

    use synchronization::{
        Snapshot,
        arc::Arc,
        futex,
        ring::{self, Full},
        spin,
    };

    const ROUNDS: usize = 20_000;

    /// Memory that nothing guards but what is on trial.
    struct Bare(UnsafeCell<usize>);

    // SAFETY: whether it is used by one thread at a time is what ThreadSanitizer is to judge.
    unsafe impl Sync for Bare {}

    impl Bare {
        fn add_one(&self) {
            // SAFETY: on trial.
            unsafe { *self.0.get() += 1 };
        }
    }

    /// Nothing orders the two threads.
    pub(super) fn race() {
        let bare = Arc::new(Bare(UnsafeCell::new(0)));
        both(&bare, Bare::add_one);
    }

    pub(super) fn primitives() {
        sum("SpinLock", spin::SpinLock::new(0), |lock| *lock.lock() += 1, |lock| *lock.lock());
        sum("TicketLock", spin::TicketLock::new(0), |lock| *lock.lock() += 1, |lock| *lock.lock());
        sum("McsLock", spin::McsLock::new(0), |lock| lock.with(|n| *n += 1), |lock| lock.with(|n| *n));
        sum("futex::Mutex", futex::Mutex::new(0), |lock| *lock.lock() += 1, |lock| *lock.lock());
        sum("futex::RwLock", futex::RwLock::new(0), |lock| *lock.write() += 1, |lock| *lock.read());
        let guarded = (futex::Semaphore::new(1), Bare(UnsafeCell::new(0)));
        let add_one = |(semaphore, bare): &(futex::Semaphore, Bare)| {
            let _permit = semaphore.acquire();
            bare.add_one();
        };
        // SAFETY: both threads have ended by then.
        sum("futex::Semaphore", guarded, add_one, |(_, bare)| unsafe { *bare.0.get() });
        sum("Snapshot", Snapshot::new(0), |last| drop(last.update(|n| n + 1)), |last| *last.load());
        // In the second places come back in batches.
        for capacity in [4, 64] {
            ring(capacity);
        }
        arc();
    }

    /// Runs `add_one` as often as agreed on each of two threads, and looks whether none got lost.
    fn sum<T: Send + Sync + 'static>(name: &str, shared: T, add_one: fn(&T), total: fn(&T) -> usize) {
        let shared = Arc::new(shared);
        both(&shared, add_one);
        assert_eq!(total(&shared), 2 * ROUNDS, "{name}");
        println!("{name}");
    }

    fn both<T: Send + Sync + 'static>(shared: &Arc<T>, call: fn(&T)) {
        let theirs = shared.clone();
        let other = thread::spawn(move || (0..ROUNDS).for_each(|_| call(&theirs)));
        (0..ROUNDS).for_each(|_| call(shared));
        other.join().expect("the other thread ends well");
    }

    fn ring(capacity: usize) {
        let (mut producer, mut consumer) = ring::channel(capacity);
        let other = thread::spawn(move || {
            for round in 0..ROUNDS {
                let mut value = Box::new(round);
                while let Err(Full(back)) = producer.push(value) {
                    value = back;
                    thread::yield_now();
                }
            }
        });
        for round in 0..ROUNDS {
            let value = loop {
                match consumer.pop() {
                    Some(value) => break *value,
                    None => thread::yield_now(),
                }
            };
            assert_eq!(value, round, "ring");
        }
        other.join().expect("the producer ends well");
        println!("ring of {capacity}");
    }

    /// Whoever is the last to drop it frees what the other has just read.
    fn arc() {
        let rounds: Vec<_> = (0..ROUNDS).map(|round| Arc::new(vec![round])).collect();
        let theirs = rounds.clone();
        let use_up = |shares: Vec<Arc<Vec<usize>>>| {
            for (round, share) in shares.into_iter().enumerate() {
                assert_eq!(share[0], round, "arc");
            }
        };
        let other = thread::spawn(move || use_up(theirs));
        use_up(rounds);
        other.join().expect("the other thread ends well");
        println!("arc");
    }
}
