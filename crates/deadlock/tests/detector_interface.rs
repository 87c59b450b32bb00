//! The same program compiles, and does the same, with the detector and without it.

use std::{
    sync::{Arc, TryLockError},
    time::Duration,
};

use deadlock::detector::{
    self, Condvar, Detector, Here, JoinError, JoinHandle, LockError, Mutex, MutexGuard, Receiver, Recovery,
    RecvError, RwLock, RwLockReadGuard, RwLockWriteGuard, SendError, Sender, WaitTimeoutResult,
};

/// As with std's, locks can stand in statics.
static TOTAL: Mutex<u32> = Mutex::new(1);
static TABLE: RwLock<u32> = RwLock::new(1);
static CHANGED: Condvar = Condvar::new();

#[test]
fn locks() {
    let guard: MutexGuard<u32> = TOTAL.lock().unwrap();
    assert!(matches!(TOTAL.try_lock(), Err(TryLockError::WouldBlock)));
    assert!(matches!(TOTAL.lock_timeout(Duration::from_millis(1)), Err(TryLockError::WouldBlock)));
    drop(guard);
    *TOTAL.lock_timeout(Duration::from_secs(9)).unwrap() += 1;
    let guard = TOTAL.lock().unwrap();
    let (guard, waited): (_, WaitTimeoutResult) =
        CHANGED.wait_timeout(guard, Duration::from_millis(1)).unwrap();
    assert!(waited.timed_out());
    assert_eq!(*CHANGED.wait_while(guard, |total| *total == 0).unwrap(), 2);
    let read: RwLockReadGuard<u32> = TABLE.read().unwrap();
    assert!(TABLE.try_write().is_err());
    assert_eq!(*read + *TABLE.try_read().unwrap(), 2);
    drop(read);
    let mut write: RwLockWriteGuard<u32> = TABLE.write().unwrap();
    *write += 1;
    assert!(TABLE.try_read().is_err());
    drop(write);
    let mut mutex = Mutex::named("m", 1);
    *mutex.get_mut().unwrap() += 1;
    assert!(!mutex.is_poisoned());
    assert_eq!(mutex.into_inner().unwrap(), 2);
    assert_eq!(RwLock::named("l", 3).into_inner().unwrap(), 3);
    let _ = (Condvar::named("c"), Condvar::default());
}

#[test]
fn a_detector_makes_all_of_them() {
    let detector = Detector::new(Recovery::Break);
    detector.on_deadlock(detector.recovery());
    detector.enter();
    let state = Arc::new((detector.mutex("m", false), detector.condvar("c"), detector.rwlock("l", 0)));
    let theirs = Arc::clone(&state);
    let thread: JoinHandle<u32> = detector.spawn("other", move || {
        *theirs.0.lock().unwrap() = true;
        theirs.1.notify_all();
        theirs.1.notify_one();
        *theirs.2.write().unwrap() += 5;
        7
    });
    assert_eq!(thread.name(), "other");
    drop(state.1.wait_while(state.0.lock().unwrap(), |ready| !*ready).unwrap());
    assert_eq!(thread.join().unwrap(), 7);
    assert_eq!(*state.2.read().unwrap(), 5);
    assert!(detector.reports().is_empty() && detector.potential().is_empty());
    let _ = (Detector::open(Recovery::Break), Detector::global(), detector.size());
    assert_eq!((detector.orders(), detector.waiting().len()), (0, 0));
}

#[test]
fn poison() {
    let mutex = Arc::new(Mutex::new(7));
    let theirs = Arc::clone(&mutex);
    let thread = detector::spawn("panics", move || {
        let _held = theirs.lock().unwrap();
        panic!("on purpose");
    });
    assert!(matches!(thread.join(), Err(JoinError::Panicked(_))));
    let Err(error) = mutex.lock() else { panic!("poisoned") };
    assert!(error.report().is_none());
    let LockError::Poisoned(error) = error else { panic!("poisoned") };
    assert_eq!(*error.into_inner(), 7);
    mutex.clear_poison();
    assert!(mutex.lock().is_ok());
}

#[test]
fn channels() {
    let (sender, receiver): (Sender<u32>, Receiver<u32>) = detector::channel(1);
    sender.send(1).unwrap();
    assert!(sender.try_send(2).is_err());
    assert_eq!(receiver.recv().unwrap(), 1);
    assert!(receiver.try_recv().is_err());
    assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
    let bound: Here<Sender<u32>> = sender.clone().here();
    drop(sender);
    bound.send(3).unwrap();
    drop(bound.clone().release());
    drop(bound);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [3]);
    assert!(matches!(receiver.recv(), Err(RecvError::Disconnected)));
    let (sender, receiver) = detector::channel(1);
    drop(receiver);
    assert!(matches!(sender.send(1), Err(SendError::Disconnected(1))));
}

#[test]
fn the_process_has_a_detector() {
    detector::on_deadlock(Recovery::Report);
    assert!(detector::reports().is_empty());
    assert!(detector::potential().is_empty());
}
