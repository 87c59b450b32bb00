//! Channels and joins: cycles of full channels, receivers without a sender, threads that join each other.

use std::sync::{Arc, Barrier};

use deadlock::detector::{Detector, Recovery, RecvError, SendError};
use testkit::watchdog;

use crate::{LIMIT, until};

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
