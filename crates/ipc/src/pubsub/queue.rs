//! What waits for one subscriber: never more than so many messages, whatever it does.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What came of offering a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It waits.
    Taken,
    /// It waits; the oldest was thrown away for it.
    InPlaceOfTheOldest,
    /// There was no room within the time.
    Full,
    /// The subscriber has gone.
    Closed,
}

/// What to tell the subscriber next.
#[derive(Debug)]
pub(super) enum Next {
    /// This many are missing here.
    Missed(u64),
    /// This.
    Message(Arc<[u8]>),
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug)]
struct State {
    messages: VecDeque<Arc<[u8]>>,
    /// Thrown away in front of `messages`, and not yet told.
    missed: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Nothing comes in any more; what waits still goes out.
    Finishing,
    /// The subscriber has gone, or has everything.
    Closed,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { messages: VecDeque::new(), missed: 0, phase: Phase::Open };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity: capacity.max(1) }
    }

    // ANCHOR: offer
    /// Throws away the oldest that waits, if there is no room.
    pub(super) fn offer_dropping(&self, message: Arc<[u8]>) -> Offered {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return Offered::Closed;
        }
        let full = state.messages.len() >= self.capacity;
        if full {
            // The hole is in front of all that waits: one number tells the subscriber of it, at the right place.
            state.messages.pop_front();
            state.missed += 1;
        }
        state.messages.push_back(message);
        drop(state);
        self.changed.notify_all();
        if full { Offered::InPlaceOfTheOldest } else { Offered::Taken }
    }

    /// Waits for room until `deadline`; one that has passed is not waited for.
    pub(super) fn offer_until(&self, message: Arc<[u8]>, deadline: Option<Instant>) -> Offered {
        let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        let full = |state: &mut State| state.phase == Phase::Open && state.messages.len() >= self.capacity;
        let (mut state, _) =
            self.changed.wait_timeout_while(self.lock(), left, full).unwrap_or_else(PoisonError::into_inner);
        if state.phase != Phase::Open {
            return Offered::Closed;
        }
        if state.messages.len() >= self.capacity {
            return Offered::Full;
        }
        state.messages.push_back(message);
        drop(state);
        self.changed.notify_all();
        Offered::Taken
    }
    // ANCHOR_END: offer

    /// Waits for something to tell. `None`: that was all; [`is_closed`](Self::is_closed) says whether it was cut off.
    pub(super) fn next(&self) -> Option<Next> {
        let idle =
            |state: &mut State| state.phase == Phase::Open && state.messages.is_empty() && state.missed == 0;
        let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if state.phase == Phase::Closed {
            return None;
        }
        if state.missed > 0 {
            return Some(Next::Missed(std::mem::take(&mut state.missed)));
        }
        let message = state.messages.pop_front()?;
        drop(state);
        self.changed.notify_all();
        Some(Next::Message(message))
    }

    /// Nothing more will come.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Finishing;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Throws away what waits, and ends whoever waits here.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.phase = Phase::Closed;
        state.messages = VecDeque::new();
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().phase == Phase::Closed
    }

    /// Waits until it is closed, at most until `deadline`.
    pub(super) fn wait_closed(&self, deadline: Option<Instant>) {
        let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        // Whether it is closed or late makes no difference to the caller.
        drop(self.changed.wait_timeout_while(self.lock(), left, |state| state.phase != Phase::Closed));
    }

    /// Messages that wait.
    pub(super) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// A panic in between leaves nothing half done: each change is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
