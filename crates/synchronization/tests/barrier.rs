//! What `threading.Barrier` promises, of ours.

use std::{
    error::Error,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use synchronization::{Barrier, BrokenBarrier};

const LIMIT: Duration = Duration::from_secs(60);
const MOMENT: Duration = Duration::from_millis(10);

/// Runs `body` in `number` threads and collects what they return.
fn all<R: Send>(number: usize, body: impl Fn(usize) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let body = &body;
        let threads: Vec<_> = (0..number)
            .map(|index| {
                thread::Builder::new()
                    .stack_size(128 << 10)
                    .spawn_scoped(scope, move || body(index))
                    .expect("a thread")
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn until_waiting(barrier: &Barrier, number: usize) {
    while barrier.waiting() < number {
        thread::yield_now();
    }
}

#[test]
fn cycle_after_cycle_each_gets_a_number_and_nobody_passes_early() {
    let _watchdog = testkit::watchdog(LIMIT);
    const PARTIES: usize = 5;
    let (barrier, came) = (Barrier::new(PARTIES), AtomicUsize::new(0));
    let indices = all(PARTIES, |_| {
        let cycle = |number| {
            came.fetch_add(1, Relaxed);
            let index = barrier.wait().unwrap();
            assert!(came.load(Relaxed) >= number * PARTIES);
            index
        };
        (1..=100).map(cycle).collect::<Vec<_>>()
    });
    for cycle in 0..100 {
        let mut of_cycle: Vec<_> = indices.iter().map(|of_thread| of_thread[cycle]).collect();
        of_cycle.sort_unstable();
        assert_eq!(of_cycle, [0, 1, 2, 3, 4]);
    }
    assert_eq!((barrier.waiting(), barrier.parties(), barrier.is_broken()), (0, PARTIES, false));
}

#[test]
fn a_thousand_parties() {
    let _watchdog = testkit::watchdog(LIMIT);
    let barrier = Barrier::with_timeout(1_000, LIMIT);
    let mut indices = all(1_000, |_| barrier.wait().unwrap());
    indices.sort_unstable();
    assert_eq!(indices, (0..1_000).collect::<Vec<_>>());
}

#[test]
fn one_party_never_waits_and_no_party_is_refused() {
    let barrier = Barrier::new(1);
    assert_eq!((barrier.wait(), barrier.wait_timeout(Duration::ZERO)), (Ok(0), Ok(0)));
    let refused = panic::catch_unwind(|| Barrier::new(0)).map(|_| ()).unwrap_err();
    let message = refused.downcast_ref::<&str>().copied().unwrap_or_default();
    assert_eq!(message, "a barrier for 0 parties: nobody could ever pass");
}

#[test]
fn the_action_runs_once_a_cycle_before_anyone_goes_on() {
    let _watchdog = testkit::watchdog(LIMIT);
    let runs = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&runs);
    let barrier = Barrier::with_action_and_timeout(3, move || _ = counts.fetch_add(1, Relaxed), LIMIT);
    all(3, |_| {
        for cycle in 1..=10 {
            barrier.wait().unwrap();
            // The next action needs all three, so also this one: nobody can have run it yet.
            assert_eq!(runs.load(Relaxed), cycle);
        }
    });
    assert_eq!(runs.load(Relaxed), 10);
}

#[test]
fn the_action_may_ask_the_barrier() {
    let _watchdog = testkit::watchdog(LIMIT);
    let itself: Arc<Mutex<Option<Arc<Barrier>>>> = Arc::default();
    let asks = Arc::clone(&itself);
    let barrier = Arc::new(Barrier::with_action(2, move || {
        let barrier = asks.lock().unwrap();
        let barrier = barrier.as_ref().expect("set below");
        assert_eq!((barrier.waiting(), barrier.is_broken()), (0, false));
    }));
    *itself.lock().unwrap() = Some(Arc::clone(&barrier));
    assert!(all(2, |_| barrier.wait()).iter().all(Result::is_ok));
    *itself.lock().unwrap() = None;
}

#[test]
fn a_panicking_action_breaks_it_for_the_others_and_goes_on_in_one() {
    let _watchdog = testkit::watchdog(LIMIT);
    let fail = Arc::new(AtomicBool::new(true));
    let fails = Arc::clone(&fail);
    let barrier = Barrier::with_action(3, move || assert!(!fails.load(Relaxed), "the action fails"));
    let wait = |_| panic::catch_unwind(AssertUnwindSafe(|| barrier.wait()));
    let outcomes = all(3, wait);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "one panics");
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(Err(BrokenBarrier)))).count(), 2);
    assert_eq!((barrier.is_broken(), barrier.wait()), (true, Err(BrokenBarrier)));
    // Nothing is poisoned: after a reset it works, with the same action.
    barrier.reset();
    fail.store(false, Relaxed);
    assert!(all(3, |_| barrier.wait()).iter().all(Result::is_ok));
}

