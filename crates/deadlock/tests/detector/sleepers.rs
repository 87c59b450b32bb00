//! All asleep, and nobody left to wake them; but no deadlock as long as somebody could.

use std::{
    sync::{Arc, Barrier},
    time::Duration,
};

use deadlock::detector::{Detector, Recovery};
use testkit::watchdog;

use crate::{LIMIT, names, until};

#[test]
fn all_asleep() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (lock, condvar) = (Arc::new(detector.mutex("ready", false)), Arc::new(detector.condvar("is ready")));
    // Lost: nobody sleeps yet.
    condvar.notify_one();
    let (theirs, bell) = (lock.clone(), condvar.clone());
    let sleeper = detector.spawn("sleeper", move || {
        let ready = theirs.lock().unwrap();
        bell.wait_while(ready, |ready| !*ready).err().and_then(|error| error.report().cloned())
    });
    // This thread could still notify, so as long as it runs nobody is stuck. When it joins, both are, and whoever
    // closes it the sleeper is told: a refused join would lose the result.
    let report = sleeper.join().unwrap().unwrap();
    assert!(report.verdict().contains("all asleep"), "{report}");
}

#[test]
fn asleep_when_the_last_that_could_notify_ends() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (lock, condvar) = (detector.mutex("m", ()), detector.condvar("c"));
    let gate = Arc::new(Barrier::new(2));
    let theirs = Arc::clone(&gate);
    let other = detector.spawn("other", move || {
        theirs.wait();
    });
    let guard = lock.lock().unwrap();
    gate.wait();
    // Whether `other` ends before or after this sleeps: found either way.
    let report = condvar.wait(guard).err().unwrap().report().cloned().unwrap();
    assert!(report.verdict().contains("all asleep"), "{report}");
    other.join().unwrap();
    drop(lock.lock().unwrap());
}

#[test]
fn those_who_sleep_already_are_told_when_the_last_other_ends() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let state = Arc::new((detector.mutex("m", ()), detector.condvar("c")));
    let sleeper = detector.spawn("sleeper", move || {
        let slept = state.1.wait(state.0.lock().unwrap());
        slept.err().and_then(|error| error.report().cloned())
    });
    let known = detector.clone();
    // Ends when the sleeper sleeps and this thread waits for it: its end is what closes the deadlock.
    let other = detector.spawn("other", move || until(|| known.waiting().len() == 2));
    let report = sleeper.join().unwrap().unwrap();
    assert_eq!(names(&report).len(), 2, "{report}");
    other.join().unwrap();
}

#[test]
fn a_sleeper_that_may_be_woken_is_not_stuck() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (lock, condvar) = (Arc::new(detector.mutex("m", false)), Arc::new(detector.condvar("c")));
    let (theirs, bell) = (lock.clone(), condvar.clone());
    let other = detector.spawn("other", move || {
        *theirs.lock().unwrap() = true;
        bell.notify_all();
    });
    let guard = condvar.wait_while(lock.lock().unwrap(), |ready| !*ready).unwrap();
    drop(guard);
    other.join().unwrap();
    assert!(detector.reports().is_empty());
}

#[test]
fn an_open_world_is_silent_about_sleepers() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::open(Recovery::Break);
    let (lock, condvar) = (Arc::new(detector.mutex("m", false)), Arc::new(detector.condvar("c")));
    let (theirs, bell) = (lock.clone(), condvar.clone());
    // Not known to the detector before it notifies.
    let stranger = std::thread::spawn(move || {
        until(|| *theirs.lock().unwrap());
        *theirs.lock().unwrap() = false;
        bell.notify_all();
    });
    let mut guard = lock.lock().unwrap();
    *guard = true;
    drop(condvar.wait_while(guard, |waiting| *waiting).unwrap());
    stranger.join().unwrap();
    assert!(detector.reports().is_empty());
}

#[test]
#[should_panic(expected = "attempted to use a condition variable with two mutexes: one and other")]
fn a_condvar_with_two_mutexes() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (one, other) = (detector.mutex("one", ()), detector.mutex("other", ()));
    let condvar = detector.condvar("c");
    let (_, result) = condvar.wait_timeout(one.lock().unwrap(), Duration::ZERO).unwrap();
    assert!(result.timed_out());
    let _ = condvar.wait_timeout(other.lock().unwrap(), Duration::ZERO);
}
