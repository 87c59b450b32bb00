//! Behind the gate one builds, and whoever sees it open sees all of it: under every schedule and memory ordering.

use model::{
    Explore,
    cell::UnsafeCell,
    sync::{
        Arc,
        atomic::Ordering::{self, Relaxed, Release},
    },
    thread,
};
use shared_memory::gate::Gate;

const OPEN: u64 = 7;

/// A segment: two who try to build, one who looks.
#[derive(Default)]
struct Segment {
    gate: Gate,
    content: UnsafeCell<u32>,
}

// SAFETY: the content is written by the one who builds, before the gate is open, and read only after.
unsafe impl Sync for Segment {}

impl Segment {
    fn build(&self, begin: fn(&Gate) -> bool, open: Ordering) {
        if begin(&self.gate) {
            // SAFETY: the gate lets in one.
            self.content.with_mut(|content| unsafe { *content += 42 });
            match open {
                Release => self.gate.open(OPEN),
                broken => self.gate.word.store(OPEN, broken),
            }
        }
    }

    fn look(&self) {
        match self.gate.look() {
            // SAFETY: it is open, so the builder is done.
            OPEN => self.content.with(|content| assert_eq!(unsafe { *content }, 42)),
            shut => assert!(shut == 0 || shut == Gate::BUILDING),
        }
    }
}

fn two_build_and_one_looks(begin: fn(&Gate) -> bool, open: Ordering) {
    let segment = Arc::new(Segment::default());
    let builders = [(); 2].map(|()| {
        let theirs = Arc::clone(&segment);
        thread::spawn(move || theirs.build(begin, open))
    });
    segment.look();
    for builder in builders {
        builder.join().unwrap();
    }
    segment.look();
    // The joins do not hide a gate that stayed shut.
    assert_eq!(segment.gate.word.load(Relaxed), OPEN);
}

#[test]
fn one_builds_and_who_sees_it_open_sees_all() {
    model::explore(&Explore::named("gate").floor(150), || two_build_and_one_looks(Gate::begin, Release));
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod broken {
    use super::*;
    use testkit::must_find;

    /// A look and a store in the place of one step.
    fn look_then_store(gate: &Gate) -> bool {
        let free = gate.word.load(Relaxed) == 0;
        if free {
            gate.word.store(Gate::BUILDING, Relaxed);
        }
        free
    }

    #[test]
    fn two_build() {
        // loom sees two at one cell, shuttle the sum of two.
        let expected = if cfg!(feature = "loom") { "Causality violation" } else { "84" };
        must_find("gate: looked, then shut", expected, || {
            model::explore(&Explore::named("gate: looked, then shut"), || {
                two_build_and_one_looks(look_then_store, Release);
            });
        });
    }

    #[cfg(feature = "loom")]
    #[test]
    fn opened_too_early() {
        must_find("gate: opened Relaxed", "Causality violation", || {
            model::explore(&Explore::named("gate: opened Relaxed"), || {
                two_build_and_one_looks(Gate::begin, Relaxed);
            });
        });
    }
}