#[test]
fn abort_breaks_it_for_all_until_a_reset() {
    let _watchdog = testkit::watchdog(LIMIT);
    let barrier = Barrier::new(3);
    let outcomes = all(3, |index| {
        if index == 0 {
            until_waiting(&barrier, 2);
            barrier.abort();
            barrier.abort();
        }
        barrier.wait()
    });
    assert_eq!(outcomes, [Err(BrokenBarrier); 3]);
    assert_eq!((barrier.is_broken(), barrier.waiting()), (true, 0));
    barrier.reset();
    assert!(!barrier.is_broken());
    assert!(all(3, |_| barrier.wait()).iter().all(Result::is_ok));
}

#[test]
fn reset_sends_away_who_waits_and_breaks_nothing() {
    let _watchdog = testkit::watchdog(LIMIT);
    let barrier = Barrier::new(3);
    let outcomes = all(3, |index| {
        if index == 0 {
            until_waiting(&barrier, 2);
            barrier.reset();
            return Ok(0);
        }
        barrier.wait()
    });
    assert_eq!(outcomes, [Ok(0), Err(BrokenBarrier), Err(BrokenBarrier)]);
    assert!(!barrier.is_broken());
    assert!(all(3, |_| barrier.wait()).iter().all(Result::is_ok));
}

#[test]
fn one_who_is_late_breaks_it_for_all() {
    let _watchdog = testkit::watchdog(LIMIT);
    let barrier = Barrier::new(3);
    // The third never comes: it has died.
    let outcomes = all(3, |index| match index {
        0 => barrier.wait(),
        1 => {
            until_waiting(&barrier, 1);
            barrier.wait_timeout(MOMENT)
        }
        _ => panic::catch_unwind(|| panic!("dies before it comes")).map_err(|_| BrokenBarrier),
    });
    assert_eq!(outcomes, [Err(BrokenBarrier); 3]);
    assert!(barrier.is_broken());
}

#[test]
fn limits_of_zero_of_its_own_and_of_centuries() {
    let _watchdog = testkit::watchdog(LIMIT);
    let barrier = Barrier::new(2);
    assert_eq!(barrier.wait_timeout(Duration::ZERO), Err(BrokenBarrier));
    assert_eq!(barrier.wait(), Err(BrokenBarrier));
    let impatient = Barrier::with_timeout(2, MOMENT);
    assert_eq!(impatient.wait(), Err(BrokenBarrier), "the limit it was made with");
    let patient = Barrier::with_timeout(2, Duration::MAX);
    let mut indices = all(2, |_| patient.wait().unwrap());
    indices.sort_unstable();
    assert_eq!(indices, [0, 1]);
    // Of the last to come, no time is taken.
    let barrier = Barrier::new(2);
    let outcomes = all(2, |index| {
        if index == 0 {
            return barrier.wait();
        }
        until_waiting(&barrier, 1);
        barrier.wait_timeout(Duration::ZERO)
    });
    assert_eq!(outcomes, [Ok(0), Ok(1)]);
}

#[test]
fn its_error_says_what_happened() {
    let error: Box<dyn Error> = BrokenBarrier.into();
    assert!(error.to_string().starts_with("the barrier is broken"));
    assert!(format!("{:?}", Barrier::new(2)).contains("parties: 2"));
}
