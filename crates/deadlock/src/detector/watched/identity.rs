//! What a lock, a condition variable or a channel is called, where it was made, and whose it is.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{Detector, domain::GLOBAL, object::Object};
use crate::detector::{Kind, Place};

/// The next number of an object. Numbers are never used twice, so an old one means nothing, never something else.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Stands in each object. It is known to its detector from its first use on, until it is dropped: what is made and
/// never used costs nothing.
pub struct Identity {
    /// 0 before the first use.
    number: AtomicU64,
    kind: Kind,
    name: Cow<'static, str>,
    created: Place,
    /// `None` is the process's own, so that a lock can stand in a `static`.
    detector: Option<Detector>,
    domain: u64,
}

impl Identity {
    pub(super) const fn global(kind: Kind, name: Cow<'static, str>, created: Place) -> Self {
        Self { number: AtomicU64::new(0), kind, name, created, detector: None, domain: GLOBAL }
    }

    pub(super) fn of(detector: &Detector, kind: Kind, name: Cow<'static, str>, created: Place) -> Self {
        let domain = detector.domain();
        Self { number: AtomicU64::new(0), kind, name, created, detector: Some(detector.clone()), domain }
    }

    pub(super) fn detector(&self) -> &Detector {
        self.detector.as_ref().unwrap_or_else(|| Detector::global())
    }

    /// Which detector it belongs to, without reaching it.
    #[inline]
    pub(super) fn domain(&self) -> u64 {
        self.domain
    }

    #[inline]
    pub(super) fn number(&self) -> u64 {
        // Relaxed: whoever looks the number up does so under the graph's lock, under which it was entered.
        match self.number.load(Relaxed) {
            0 => self.register(),
            number => number,
        }
    }

    /// 0 before the first use.
    #[inline]
    pub(super) fn number_so_far(&self) -> u64 {
        self.number.load(Relaxed)
    }

    #[cold]
    fn register(&self) -> u64 {
        let mut graph = self.detector().graph();
        match self.number.load(Relaxed) {
            0 => {
                let number = NEXT.fetch_add(1, Relaxed);
                graph.objects.insert(number, Object::new(self.kind, &self.name, self.created));
                self.number.store(number, Relaxed);
                number
            }
            number => number,
        }
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        let number = *self.number.get_mut();
        if number != 0 {
            self.detector().graph().forget(number);
        }
    }
}
