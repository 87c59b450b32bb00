//! Two threads on two cores wake each other in turn: one round trip is two events set and two waited for.

use std::{
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Relaxed, Release},
    },
    thread,
};

use benches::own_core;
use event_listener::Listener;
use lesson::measure::{Samples, seconds};
use synchronization::Event;

use crate::{InOneLine, Plan, print};

/// What is measured: a flag that one thread sets and another one waits for and clears.
trait Flag: Default + Sync {
    fn set(&self);
    fn wait_and_clear(&self);
}

pub(crate) fn compare(plan: Plan) {
    let mut samples = [const { Vec::new() }; 2];
    let trips = 50 * u64::try_from(plan.time.as_millis()).unwrap_or(u64::MAX);
    for _ in 0..plan.rounds {
        samples[0].push(round_trip::<Listened>(trips));
        samples[1].push(round_trip::<Event>(trips));
    }
    let samples = samples.map(Samples::from_iter);
    print("events, there and back", &["event_listener::Event", "Event"], &samples, 1);
}

/// Nanoseconds there and back.
fn round_trip<F: Flag>(trips: u64) -> f64 {
    let [there, back] = [(); 2].map(|()| InOneLine(F::default()));
    let taken = seconds(|| {
        thread::scope(|scope| {
            let (there, back) = (&there.0, &back.0);
            scope.spawn(move || {
                own_core(0);
                for _ in 0..trips {
                    there.set();
                    back.wait_and_clear();
                }
            });
            scope.spawn(move || {
                own_core(1);
                for _ in 0..trips {
                    there.wait_and_clear();
                    back.set();
                }
            });
        });
    });
    taken / trips as f64 * 1e9
}

impl Flag for Event {
    fn set(&self) {
        Event::set(self);
    }

    fn wait_and_clear(&self) {
        self.wait();
        self.clear();
    }
}

/// A flag beside event-listener's `Event`, as its documentation shows it.
#[derive(Default)]
struct Listened {
    flag: AtomicBool,
    event: event_listener::Event,
}

impl Flag for Listened {
    fn set(&self) {
        // Release: pairs with the Acquire in `wait_and_clear`. `notify` comes after it for all (it has a fence).
        self.flag.store(true, Release);
        self.event.notify(usize::MAX);
    }

    fn wait_and_clear(&self) {
        while !self.flag.load(Acquire) {
            let listener = self.event.listen();
            if self.flag.load(Acquire) {
                break;
            }
            listener.wait();
        }
        self.flag.store(false, Relaxed);
    }
}
