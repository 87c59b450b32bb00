//! A shared counter hands each piece to exactly one worker, in every schedule; and a checker that would not notice
//! otherwise is not believed.
//!
//! `cargo test -p threads --features loom --test mechanisms_model`, or `shuttle`. Without either the model runs
//! once, and the twin is left out: a plain run does not find it.

use model::{Explore, sync::Arc, thread};
use threads::mechanisms::dynamic::Counter;

const PIECES: usize = 3;

/// Two workers and the caller take pieces until there are none; together they must have each piece once.
fn each_piece_goes_to_one(claim: impl Fn() -> Option<usize> + Send + Sync + 'static) {
    let claim = Arc::new(claim);
    let take = |claim: &dyn Fn() -> Option<usize>| std::iter::from_fn(claim).collect::<Vec<_>>();
    let workers = [(); 2].map(|()| {
        let claim = Arc::clone(&claim);
        thread::spawn(move || take(&*claim))
    });
    let mut taken = take(&*claim);
    for worker in workers {
        taken.extend(worker.join().unwrap());
    }
    taken.sort_unstable();
    assert_eq!(taken, [0, 1, 2], "each piece goes to exactly one worker");
}

#[test]
fn the_counter_hands_out_each_piece_once() {
    model::explore(&Explore::named("dynamic: claim by fetch_add").floor(300), || {
        let counter = Counter::new(PIECES);
        each_piece_goes_to_one(move || counter.claim());
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn a_load_and_a_store_hand_one_out_twice() {
    use model::sync::atomic::{AtomicUsize, Ordering};

    testkit::must_find("claim by load, then store", "each piece goes to exactly one worker", || {
        model::explore(&Explore::named("dynamic: claim by load, then store"), || {
            let next = AtomicUsize::new(0);
            each_piece_goes_to_one(move || {
                let piece = next.load(Ordering::Relaxed);
                next.store(piece + 1, Ordering::Relaxed);
                (piece < PIECES).then_some(piece)
            });
        });
    });
}
