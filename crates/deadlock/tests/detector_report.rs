//! What a report says and draws, and what each recovery does.
#![cfg(feature = "detector")]

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use deadlock::detector::{Detector, Recovery, Report};
use testkit::{must_find, watchdog};

/// `names` threads, each holds one lock and wants the next one's; what the detector says.
fn ring(names: &[&str], recovery: Recovery) -> (Detector, Arc<Report>) {
    let detector = Detector::new(recovery);
    let locks: Vec<_> =
        (0..names.len()).map(|at| Arc::new(detector.mutex(format!("lock <{at}>"), ()))).collect();
    let meet = Arc::new(Barrier::new(names.len()));
    for (at, name) in names.iter().enumerate() {
        let (own, next) = (Arc::clone(&locks[at]), Arc::clone(&locks[(at + 1) % names.len()]));
        let meet = Arc::clone(&meet);
        // Under `Report` it stands until the process ends, so nobody joins it.
        drop(detector.spawn(*name, move || {
            let _own = own.lock().unwrap();
            meet.wait();
            drop(next.lock());
        }));
    }
    while detector.reports().is_empty() {
        thread::yield_now();
    }
    let report = Arc::clone(&detector.reports()[0]);
    (detector, report)
}

#[test]
fn the_drawing_goes_round_once() {
    let _hangs_never = watchdog(Duration::from_secs(60));
    let (_, report) = ring(&["one", "two", "three"], Recovery::Break);
    let drawn = report.to_string();
    let lines: Vec<&str> = drawn.lines().collect();
    assert_eq!(lines[0], "deadlock: 3 threads wait for each other in a cycle");
    let heads: Vec<&&str> = lines
        .iter()
        .filter(|line| {
            ["one", "two", "three"]
                .iter()
                .any(|n| line.ends_with(&format!(" {n}")) && !line.contains("held by"))
        })
        .collect();
    assert_eq!(heads.len(), 3, "{drawn}");
    assert_eq!(drawn.matches("wants to lock lock <").count(), 3, "{drawn}");
    assert_eq!(drawn.matches("is held by").count(), 3, "{drawn}");
    assert_eq!(drawn.matches("tests/detector_report.rs:").count(), 9, "made, held and wanted: {drawn}");
    assert!(report.latency() < Duration::from_secs(60));
}

#[test]
fn the_picture_is_well_formed_and_says_the_same() {
    let _hangs_never = watchdog(Duration::from_secs(60));
    let (_, report) = ring(&["a & b", "c"], Recovery::Break);
    let svg = report.svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("what begins ends");
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(svg.matches("<rect").count(), 4, "two threads, two locks");
    assert_eq!(svg.matches("marker-end").count(), 4, "two wishes, two holders");
    assert!(svg.contains(">a &amp; b</text>") && svg.contains(">lock &lt;0&gt;</text>"));
    assert!(svg.contains("wants detector_report.rs:") && svg.contains("held since detector_report.rs:"));
    if let Some(path) = std::env::var_os("DETECTOR_SVG") {
        std::fs::write(path, svg).unwrap();
    }
}

#[test]
fn reporting_lets_them_stand() {
    let _hangs_never = watchdog(Duration::from_secs(60));
    let (detector, report) = ring(&["stands", "stands too"], Recovery::Report);
    assert!(report.is_cycle());
    assert_eq!(detector.waiting(), ["stands", "stands too"]);
    assert_eq!(detector.reports().len(), 1, "each is reported once");
}

#[test]
fn aborting_says_why() {
    must_find("a deadlock that aborts", "deadlock: 2 threads wait for each other in a cycle", || {
        ring(&["left", "right"], Recovery::Abort);
    });
}

#[test]
fn the_recovery_can_be_changed() {
    let detector = Detector::new(Recovery::Report);
    detector.on_deadlock(Recovery::Break);
    assert_eq!(detector.recovery(), Recovery::Break);
    let lock = detector.mutex("m", ());
    let _held = lock.lock().unwrap();
    assert!(lock.lock().is_err());
}
