//! Several locks at once, by address, by backing off, by rank, by level, with a time limit: no schedule deadlocks.

use std::time::Duration;

use deadlock::{Key, Leveled, RankError, Ranked, TimedLock, levels, lock_all, lock_all_backing_off};
use model::{
    Explore,
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

fn plan(name: &str, floor: u64) -> Explore {
    Explore::named(format!("deadlock: {name}")).floor(floor).iterations(1_000)
}

type Three = [Mutex<u32>; 3];

/// Three threads, each of which locks two of three in its own order, the orders a circle; each adds one to both.
/// In one allocation, as a checker wants the addresses in the same order in every execution.
fn circle(
    lock_two: impl for<'a> Fn([&'a Mutex<u32>; 2]) -> [MutexGuard<'a, u32>; 2] + Copy + Send + 'static,
) {
    let locks: Arc<Three> = Arc::new([Mutex::new(0), Mutex::new(0), Mutex::new(0)]);
    let add = move |locks: &Three, first: usize, second: usize| {
        lock_two([&locks[first], &locks[second]]).iter_mut().for_each(|value| **value += 1);
    };
    let others: Vec<_> = [(1, 2), (2, 0)]
        .into_iter()
        .map(|(first, second)| {
            let locks = Arc::clone(&locks);
            thread::spawn(move || add(&locks, first, second))
        })
        .collect();
    add(&locks, 0, 1);
    others.into_iter().for_each(|other| other.join().unwrap());
    assert_eq!(lock_all(locks.each_ref()).unwrap().map(|value| *value), [2, 2, 2]);
}

#[test]
fn by_address() {
    model::explore(&plan("lock_all, three threads in a circle", 50).exhaustive(), || {
        circle(|locks| lock_all(locks).unwrap());
    });
}

#[test]
fn backing_off() {
    model::explore(&plan("lock_all_backing_off, three threads in a circle", 50).preemptions(3), || {
        circle(|locks| lock_all_backing_off(locks).unwrap());
    });
}

/// Whoever would lock downwards gets an error, in every schedule, and nobody waits for ever.
#[test]
fn by_rank() {
    model::explore(&plan("ranks, two orders", 4).exhaustive(), || {
        let locks = Arc::new([Ranked::new("low", 1, 0), Ranked::new("high", 2, 0)]);
        let theirs = Arc::clone(&locks);
        let downwards = thread::spawn(move || {
            let _high = theirs[1].lock().unwrap();
            let expected = RankError::OutOfOrder { wanted: "low", rank: 1, held: "high", held_rank: 2 };
            assert_eq!(theirs[0].lock().err(), Some(expected));
        });
        let mut low = locks[0].lock().unwrap();
        *locks[1].lock().unwrap() += 1;
        *low += 1;
        drop(low);
        downwards.join().unwrap();
    });
}

levels!(First < Second);

#[test]
fn by_level() {
    model::explore(&plan("levels, two threads", 4).exhaustive(), || {
        let locks = Arc::new((Leveled::<First, _>::new(0), Leveled::<Second, _>::new(0)));
        let both = |locks: &(Leveled<First, u32>, Leveled<Second, u32>)| {
            let mut key = Key::of_this_thread().unwrap();
            let (mut first, mut key) = locks.0.lock(&mut key).unwrap();
            let (mut second, _) = locks.1.lock(&mut key).unwrap();
            *first += 1;
            *second += 1;
        };
        let theirs = Arc::clone(&locks);
        let other = thread::spawn(move || both(&theirs));
        both(&locks);
        other.join().unwrap();
    });
}

/// Two orders, with a time limit that may run out at any moment: each ends, with both locks or without.
#[test]
fn within_a_time() {
    model::explore(&plan("time limits, two orders", 20), || {
        let locks = Arc::new([TimedLock::new(), TimedLock::new()]);
        let limit = Duration::from_secs(1);
        let both = move |locks: &[TimedLock; 2], first: usize| {
            let Ok(_first) = locks[first].lock_within(limit) else { return };
            let _ = locks[1 - first].lock_within(limit);
        };
        let theirs = Arc::clone(&locks);
        let other = thread::spawn(move || both(&theirs, 1));
        let clock = thread::spawn(model::time::pass);
        both(&locks, 0);
        other.join().unwrap();
        clock.join().unwrap();
        for lock in &*locks {
            assert!(lock.lock_within(Duration::ZERO).is_ok(), "it was not given back");
        }
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod twins {
    use super::*;
    use testkit::must_find;

    #[test]
    fn as_named() {
        must_find("deadlock: locked in the order in which they are named", "deadlock", || {
            model::explore(&plan("as named", 2), || {
                circle(|locks| locks.map(|lock| lock.lock().unwrap()));
            });
        });
    }

    /// The model must be one in which a time limit matters: without the clock's step nobody gives up.
    #[test]
    fn time_stands_still() {
        must_find("deadlock: time limits that never run out", "deadlock", || {
            model::explore(&plan("time stands still", 2), || {
                let locks = Arc::new([TimedLock::new(), TimedLock::new()]);
                let both = move |locks: &[TimedLock; 2], first: usize| {
                    let _first = locks[first].lock_within(Duration::from_secs(1)).unwrap();
                    let _second = locks[1 - first].lock_within(Duration::from_secs(1)).unwrap();
                };
                let theirs = Arc::clone(&locks);
                let other = thread::spawn(move || both(&theirs, 1));
                both(&locks, 0);
                other.join().unwrap();
            });
        });
    }
}
