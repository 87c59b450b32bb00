//! Rust's memory model as axioms over whole executions: those that break none are allowed.
//!
//! After Lahav, Vafeiadis, Kang, Hur and Dreyer, "Repairing Sequential Consistency in C/C++11" (2017, called RC11; its
//! rule for SeqCst is that of C++20), without its ban on load buffering, which C++ and Rust do not have. There
//! are no read-modify-writes here, so no release sequences.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering::{self, AcqRel, Acquire, Release, SeqCst},
};

use super::{Outcome, Program, Step, relation::Relation};

/// An event of an execution; the first stores of 0 have no thread.
#[derive(Clone, Copy)]
struct Event {
    thread: Option<usize>,
    step: Step,
}

impl Event {
    fn location(&self) -> Option<usize> {
        match self.step {
            Step::Store(location, _) | Step::Load(location, _) => Some(location),
            Step::Fence(_) => None,
        }
    }

    fn order(&self) -> Ordering {
        match self.step {
            Step::Store(_, order) | Step::Load(_, order) | Step::Fence(order) => order,
        }
    }

    fn is_store(&self) -> bool {
        matches!(self.step, Step::Store(..))
    }

    fn is_fence(&self) -> bool {
        matches!(self.step, Step::Fence(_))
    }

    fn releases(&self) -> bool {
        matches!(self.order(), Release | AcqRel | SeqCst)
    }

    fn acquires(&self) -> bool {
        matches!(self.order(), Acquire | AcqRel | SeqCst)
    }
}

/// Every outcome that Rust allows.
pub fn allowed(program: &Program) -> BTreeSet<Outcome> {
    let steps = || program.threads.iter().flatten();
    let locations =
        steps().filter_map(|step| Event { thread: None, step: *step }.location()).max().map_or(0, |n| n + 1);
    let first =
        (0..locations).map(|location| Event { thread: None, step: Step::Store(location, Ordering::Relaxed) });
    let rest = program.threads.iter().enumerate();
    let rest = rest.flat_map(|(thread, steps)| {
        steps.iter().map(move |step| Event { thread: Some(thread), step: *step })
    });
    let events: Vec<Event> = first.chain(rest).collect();
    let loads: Vec<usize> =
        (0..events.len()).filter(|&at| matches!(events[at].step, Step::Load(..))).collect();

    // Each load reads the first 0 or the 1, if there is a store of it: try all combinations.
    (0..1_u32 << loads.len())
        .map(|bits| (0..loads.len()).map(|load| bits >> load & 1).collect::<Outcome>())
        .filter(|outcome| {
            let sources: Option<Vec<usize>> = loads
                .iter()
                .zip(outcome)
                .map(|(&load, &value)| {
                    let stores_it = |at: &usize| {
                        events[*at].is_store()
                            && events[*at].location() == events[load].location()
                            && events[*at].thread.is_some() == (value == 1)
                    };
                    (0..events.len()).find(stores_it)
                })
                .collect();
            sources.is_some_and(|sources| is_consistent(&events, &loads, &sources))
        })
        .collect()
}

/// Whether the execution in which each load reads from that source breaks no rule.
fn is_consistent(events: &[Event], loads: &[usize], sources: &[usize]) -> bool {
    let of = |related: &dyn Fn(usize, usize) -> bool| Relation::of(events.len(), related);
    let same_place =
        |a: usize, b: usize| events[a].location().is_some() && events[a].location() == events[b].location();

    let sequenced_before = of(&|a, b| match (events[a].thread, events[b].thread) {
        (None, Some(_)) => true,
        (Some(one), Some(other)) => one == other && a < b,
        _ => false,
    });
    let reads_from = of(&|a, b| loads.iter().zip(sources).any(|(&load, &source)| (a, b) == (source, load)));
    // One store to each location after the first, so there is but one order of them.
    let modification_order = of(&|a, b| {
        same_place(a, b)
            && events[a].is_store()
            && events[b].is_store()
            && events[a].thread.is_none()
            && a != b
    });
    let from_read = reads_from.inverse().then(modification_order);

    // A Release store, or a Release fence before any store, meets an Acquire load, or an Acquire fence after any load.
    let released = of(&|a, b| {
        events[b].is_store() && (a == b && events[a].releases())
            || events[a].is_fence() && events[a].releases() && sequenced_before.has(a, b)
    });
    let acquired = of(&|a, b| {
        (a == b && events[a].acquires() && !events[a].is_store())
            || events[b].is_fence() && events[b].acquires() && sequenced_before.has(a, b)
    });
    let synchronizes_with = released.then(reads_from).then(acquired);
    let happens_before = sequenced_before.or(synchronizes_with).closure();

    // Coherence: no one reads what is hidden behind a later store that it knows of.
    let communication = reads_from.or(modification_order).or(from_read).closure();
    if !happens_before.is_irreflexive() || !happens_before.then(communication).is_irreflexive() {
        return false;
    }

    // SeqCst: there is one order of all such accesses and fences.
    let elsewhere = of(&|a, b| sequenced_before.has(a, b) && !same_place(a, b));
    let here = of(&|a, b| happens_before.has(a, b) && same_place(a, b));
    let base = sequenced_before
        .or(elsewhere.then(happens_before).then(elsewhere))
        .or(here)
        .or(modification_order)
        .or(from_read);
    let same = of(&|a, b| a == b);
    let access = of(&|a, b| a == b && events[a].order() == SeqCst && !events[a].is_fence());
    let fence = of(&|a, b| a == b && events[a].order() == SeqCst && events[a].is_fence());
    let or_later = happens_before.or(same);
    let begin = access.or(fence.then(or_later));
    let end = access.or(or_later.then(fence));
    let fences =
        fence.then(happens_before.or(happens_before.then(communication).then(happens_before))).then(fence);
    begin.then(base).then(end).or(fences).is_acyclic()
}
