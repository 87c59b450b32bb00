//! Each kind of deadlock is found while it would close, and nothing else is.
#![cfg(feature = "detector")]

use std::{
    mem,
    sync::{Arc, Barrier},
    time::Duration,
};

use deadlock::detector::{Action, Detector, JoinError, LockError, Recovery, RecvError, Report, SendError};
use testkit::watchdog;

/// What hangs is a deadlock that was missed.
const LIMIT: Duration = Duration::from_secs(60);

fn names(report: &Report) -> Vec<&str> {
    report.threads().iter().map(|stuck| stuck.thread.as_str()).collect()
}

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
        assert!(waits.place.file().ends_with("tests/detector.rs"), "{}", waits.place);
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

/// Polls until `condition` holds: it will, since nothing that it waits for can fail to come.
fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
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
fn threads_that_join_each_other() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let slot = Arc::new(std::sync::Mutex::new(None));
    let gate = Arc::new(Barrier::new(2));
    let (theirs, go) = (slot.clone(), gate.clone());
    let first = detector.spawn("first", move || {
        go.wait();
        let second: deadlock::detector::JoinHandle<()> = theirs.lock().unwrap().take().unwrap();
        second.join().is_err()
    });
    let (sender, receiver) = detector.channel("handle", 1);
    let second = detector.spawn("second", move || {
        let first: deadlock::detector::JoinHandle<bool> = receiver.recv().unwrap();
        // One of the two is refused; whoever is not sees the other end.
        let _ = first.join();
    });
    *slot.lock().unwrap() = Some(second);
    gate.wait();
    sender.send(first).unwrap();
    drop(sender);
    until(|| detector.size().1 == 1);
    let reports = detector.reports();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].is_cycle(), "{}", reports[0]);
}

#[test]
fn a_cycle_of_full_channels_is_seen_while_others_run() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (to_b, from_a) = detector.channel("a to b", 1);
    let (to_a, from_b) = detector.channel("b to a", 1);
    let pass = |sender: deadlock::detector::Sender<u32>, receiver: deadlock::detector::Receiver<u32>| {
        move || {
            let (sender, receiver) = (sender.here(), receiver.here());
            for number in 0..3 {
                match sender.send(number) {
                    Err(SendError::WouldDeadlock(_, report)) => return Some(report),
                    // Whoever was refused is gone.
                    Err(SendError::Disconnected(_)) => return None,
                    Ok(()) => {}
                }
            }
            receiver.iter().count();
            None
        }
    };
    let a = detector.spawn("a", pass(to_b, from_b));
    let b = detector.spawn("b", pass(to_a, from_a));
    // This thread runs on until the deadlock was found, so only who has which end can tell that it is one.
    until(|| !detector.reports().is_empty());
    let reports = [a.join().unwrap(), b.join().unwrap()];
    let report = reports.iter().flatten().next().unwrap();
    assert!(report.is_cycle(), "{report}");
}

#[test]
fn a_receiver_that_holds_the_last_sender() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (sender, receiver) = detector.channel::<u32>("work", 4);
    sender.send(1).unwrap();
    assert_eq!(receiver.recv().unwrap(), 1);
    // All threads that there are wait, and none can send.
    let Err(RecvError::WouldDeadlock(report)) = receiver.recv() else { panic!("nobody can send") };
    assert!(report.verdict().contains("nobody is left"), "{report}");
    drop(sender);
    assert!(matches!(receiver.recv(), Err(RecvError::Disconnected)));
}

#[test]
fn a_rendezvous_needs_both() {
    let _hangs_never = watchdog(LIMIT);
    let detector = Detector::new(Recovery::Break);
    let (sender, receiver) = detector.channel::<u32>("hand to hand", 0);
    assert!(sender.try_send(1).is_err());
    let Err(SendError::WouldDeadlock(7, _)) = sender.send(7) else { panic!("nobody can receive") };
    assert!(receiver.try_recv().is_err(), "what was not sent is not there");
    let thread = detector.spawn("sender", move || (0..100).for_each(|number| sender.send(number).unwrap()));
    assert_eq!(receiver.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    thread.join().unwrap();
    assert_eq!(detector.reports().len(), 1, "that one from above");
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
