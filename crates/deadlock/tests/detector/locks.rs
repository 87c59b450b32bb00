//! Locks in a cycle, a lock that one holds oneself, a lock whose holder has ended.

use std::{
    mem,
    sync::{Arc, Barrier},
    time::Duration,
};

use deadlock::detector::{Action, Detector, JoinError, LockError, Recovery, Report};
use testkit::watchdog;

use crate::{LIMIT, names, until};

/// Two threads take two locks in opposite orders and meet in between.
fn abba(detector: &Detector) -> Arc<Report> {
    let (a, b) = (Arc::new(detector.mutex("a", 0)), Arc::new(detector.mutex("b", 0)));
    let meet = Arc::new(Barrier::new(2));
    let threads = [("left", a.clone(), b.clone()), ("right", b, a)].map(|(name, first, second)| {
        let meet = Arc::clone(&meet);
        detector.spawn(name, move || {
            let _first = first.lock().unwrap();
            meet.wait();
            second.lock().err().and_then(|error| error.report().cloned())
        })
    });
    let mut reports = threads.into_iter().filter_map(|thread| thread.join().unwrap());
    let report = reports.next().expect("one of the two is refused");
    assert!(reports.next().is_none(), "the other goes on");
    report
}

#[test]
fn two_locks_in_two_orders() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let report = abba(&detector);
    assert!(report.is_cycle());
    let mut threads = names(&report);
    threads.sort_unstable();
    assert_eq!(threads, ["left", "right"]);
    for stuck in report.threads() {
        let (held, wanted) = if stuck.thread == "left" { ("a", "b") } else { ("b", "a") };
        assert_eq!(stuck.holds.len(), 1);
        assert_eq!(stuck.holds[0].object.name, held);
        let waits = stuck.waits.as_ref().unwrap();
        assert_eq!((waits.action, waits.object.as_ref().unwrap().name.as_str()), (Action::Lock, wanted));
        assert!(waits.place.file().ends_with("tests/detector/locks.rs"), "{}", waits.place);
        assert!(waits.place.line() > stuck.holds[0].since.line(), "taken first, wanted later");
    }
    assert_eq!(detector.reports().len(), 1);
    let drawn = report.to_string();
    assert!(drawn.starts_with("deadlock: 2 threads wait for each other in a cycle\n"), "{drawn}");
}

#[test]
fn a_lock_that_one_holds_oneself() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = detector.mutex("m", 1);
    let held = lock.lock().unwrap();
    let error = lock.lock().err().unwrap();
    let report = error.report().unwrap();
    assert!(report.verdict().ends_with("waits for itself"), "{report}");
    drop(held);
    assert_eq!(*lock.lock().unwrap(), 1, "it is as usable as before");
}

#[test]
fn reading_twice_with_a_writer_between() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = Arc::new(detector.rwlock("table", 0));
    let first = lock.read().unwrap();
    let theirs = Arc::clone(&lock);
    let writer = detector.spawn("writer", move || *theirs.write().unwrap() = 1);
    until(|| lock.try_read().is_err());
    let report = lock.read().err().unwrap().report().cloned().unwrap();
    assert!(report.is_cycle(), "{report}");
    assert_eq!(report.threads()[1].thread, "writer");
    drop(first);
    writer.join().unwrap();
    assert_eq!(*lock.read().unwrap(), 1);
}

#[test]
fn an_upgrade_from_reader_to_writer() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = detector.rwlock("table", 0);
    let read = lock.read().unwrap();
    let error = lock.write().err().unwrap();
    assert!(error.report().unwrap().is_cycle());
    drop(read);
    drop(lock.write().unwrap());
}

#[test]
fn a_thread_that_ends_while_it_holds() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = Arc::new(detector.mutex("m", 0));
    let theirs = Arc::clone(&lock);
    detector.spawn("gone", move || mem::forget(theirs.lock().unwrap())).join().unwrap();
    let report = lock.lock().err().unwrap().report().cloned().unwrap();
    assert!(report.verdict().starts_with("deadlock: gone has ended"), "{report}");
    assert_eq!(detector.size().1, 2, "it is remembered for the lock's sake");
    drop(lock);
    assert_eq!(detector.size(), (0, 1));
}

#[test]
fn a_thread_that_ends_while_others_wait_for_what_it_holds() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = Arc::new(detector.mutex("m", 0));
    let (theirs, go) = (Arc::clone(&lock), Arc::new(Barrier::new(2)));
    let gate = Arc::clone(&go);
    let holder = detector.spawn("holder", move || {
        mem::forget(theirs.lock().unwrap());
        gate.wait();
    });
    go.wait();
    assert!(lock.lock().err().unwrap().report().is_some());
    holder.join().unwrap();
}

#[test]
fn a_panic_poisons_and_is_no_deadlock() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = Arc::new(detector.mutex("m", 7));
    let theirs = Arc::clone(&lock);
    let thread = detector.spawn("panics", move || {
        let _held = theirs.lock().unwrap();
        panic!("on purpose");
    });
    assert!(matches!(thread.join(), Err(JoinError::Panicked(_))));
    let Err(LockError::Poisoned(poisoned)) = lock.lock() else { panic!("it must be poisoned") };
    assert_eq!(*poisoned.into_inner(), 7);
    lock.clear_poison();
    assert_eq!(*lock.lock().unwrap(), 7);
}

#[test]
fn a_limit_in_time_is_no_deadlock() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let lock = detector.mutex("m", ());
    let held = lock.lock().unwrap();
    assert!(lock.lock_timeout(Duration::from_millis(1)).is_err());
    assert!(lock.try_lock().is_err());
    drop(held);
    drop(lock.lock_timeout(Duration::from_secs(60)).unwrap());
    drop(lock.try_lock().unwrap());
    assert!(detector.reports().is_empty());
}
