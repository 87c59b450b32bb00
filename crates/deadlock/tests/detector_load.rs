//! Many threads, many locks, many operations: no alarm that is false, and no memory that grows.
#![cfg(feature = "detector")]

use std::{sync::Arc, thread, time::Duration};

use deadlock::detector::{Detector, Mutex, Recovery};
use testkit::watchdog;

/// Each thread takes three neighbouring locks at a time, in the order of the table, again and again.
fn load(threads: usize, locks: usize, operations: usize) {
    let detector = Detector::new(Recovery::Break);
    let table: Arc<Vec<Mutex<usize>>> =
        Arc::new((0..locks).map(|lock| detector.mutex(lock.to_string(), 0)).collect());
    let each = operations / threads / 3;
    let running: Vec<_> = (0..threads)
        .map(|seed| {
            let table = Arc::clone(&table);
            detector.spawn(seed.to_string(), move || {
                let mut random = seed as u64;
                for _ in 0..each {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let at = (random >> 33) as usize % (table.len() - 2);
                    let mut first = table[at].lock().unwrap();
                    let mut second = table[at + 1].lock().unwrap();
                    *table[at + 2].lock().unwrap() += 1;
                    (*first, *second) = (*first + 1, *second + 1);
                }
            })
        })
        .collect();
    running.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(table.iter().map(|lock| *lock.lock().unwrap()).sum::<usize>(), each * threads * 3);
    assert!(detector.reports().is_empty(), "{}", detector.reports()[0]);
    assert!(detector.potential().is_empty(), "{}", detector.potential()[0]);
    assert_eq!(detector.size(), (locks, 1), "what it knows of the threads goes with them");
    drop(table);
    assert_eq!(detector.size(), (0, 1));
}

#[test]
fn a_hundred_threads_and_a_million_operations() {
    let _hangs_never = watchdog(Duration::from_secs(300));
    load(100, 100, 1_000_000);
}

#[test]
#[ignore = "takes half a minute; `just deep` runs it"]
fn a_thousand_threads_and_ten_million_operations() {
    let _hangs_never = watchdog(Duration::from_secs(900));
    load(1_000, 1_000, 10_000_000);
}

#[test]
fn locks_come_and_go_by_the_million() {
    let detector = Detector::new(Recovery::Break);
    let lasting = detector.mutex("lasting", 0);
    for number in 0..1_000_000 {
        let short = detector.mutex("short", number);
        let mut total = lasting.lock().unwrap();
        *total += *short.lock().unwrap() & 1;
        assert!(detector.size().0 <= 2, "the lasting one and this one");
        assert_eq!(detector.orders(), 1, "this one after the lasting one");
    }
    assert_eq!(detector.orders(), 0);
    assert_eq!(lasting.into_inner().unwrap(), 500_000);
    assert_eq!(detector.size(), (0, 1));
    assert!(detector.potential().is_empty());
}

#[test]
fn what_is_never_used_is_never_known() {
    let detector = Detector::new(Recovery::Break);
    let locks: Vec<_> = (0..1_000).map(|number| detector.mutex("unused", number)).collect();
    assert_eq!(detector.size(), (0, 1));
    drop(locks);
}

#[test]
fn threads_come_and_go_by_the_thousand() {
    let detector = Detector::new(Recovery::Break);
    let lock = detector.mutex("m", 0);
    for _ in 0..2_000 {
        // Not started by the detector, and without a name.
        thread::scope(|scope| scope.spawn(|| *lock.lock().unwrap() += 1).join().unwrap());
    }
    assert_eq!(*lock.lock().unwrap(), 2_000);
    assert_eq!(detector.size(), (1, 1));
}

#[test]
fn detectors_come_and_go() {
    for _ in 0..10_000 {
        let detector = Detector::new(Recovery::Break);
        drop(detector.mutex("m", ()).lock().unwrap());
        assert_eq!(detector.size(), (0, 1));
    }
}

#[test]
fn threads_without_a_name_have_a_number() {
    let _hangs_never = watchdog(Duration::from_secs(60));
    let detector = Detector::new(Recovery::Break);
    let lock = detector.mutex("m", ());
    let report = thread::scope(|scope| {
        let unnamed = scope.spawn(|| {
            let _held = lock.lock().unwrap();
            lock.lock().err().unwrap().report().cloned().unwrap()
        });
        unnamed.join().unwrap()
    });
    assert!(report.threads()[0].thread.starts_with("unnamed-"), "{report}");
}
