//! Semaphore, event, condition, barrier: a waiter or a caller is killed, and another waiter gets what is its due.

use std::{sync::atomic::Ordering::Relaxed, thread, time::Duration};

use shared_memory::{
    Memfd, Shared,
    lock::{LockError, LockResult, Mutex},
    peer::{self, at},
    shared,
    sync::{Barrier, Broken, Condition, Event, Semaphore},
};

use crate::{LIMIT, Random, cast, must_die};

shared! {
    struct All {
        semaphore: Semaphore,
        event: Event,
        barrier: Barrier,
        tokens: Mutex<u64>,
        filled: Condition,
    }
}

fn create() -> (Memfd, Shared<All>) {
    let memory = Memfd::create("rust-kills", Shared::<All>::size(0)).unwrap();
    let all = Shared::<All>::create(&memory, |all, _| all.barrier = Barrier::new(2)).unwrap();
    (memory, all)
}

/// One number: whatever it is, it is whole.
fn taken(outcome: LockResult<'_, u64>) -> shared_memory::lock::Guard<'_, u64> {
    match outcome {
        Ok(guard) => guard,
        Err(LockError::OwnerDied(mut guard)) => {
            guard.make_consistent();
            guard
        }
        Err(other) => panic!("{other}"),
    }
}

/// The other process does one thing, and is killed on the way.
pub(crate) fn victim() {
    let all = Shared::<All>::attach(peer::memory().unwrap()).unwrap();
    peer::say("begun");
    match peer::word(0).unwrap().as_str() {
        "acquire" => drop(all.semaphore.acquire_at(None, at)),
        "release" => all.semaphore.release_at(1, at).unwrap(),
        "wait" => drop(all.event.wait_at(None, at)),
        "set" => all.event.set_at(at),
        "sleep" => {
            let mut guard = taken(all.tokens.lock());
            while *guard == 0 {
                all.filled.sleep_at(|| drop(guard), None, at);
                guard = taken(all.tokens.lock());
                at("locked");
            }
        }
        "notify" => {
            *taken(all.tokens.lock()) += 1;
            all.filled.notify_at(1, at);
        }
        "come" => drop(all.barrier.wait_at(Some(LIMIT), at)),
        other => panic!("{other}"),
    }
    peer::say("not killed");
}

/// Dies at this point of this deed; what it was told to be killed at is passed once.
fn killed(memory: &Memfd, deed: &str, point: &str) {
    let mut victim = cast("victim", memory, &[deed]).killed_at(point, 1).start().unwrap();
    must_die(&mut victim, &format!("{deed}, {point}"));
}

/// Kills so many, at each of these points in turn from a random one.
fn each(cases: &[(&str, &str)], random: &mut Random, kills: u64, mut case: impl FnMut(&str, &str)) {
    let first = random.below(cases.len() as u64);
    for turn in first..first + kills {
        let (deed, point) = cases[turn as usize % cases.len()];
        case(deed, point);
    }
}

pub(crate) fn semaphore(random: &mut Random, kills: u64) {
    let (memory, all) = create();
    let cases = [("acquire", "marked"), ("acquire", "woken"), ("release", "released"), ("acquire", "taken")];
    each(&cases, random, kills, |deed, point| {
        if point == "taken" {
            // A permit has no owner: it is gone with whoever had it.
            all.semaphore.release().unwrap();
            killed(&memory, deed, point);
            assert_eq!(all.semaphore.available(), 0);
            return;
        }
        thread::scope(|scope| {
            let survivor = scope.spawn(|| all.semaphore.acquire_within(LIMIT));
            while all.semaphore.state.load(Relaxed) != Semaphore::SLEEPERS {
                thread::yield_now();
            }
            killed(&memory, deed, point);
            if deed == "acquire" {
                all.semaphore.release().unwrap();
            }
            assert!(survivor.join().unwrap(), "{deed}, {point}: a permit that nobody gets");
        });
        assert_eq!(all.semaphore.available(), 0, "{deed}, {point}");
    });
}

pub(crate) fn event(random: &mut Random, kills: u64) {
    let (memory, all) = create();
    let cases = [("wait", "marked"), ("wait", "woken"), ("set", "set")];
    each(&cases, random, kills, |deed, point| {
        thread::scope(|scope| {
            let survivor = scope.spawn(|| all.event.wait_within(LIMIT));
            while all.event.state.load(Relaxed) & Event::SLEEPERS == 0 {
                thread::yield_now();
            }
            killed(&memory, deed, point);
            if deed == "wait" {
                all.event.set();
            }
            assert!(survivor.join().unwrap(), "{deed}, {point}: set, and somebody waits");
        });
        all.event.clear();
    });
}

pub(crate) fn condition(random: &mut Random, kills: u64) {
    let (memory, all) = create();
    let cases = [("sleep", "unlocked"), ("sleep", "woken"), ("sleep", "locked"), ("notify", "counted")];
    each(&cases, random, kills, |deed, point| {
        thread::scope(|scope| {
            let waiters = all.filled.waiters.load(Relaxed);
            let survivor = scope.spawn(|| {
                let mut guard = taken(all.tokens.lock());
                // A holder may die meanwhile: repaired, it waits on.
                while *guard == 0 {
                    guard = taken(all.filled.wait_while_within(guard, LIMIT, |tokens| *tokens == 0));
                }
                *guard -= 1;
            });
            while all.filled.waiters.load(Relaxed) == waiters {
                thread::yield_now();
            }
            killed(&memory, deed, point);
            if deed == "sleep" {
                *taken(all.tokens.lock()) += 1;
                all.filled.notify_one();
            }
            survivor.join().unwrap();
        });
        assert_eq!(*taken(all.tokens.lock()), 0, "{deed}, {point}");
    });
}

pub(crate) fn barrier(random: &mut Random, kills: u64) {
    let (memory, all) = create();
    all.barrier.parties.store(3, Relaxed);
    // Far below what anybody waits for who is not to be disappointed.
    let moment = Duration::from_millis(1);
    let together = |limit: Duration, parties: usize| {
        thread::scope(|scope| {
            let all = (0..parties).map(|_| scope.spawn(|| all.barrier.wait(limit))).collect::<Vec<_>>();
            all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        })
    };
    each(&[("come", "come"), ("come", "woken")], random, kills, |deed, point| {
        // Who has come has come, dead or not: the two others get through.
        killed(&memory, deed, point);
        let passed = together(LIMIT, 2);
        assert_eq!(passed.iter().filter(|one| **one == Ok(true)).count(), 1, "{point}: {passed:?}");
        assert!(!passed.contains(&Err(Broken)), "{point}: {passed:?}");
        // The next time it is missing.
        assert_eq!(together(moment, 2), [Err(Broken); 2], "{point}: one is missing");
        assert_eq!(all.barrier.wait(LIMIT), Err(Broken), "{point}: and who comes later is told at once");
        all.barrier.reset();
        let passed = together(LIMIT, 3);
        assert!(!passed.contains(&Err(Broken)), "{point}: mended, and with another in its place: {passed:?}");
    });
}
