//! The pool under every schedule: no wake-up is lost, no task vanishes, nothing that was cancelled runs.
//!
//! `cargo test -p threads --features loom --test pool_model` (or `shuttle`) explores; without a feature each
//! model runs once, to see that it is sound. The models use the real pool. The broken twins below are the same
//! decisions in miniature, each with one line wrong, and the checker must find it.

use model::{
    Explore,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};
use threads::pool::{PoolError, ThreadPool, Until, as_completed, wait};

mod miniature;

use miniature::{Bug, Pool, State};

fn pool(max_workers: usize) -> ThreadPool {
    ThreadPool::new(max_workers).expect("a sensible size")
}

#[test]
fn a_result_set_wakes_the_one_who_waits() {
    model::explore(&Explore::named("pool: result").exhaustive().small().floor(200), || {
        assert_eq!(pool(1).submit(|| 7).expect("open").result(), Ok(7));
    });
}

#[test]
fn a_worker_that_falls_asleep_misses_no_task() {
    model::explore(&Explore::named("pool: two tasks, one worker").floor(190), || {
        let pool = pool(1);
        for task in 0..2 {
            assert_eq!(pool.submit(move || task).expect("open").result(), Ok(task));
        }
    });
}

#[test]
fn of_cancel_and_start_exactly_one_wins() {
    model::explore(&Explore::named("pool: cancel").exhaustive().small().floor(900), || {
        let ran = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&ran);
        let pool = pool(1);
        let future = pool.submit(move || counter.fetch_add(1, SeqCst)).expect("open");
        let cancelled = future.cancel();
        let result = future.result();
        drop(pool);
        assert_eq!(result, if cancelled { Err(PoolError::Cancelled) } else { Ok(0) });
        assert_eq!(ran.load(SeqCst), usize::from(!cancelled));
    });
}

/// `warm`: the pool has its one worker already, which a shutdown ends. A task that slips in behind it would find
/// nobody; in a cold pool it would start a thread that no one waits for.
fn shut_down_against_submit(warm: bool, cancel_pending: bool) {
    let pool = Arc::new(pool(1));
    if warm {
        assert_eq!(pool.submit(|| 1).expect("open").result(), Ok(1));
    }
    let theirs = Arc::clone(&pool);
    let submitter = thread::spawn(move || theirs.submit(|| 7));
    pool.shutdown(true, cancel_pending);
    match submitter.join().expect("submitting does not panic") {
        Ok(mut accepted) => match accepted.try_result() {
            Some(Ok(7)) => {}
            Some(Err(PoolError::Cancelled)) if cancel_pending => {}
            other => panic!("a task was accepted and shutdown has waited, but its result is {other:?}"),
        },
        Err(refused) => assert_eq!(refused, PoolError::ShutDown),
    }
}

#[test]
fn a_shutdown_waits_for_what_was_accepted() {
    let plan = Explore::named("pool: shutdown, no thread yet").floor(30);
    model::explore(&plan, || shut_down_against_submit(false, false));
    let plan = Explore::named("pool: shutdown, one thread").floor(100);
    model::explore(&plan, || shut_down_against_submit(true, false));
}

#[test]
fn a_cancelling_shutdown_runs_or_cancels_what_was_accepted() {
    let plan = Explore::named("pool: cancelling shutdown, no thread yet").floor(30);
    model::explore(&plan, || shut_down_against_submit(false, true));
    let plan = Explore::named("pool: cancelling shutdown, one thread").floor(100);
    model::explore(&plan, || shut_down_against_submit(true, true));
}

#[test]
fn as_completed_yields_each_once() {
    let plan = Explore::named("pool: as_completed").preemptions(2).branches(5_000).floor(1_200);
    model::explore(&plan, || {
        let pool = pool(2);
        let futures = [0, 1].map(|n| pool.submit(move || n).expect("open"));
        let mut seen: Vec<_> = as_completed(futures).collect();
        seen.sort_by_key(|(index, _)| *index);
        assert_eq!(seen, [(0, Ok(0)), (1, Ok(1))]);
    });
}

