//! Timers on a clock that stands still until a test moves it: nothing here waits, nothing depends on luck.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]

use std::{
    panic,
    sync::mpsc::{self, channel},
    time::{Duration, Instant},
};

use threads::timer::{ManualClock, Tick, Timer, TimerError};

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn fires_at_its_deadline_and_not_before() {
    let clock = ManualClock::new();
    let (sender, fired) = channel();
    let timer = Timer::after_on(&clock, ms(10), move || sender.send(()).unwrap()).unwrap();
    clock.advance(ms(9));
    // It is cancellable, so it has not fired; a second timer proves that one millisecond more is enough.
    assert!(timer.cancel());
    timer.join().unwrap();
    assert_eq!(fired.try_recv(), Err(mpsc::TryRecvError::Disconnected));

    let (sender, fired) = channel();
    let timer = Timer::after_on(&clock, ms(10), move || sender.send(()).unwrap()).unwrap();
    clock.advance(ms(10));
    assert_eq!(fired.recv(), Ok(()));
    timer.join().unwrap();
}

#[test]
fn cancelled_in_time_it_never_fires() {
    let clock = ManualClock::new();
    let timer = Timer::after_on(&clock, ms(10), || panic!("it fired")).unwrap();
    assert!(timer.cancel());
    assert!(!timer.cancel(), "the second to cancel has not stopped it");
    clock.advance(ms(100));
    timer.join().unwrap();
}

#[test]
fn cancelled_too_late_it_says_so() {
    let clock = ManualClock::new();
    let (begun, has_begun) = channel();
    let (release, released) = channel::<()>();
    let timer = Timer::after_on(&clock, ms(10), move || {
        begun.send(()).unwrap();
        let _ = released.recv();
    })
    .unwrap();
    clock.advance(ms(10));
    has_begun.recv().unwrap();
    assert!(!timer.cancel());
    drop(release);
    timer.join().unwrap();
}

#[test]
fn dropped_it_is_cancelled() {
    let clock = ManualClock::new();
    let (sender, fired) = channel::<()>();
    drop(Timer::after_on(&clock, ms(10), move || sender.send(()).unwrap()).unwrap());
    clock.advance(ms(10));
    // The task is dropped without having run, and the sender with it.
    assert_eq!(fired.recv(), Err(mpsc::RecvError));
}

#[test]
fn a_period_does_not_drift_however_long_a_turn_takes() {
    let clock = ManualClock::new();
    let (sender, ticks) = channel();
    let mut slow = clock.clone();
    let timer = Timer::every_on(&clock, ms(10), move |tick| {
        work(&mut slow, ms(3));
        sender.send(tick).unwrap();
    })
    .unwrap();
    clock.advance(ms(10));
    for turn in 1..=5 {
        assert_eq!(ticks.recv(), Ok(Tick { due: ms(10 * turn), missed: 0 }));
        clock.advance(ms(7));
    }
    assert!(timer.cancel());
    timer.join().unwrap();
}

fn work(clock: &mut ManualClock, takes: Duration) {
    clock.advance(takes);
}

#[test]
fn turns_that_were_missed_are_merged_into_the_latest_and_counted() {
    let clock = ManualClock::new();
    let (sender, ticks) = channel();
    let (release, released) = channel();
    let timer = Timer::every_on(&clock, ms(10), move |tick| {
        sender.send(tick).unwrap();
        let _ = released.recv();
    })
    .unwrap();
    clock.advance(ms(10));
    assert_eq!(ticks.recv(), Ok(Tick { due: ms(10), missed: 0 }));
    clock.advance(ms(35));
    release.send(()).unwrap();
    assert_eq!(ticks.recv(), Ok(Tick { due: ms(40), missed: 2 }), "20 and 30 are left out");
    release.send(()).unwrap();
    clock.advance(ms(5));
    assert_eq!(ticks.recv(), Ok(Tick { due: ms(50), missed: 0 }), "back on the grid");
    assert!(timer.cancel(), "a periodic one can be cancelled while a turn runs");
    drop(release);
    timer.join().unwrap();
    assert_eq!(ticks.try_recv(), Err(mpsc::TryRecvError::Disconnected), "and that was the last turn");
}

#[test]
fn a_panic_in_the_task_reaches_the_one_who_joins() {
    let clock = ManualClock::new();
    // `resume_unwind` instead of `panic!`: it does not call the hook, which would print.
    let timer = Timer::after_on(&clock, ms(0), || panic::resume_unwind(Box::new("broken"))).unwrap();
    assert_eq!(timer.join().unwrap_err().downcast_ref(), Some(&"broken"));
}

#[test]
fn refuses_what_cannot_be() {
    assert!(matches!(Timer::every(Duration::ZERO, |_| ()), Err(TimerError::ZeroPeriod)));
    let clock = ManualClock::new();
    clock.advance(ms(1));
    assert!(matches!(Timer::after_on(&clock, Duration::MAX, || ()), Err(TimerError::TooFar(Duration::MAX))));
}

#[test]
fn on_the_system_clock_it_fires_not_before_its_delay() {
    let (sender, fired) = channel();
    let start = Instant::now();
    let timer = Timer::after(ms(5), move || sender.send(Instant::now()).unwrap()).unwrap();
    assert!(fired.recv().unwrap() - start >= ms(5));
    timer.join().unwrap();

    let (sender, ticks) = channel();
    let timer = Timer::every(ms(1), move |tick| sender.send(tick.due).unwrap()).unwrap();
    let dues: Vec<Duration> = ticks.iter().take(3).collect();
    assert!(dues.windows(2).all(|pair| (pair[1] - pair[0]).as_nanos() % ms(1).as_nanos() == 0), "{dues:?}");
    assert!(timer.cancel());
    timer.join().unwrap();
}

#[test]
fn cancel_wakes_a_timer_that_would_sleep_for_a_year() {
    let timer = Timer::after(Duration::from_secs(365 * 24 * 3600), || panic!("it fired")).unwrap();
    assert!(timer.cancel());
    timer.join().unwrap();
}
