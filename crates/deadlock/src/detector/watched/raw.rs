//! The lock of a mutex without its value: the fast path over the word, the slow path through the graph.

use std::sync::Arc;

use super::{
    block::{Blocking, Woken},
    graph::{Graph, Hold, On},
    identity::Identity,
    local::{self, Local},
    object::Holder,
    word::Word,
    world::MutexGuard as GraphGuard,
};
use crate::detector::{Place, Report};

/// A word and a name.
pub(super) struct Raw {
    word: Word,
    pub(super) identity: Identity,
}

impl Raw {
    pub(super) const fn new(identity: Identity) -> Self {
        Self { word: Word::new(), identity }
    }

    /// Takes the lock; waits if need be.
    #[inline]
    pub(super) fn acquire(&self, place: Place) -> Result<(), Arc<Report>> {
        if self.take_as_before(place) { Ok(()) } else { self.acquire_slowly(place) }
    }

    /// Takes the lock if it is free, and this thread has used it before in this order. Small enough to be inlined.
    #[inline]
    fn take_as_before(&self, place: Place) -> bool {
        let hold = Hold { lock: self.identity.number_so_far(), shared: false, place };
        local::ask(|local| {
            let taken = hold.lock != 0
                && local.has_met(&self.identity)
                && local.has_told(hold)
                && self.word.take(local.number());
            if taken {
                local.held.push(hold);
            }
            taken
        })
    }

    #[cold]
    fn acquire_slowly(&self, place: Place) -> Result<(), Arc<Report>> {
        local::with(|local| {
            let hold = self.hold(local, place);
            local.tell_order(&self.identity, hold);
            if self.word.take(local.number()) {
                local.held.push(hold);
                return Ok(());
            }
            match self.contended(local, Blocking::new(place, None)) {
                Ok(()) => Ok(()),
                Err(report) => Err(report.expect("a wait without a limit ends by a lock or a deadlock")),
            }
        })
    }

    /// Takes the lock if it is free; whether it was.
    #[inline]
    pub(super) fn take_at_once(&self, place: Place) -> bool {
        local::with(|local| {
            let hold = self.hold(local, place);
            let taken = self.word.take(local.number());
            if taken {
                local.held.push(hold);
            }
            taken
        })
    }

    /// Waits for the lock until `blocking` ends; whether it was taken.
    pub(super) fn acquire_within(&self, blocking: Blocking) -> bool {
        self.take_at_once(blocking.place) || local::with(|local| self.contended(local, blocking).is_ok())
    }

    pub(super) fn is_free(&self) -> bool {
        self.word.is_free()
    }

    #[inline]
    fn hold(&self, local: &Local, place: Place) -> Hold {
        local.meet(&self.identity);
        Hold { lock: self.identity.number(), shared: false, place }
    }

    /// Waits in the queue. The error is the deadlock; without one the time ran out.
    #[cold]
    fn contended(&self, local: &Local, blocking: Blocking) -> Result<(), Option<Arc<Report>>> {
        let (me, number) = (local.number(), self.identity.number());
        let detector = self.identity.detector();
        let mut graph = detector.graph();
        if let Some(owner) = self.word.take_or_wait(me) {
            let object = graph.object(number);
            object.holders = vec![Holder { thread: owner, shared: false }];
            object.queue.push_back((me, On::Lock(number)));
            let (mut graph, woken) = detector.block(graph, local, On::Lock(number), blocking);
            // Who is no longer in the queue was handed the lock, whatever else happened.
            if !matches!(woken, Woken::Go) && graph.object(number).leave(me) {
                if graph.object(number).queue.is_empty() {
                    self.word.nobody_waits();
                }
                return Err(if let Woken::Deadlock(report) = woken { Some(report) } else { None });
            }
        }
        local.held.push(Hold { lock: number, shared: false, place: blocking.place });
        Ok(())
    }

    #[inline]
    pub(super) fn release(&self) {
        let number = self.identity.number_so_far();
        let given = local::ask(|local| local.held.pop_only(number) && self.word.give_back(local.number()));
        if !given {
            self.release_slowly(number);
        }
    }

    /// Others are held as well, or somebody waits, or the thread is at its very end.
    #[cold]
    fn release_slowly(&self, number: u64) {
        local::try_with(|local| local.held.pop(number));
        if !self.word.give_back(self.word.owner()) {
            self.hand_over(&mut self.identity.detector().graph());
        }
    }

    /// Gives the lock to the one that has waited longest.
    fn hand_over(&self, graph: &mut GraphGuard<'_, Graph>) {
        let object = graph.object(self.identity.number());
        let next = object.queue.pop_front().map(|(thread, _)| thread);
        object.holders = next.map(|thread| Holder { thread, shared: false }).into_iter().collect();
        self.word.hand_to(next, !object.queue.is_empty());
        if let Some(next) = next {
            graph.wake(next);
        }
    }

    /// Gives the lock back for a wait that is entered under the same `graph`.
    pub(super) fn release_under(&self, local: &Local, graph: &mut GraphGuard<'_, Graph>) {
        local.held.pop(self.identity.number());
        if !self.word.give_back(local.number()) {
            self.hand_over(graph);
        }
    }
}
