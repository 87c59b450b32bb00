//! Semaphore, event, condition, barrier from outside: bounds, limits, and what each says when it refuses.

use std::{thread, time::Duration};

use shared_memory::{
    lock::{LockError, Mutex},
    sync::{Barrier, Broken, Condition, Event, Semaphore, TooMany},
};

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(15);

#[test]
fn a_bounded_semaphore_refuses_one_too_many() {
    let bounded = Semaphore::bounded(2);
    assert_eq!(bounded.release(), Err(TooMany { most: 2 }));
    bounded.acquire();
    assert_eq!(bounded.release_at(2, |_| ()), Err(TooMany { most: 2 }));
    assert_eq!(bounded.available(), 1, "nothing has changed");
    assert_eq!(bounded.release(), Ok(()));
    let full = Semaphore::new(Semaphore::MOST);
    assert_eq!(full.release(), Err(TooMany { most: Semaphore::MOST }));
    assert_eq!(full.release_at(u32::MAX, |_| ()), Err(TooMany { most: Semaphore::MOST }));
}

#[test]
fn a_semaphore_waits_no_longer_than_it_should() {
    let semaphore = Semaphore::new(1);
    assert!(semaphore.acquire_within(Duration::ZERO));
    assert!(!semaphore.acquire_within(Duration::ZERO));
    assert!(!semaphore.acquire_within(MOMENT));
    thread::scope(|scope| {
        let waits = scope.spawn(|| semaphore.acquire_within(LIMIT));
        semaphore.release().unwrap();
        assert!(waits.join().unwrap());
    });
    assert_eq!(semaphore.available(), 0);
}

#[test]
fn an_event_is_set_cleared_and_waited_for() {
    let event = Event::default();
    assert!(!event.wait_within(MOMENT));
    event.set();
    event.set();
    assert!(event.is_set() && event.wait_within(Duration::ZERO));
    event.wait();
    event.clear();
    assert!(!event.is_set() && !event.wait_within(Duration::ZERO));
    thread::scope(|scope| {
        let waits = [(); 3].map(|()| scope.spawn(|| event.wait_within(LIMIT)));
        event.set();
        assert!(waits.into_iter().all(|waits| waits.join().unwrap()));
    });
}

#[test]
fn a_condition_hands_over_every_token() {
    let (tokens, filled) = (Mutex::new(0_u64), Condition::default());
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut tokens =
                        filled.wait_while(tokens.lock().unwrap(), |tokens| *tokens == 0).unwrap();
                    *tokens -= 1;
                }
            });
        }
        for _ in 0..1_500 {
            *tokens.lock().unwrap() += 1;
            filled.notify_one();
        }
    });
    let late = filled.wait_while_within(tokens.lock().unwrap(), MOMENT, |tokens| *tokens == 0);
    assert!(matches!(late, Err(LockError::TimedOut)));
    assert_eq!(*tokens.lock().unwrap(), 0, "and the lock is free");
}

#[test]
fn a_barrier_breaks_and_is_mended() {
    let barrier = &Barrier::new(3);
    let together = |parties: usize, limit| {
        thread::scope(|scope| {
            let all: Vec<_> = (0..parties).map(|_| scope.spawn(move || barrier.wait(limit))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        })
    };
    for _ in 0..100 {
        let passed = together(3, LIMIT);
        assert_eq!(passed.iter().filter(|one| **one == Ok(true)).count(), 1, "{passed:?}");
        assert_eq!(passed.iter().filter(|one| **one == Ok(false)).count(), 2, "{passed:?}");
    }
    assert_eq!(together(2, MOMENT), [Err(Broken); 2]);
    assert!(barrier.is_broken());
    assert_eq!(together(3, LIMIT), [Err(Broken); 3], "broken for all who come");
    barrier.reset();
    assert!(together(3, LIMIT).iter().all(Result::is_ok));
    assert_eq!(Barrier::new(1).wait(Duration::ZERO), Ok(true));
    assert_eq!(Barrier::default().wait(Duration::ZERO), Ok(true), "for nobody, it keeps nobody");
}
