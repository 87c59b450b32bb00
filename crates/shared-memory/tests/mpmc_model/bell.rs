//! The queue's bell: nobody sleeps on what is there.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
    thread,
};
use shared_memory::mpmc::bell::Bell;

use super::Start;

/// Two do something and ring, a third sleeps until both have.
fn two_ring(sleep: fn(&Bell, &dyn Fn() -> bool)) {
    let shared = Arc::new((Bell::default(), [(); 2].map(|()| AtomicU64::new(0)), Start::default()));
    let others = [0, 1].map(|me| {
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            let (bell, done, start) = &*theirs;
            start.go();
            done[me].store(1, Release);
            bell.ring();
        })
    });
    let (bell, done, start) = &*shared;
    start.go();
    let all_done = || done.iter().all(|it| it.load(Acquire) == 1);
    while !all_done() {
        sleep(bell, &all_done);
    }
    for other in others {
        other.join().unwrap();
    }
}

#[test]
fn nobody_sleeps_on_what_is_there() {
    model::explore(&Explore::named("mpmc: the bell").preemptions(2).floor(700), || {
        two_ring(|bell, all_done| {
            let seen = bell.announce();
            if !all_done() {
                bell.sleep(seen, None);
            }
        });
    });
}

/// It says that it sleeps, and sleeps: what was done before the bell could know stays unseen.
#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn asleep_without_another_look() {
    testkit::must_find("mpmc: asleep without another look", "deadlock", || {
        model::explore(&Explore::named("mpmc: asleep without another look").preemptions(2), || {
            two_ring(|bell, _| bell.sleep(bell.announce(), None));
        });
    });
}
