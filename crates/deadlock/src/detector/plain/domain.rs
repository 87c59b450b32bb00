//! A detector that detects nothing.

use std::{borrow::Cow, sync::Arc};

use super::{Condvar, JoinHandle, Mutex, Receiver, RwLock, Sender, channel, spawn};
use crate::detector::{OrderReport, Recovery, Report};

/// Knows of nothing: the feature `detector` is off.
#[derive(Clone, Debug)]
pub struct Detector(Recovery);

impl Detector {
    /// Makes std's locks.
    pub fn new(recovery: Recovery) -> Self {
        Self(recovery)
    }

    /// Makes std's locks.
    pub fn open(recovery: Recovery) -> Self {
        Self(recovery)
    }

    /// Makes std's locks.
    pub fn global() -> &'static Self {
        &Self(Recovery::Report)
    }

    /// Changes nothing.
    pub fn on_deadlock(&self, _recovery: Recovery) {}

    /// What was asked for when it was made. It will not come to that.
    pub fn recovery(&self) -> Recovery {
        self.0
    }

    /// Does nothing.
    pub fn enter(&self) {}

    /// A mutex of std's.
    pub fn mutex<T>(&self, name: impl Into<Cow<'static, str>>, value: T) -> Mutex<T> {
        Mutex::named(name, value)
    }

    /// A readers-writer lock of std's.
    pub fn rwlock<T>(&self, name: impl Into<Cow<'static, str>>, value: T) -> RwLock<T> {
        RwLock::named(name, value)
    }

    /// A condition variable of std's.
    pub fn condvar(&self, name: impl Into<Cow<'static, str>>) -> Condvar {
        Condvar::named(name)
    }

    /// A channel of std's.
    pub fn channel<T>(
        &self,
        _name: impl Into<Cow<'static, str>>,
        capacity: usize,
    ) -> (Sender<T>, Receiver<T>) {
        channel(capacity)
    }

    /// A thread of std's.
    ///
    /// # Panics
    /// When the system can start no more threads, as `std::thread::spawn` does.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: impl Into<String>,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        spawn(name, body)
    }

    /// None.
    pub fn reports(&self) -> Vec<Arc<Report>> {
        Vec::new()
    }

    /// None.
    pub fn potential(&self) -> Vec<OrderReport> {
        Vec::new()
    }

    /// Nobody that it knows of.
    pub fn waiting(&self) -> Vec<String> {
        Vec::new()
    }

    /// None.
    pub fn orders(&self) -> usize {
        0
    }

    /// Nothing.
    pub fn size(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// Changes nothing.
pub fn on_deadlock(_recovery: Recovery) {}

/// None.
pub fn reports() -> Vec<Arc<Report>> {
    Vec::new()
}

/// None.
pub fn potential() -> Vec<OrderReport> {
    Vec::new()
}