#[test]
fn waiting_for_a_failure_is_not_ended_by_a_cancelled_task() {
    model::explore(&Explore::named("pool: wait for a failure").preemptions(2).floor(100), || {
        let pool = pool(1);
        let fails = || -> u8 { std::panic::resume_unwind(Box::new("on purpose")) };
        let futures = [pool.submit(fails).expect("open"), pool.submit(|| 1).expect("open")];
        futures[1].cancel();
        // Too late to cancel means that the one before it has failed: in both cases it is among those done.
        assert!(wait(&futures, None, Until::FirstException).done.contains(&0), "nothing has failed yet");
    });
}

#[test]
fn a_callback_is_called_once_however_late_it_is_added() {
    model::explore(&Explore::named("pool: callback").exhaustive().small().floor(90), || {
        let called = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&called);
        let pool = pool(1);
        let future = pool.submit(|| ()).expect("open");
        future.on_done(move |_| {
            counter.fetch_add(1, SeqCst);
        });
        drop(pool);
        assert_eq!(called.load(SeqCst), 1);
    });
}

fn set_against_wait(bug: Bug) {
    let pool = Arc::new(Pool::new(bug));
    let theirs = Arc::clone(&pool);
    let worker = thread::spawn(move || theirs.finish());
    pool.wait_for(|inner| inner.state == State::Done);
    worker.join().unwrap();
}

fn cancel_against_start(bug: Bug) {
    let pool = Arc::new(Pool::new(bug));
    let theirs = Arc::clone(&pool);
    let worker = thread::spawn(move || theirs.start());
    let cancelled = pool.cancel();
    let started = worker.join().unwrap();
    assert!(cancelled != started, "cancelled: {cancelled}, and started: {started}");
}

fn submit_against_shutdown(bug: Bug) {
    let pool = Arc::new(Pool::new(bug));
    let (closing, serving) = (Arc::clone(&pool), Arc::clone(&pool));
    let worker = thread::spawn(move || serving.serve());
    let closer = thread::spawn(move || closing.shutdown());
    let accepted = pool.submit();
    closer.join().unwrap();
    let done = worker.join().unwrap();
    assert_eq!(done, usize::from(accepted), "an accepted task has vanished");
}

fn follow_against_finish(bug: Bug) {
    let pool = Arc::new(Pool::new(bug));
    let theirs = Arc::clone(&pool);
    let worker = thread::spawn(move || theirs.finish());
    pool.follow();
    worker.join().unwrap();
    assert_eq!(pool.reports(), 1, "as_completed would wait for ever");
}

#[test]
fn the_miniature_without_a_bug_holds() {
    let plan = |name: &str| Explore::named(format!("pool in miniature: {name}")).small();
    model::explore(&plan("result").exhaustive().floor(4), || set_against_wait(Bug::None));
    model::explore(&plan("cancel").exhaustive().floor(2), || cancel_against_start(Bug::None));
    model::explore(&plan("shutdown").floor(200), || submit_against_shutdown(Bug::None));
    model::explore(&plan("report").exhaustive().floor(2), || follow_against_finish(Bug::None));
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    fn plan() -> Explore {
        Explore::named("a broken pool").small()
    }

    #[test]
    fn a_result_that_tells_nobody() {
        must_find("pool: notify dropped", "deadlock", || {
            model::explore(&plan(), || set_against_wait(Bug::NotifyDropped));
        });
    }

    #[test]
    fn a_waiter_that_checks_outside_the_lock() {
        must_find("pool: check outside the lock", "deadlock", || {
            model::explore(&plan(), || set_against_wait(Bug::CheckOutsideTheLock));
        });
    }

    #[test]
    fn a_cancel_in_two_steps() {
        must_find("pool: cancel looks, then writes", "cancelled: true, and started: true", || {
            model::explore(&plan(), || cancel_against_start(Bug::CancelInTwoSteps));
        });
    }

    #[test]
    fn a_submit_in_two_steps() {
        must_find("pool: submit looks, then pushes", "an accepted task has vanished", || {
            model::explore(&plan(), || submit_against_shutdown(Bug::SubmitInTwoSteps));
        });
    }

    #[test]
    fn a_report_in_two_steps() {
        must_find("pool: as_completed looks, then registers", "as_completed would wait for ever", || {
            model::explore(&plan(), || follow_against_finish(Bug::FollowInTwoSteps));
        });
    }
}
