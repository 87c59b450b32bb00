//! A latch opens when all have counted, not before, and everyone who waits learns it.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time,
};
use synchronization::Latch;

use crate::{HOUR, with};

#[test]
fn it_opens_when_all_have_counted() {
    model::explore(&Explore::named("latch: two count, two wait").preemptions(2).floor(1_080), || {
        let shared = Arc::new((Latch::new(2), AtomicUsize::new(0)));
        let count = |(latch, done): &(Latch, AtomicUsize)| {
            done.fetch_add(1, Relaxed);
            latch.count_down();
        };
        let wait = |(latch, done): &(Latch, AtomicUsize)| {
            latch.wait();
            assert_eq!(done.load(Relaxed), 2, "open too early");
        };
        let others = [with(&shared, count), with(&shared, count), with(&shared, wait)];
        wait(&shared);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(shared.0.count(), 0);
    });
}

#[test]
fn opened_in_time_is_open() {
    model::explore(&Explore::named("latch: opened, then time runs out").floor(3), || {
        let latch = Arc::new(Latch::new(1));
        let waiter = with(&latch, |latch| latch.wait_timeout(HOUR));
        latch.count_down();
        time::pass();
        assert!(waiter.join().unwrap());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use model::sync::{Condvar, Mutex};
    use testkit::must_find;

    use super::*;

    struct Count {
        left: AtomicUsize,
        lock: Mutex<()>,
        opened: Condvar,
    }

    fn count() -> Arc<Count> {
        Arc::new(Count { left: AtomicUsize::new(2), lock: Mutex::new(()), opened: Condvar::new() })
    }

    impl Count {
        fn wait(&self) {
            drop(
                self.opened.wait_while(self.lock.lock().unwrap(), |()| self.left.load(Relaxed) > 0).unwrap(),
            );
        }
    }

    fn two_count(down: fn(&Count)) {
        let latch = count();
        let other = with(&latch, down);
        down(&latch);
        latch.wait();
        other.join().unwrap();
    }

    #[test]
    fn a_count_in_two_steps_is_lost() {
        must_find("latch: counted in two steps", "deadlock", || {
            model::explore(&Explore::named("latch: counted in two steps"), || {
                two_count(|latch| {
                    let left = latch.left.load(Relaxed);
                    latch.left.store(left - 1, Relaxed);
                    drop(latch.lock.lock().unwrap());
                    latch.opened.notify_all();
                });
            });
        });
    }

    #[test]
    fn counted_without_the_lock_the_opening_is_missed() {
        must_find("latch: opened without its lock", "deadlock", || {
            model::explore(&Explore::named("latch: opened without its lock"), || {
                two_count(|latch| {
                    if latch.left.fetch_sub(1, Relaxed) == 1 {
                        latch.opened.notify_all();
                    }
                });
            });
        });
    }
}
