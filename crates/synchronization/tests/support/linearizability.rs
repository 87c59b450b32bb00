//! Records who called what when, and judges whether some order of the calls explains all answers.
//!
//! A history is *linearizable* when every call can be given a moment between its begin and its end, such that a
//! sequential object, called in the order of those moments, gives the same answers (Herlihy and Wing, 1990). The search
//! is Wing and Gong's (1993) with Lowe's memory (2017): take any call that no other finished before, try it on the
//! sequential object, go on with the rest; a set of calls with an object state that has failed once is not tried again.

use std::{
    collections::HashSet,
    hash::Hash,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

/// One call, with when it began and ended on a clock that all threads share.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) begin: usize,
    pub(crate) end: usize,
    pub(crate) what: What,
}

/// A call and its answer: the same for a stack, a queue and a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A value was put in.
    Put(u32),
    /// A value was refused, because there was no room.
    Refused(u32),
    /// What was taken, `None` if there was nothing.
    Took(Option<u32>),
}

/// Collects the calls of all threads. Its locks and clock are std's: a checker sees no step of them.
#[derive(Default)]
pub(crate) struct Recorder {
    clock: AtomicUsize,
    calls: Mutex<Vec<Call>>,
}

impl Recorder {
    pub(crate) fn call(&self, call: impl FnOnce() -> What) {
        let begin = self.clock.fetch_add(1, SeqCst);
        let what = call();
        let end = self.clock.fetch_add(1, SeqCst);
        self.calls.lock().unwrap().push(Call { begin, end, what });
    }

    pub(crate) fn history(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

/// What the object should be, one call after the other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sequential {
    values: Vec<u32>,
    capacity: usize,
    last_in_first_out: bool,
}

impl Sequential {
    pub(crate) fn queue(capacity: usize) -> Self {
        Self { values: Vec::new(), capacity, last_in_first_out: false }
    }

    pub(crate) fn stack() -> Self {
        Self { last_in_first_out: true, ..Self::queue(usize::MAX) }
    }

    /// Whether it would have answered so; then it has the state after the call.
    fn answers(&mut self, what: What) -> bool {
        match what {
            What::Refused(_) => self.values.len() == self.capacity,
            What::Put(value) => {
                let room = self.values.len() < self.capacity;
                self.values.push(value);
                room
            }
            What::Took(None) => self.values.is_empty(),
            What::Took(Some(value)) => {
                let at = if self.last_in_first_out { self.values.len().checked_sub(1) } else { Some(0) };
                let there = at.and_then(|at| self.values.get(at)) == Some(&value);
                if there {
                    self.values.remove(at.unwrap_or(0));
                }
                there
            }
        }
    }
}

/// Whether some order explains `history`, which has at most 64 calls.
pub(crate) fn is_linearizable(history: &[Call], object: Sequential) -> bool {
    assert!(history.len() <= 64, "a set of calls is one word here");
    search(history, 0, object, &mut HashSet::new())
}

fn search(history: &[Call], done: u64, object: Sequential, failed: &mut HashSet<(u64, Sequential)>) -> bool {
    let open = || history.iter().enumerate().filter(|(at, _)| done & (1 << at) == 0);
    let Some(first_end) = open().map(|(_, call)| call.end).min() else { return true };
    if failed.contains(&(done, object.clone())) {
        return false;
    }
    // Only a call that began before every open one ended can be the next.
    for (at, call) in open().filter(|(_, call)| call.begin < first_end) {
        let mut next = object.clone();
        if next.answers(call.what) && search(history, done | 1 << at, next, failed) {
            return true;
        }
    }
    failed.insert((done, object));
    false
}

/// Fails with the history, in order of begin, if it is not linearizable.
pub(crate) fn assert_linearizable(recorder: &Recorder, object: Sequential) {
    let mut history = recorder.history();
    history.sort_by_key(|call| call.begin);
    assert!(is_linearizable(&history, object), "not linearizable: {history:#?}");
}
