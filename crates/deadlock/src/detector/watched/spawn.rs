//! Threads that are known from the start, and joining them.

use std::{panic::Location, sync::Arc};

use super::{
    Detector,
    block::{Blocking, Woken},
    graph::On,
    local,
    world::thread,
};
use crate::detector::JoinError;

/// As `std::thread::JoinHandle`. Owns a thread; dropped, it leaves the thread to itself.
#[derive(Debug)]
pub struct JoinHandle<T> {
    detector: Detector,
    number: u64,
    name: Arc<str>,
    inner: thread::JoinHandle<T>,
}

/// Starts a thread of the process's own detector. As `threading.Thread(name=..., target=...)`.
///
/// # Panics
/// When the system can start no more threads, as `std::thread::spawn` does.
pub fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    start(Detector::global(), name.into(), body)
}

pub(super) fn start<T: Send + 'static>(
    detector: &Detector,
    name: String,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let number = local::next_number();
    let known: Arc<str> = name.as_str().into();
    // Before it runs: from here on it counts as one who could help others.
    detector.graph().enter(number, Arc::clone(&known));
    let (theirs, called) = (detector.clone(), Arc::clone(&known));
    let announced = Announced { detector: detector.clone(), number };
    let started = thread::Builder::new().name(name).spawn(move || {
        local::with(|local| local.begin(number, called, &theirs));
        drop(theirs);
        // Also when `body` panics: who joins waits for this, not for the end of the system's thread.
        let _announced = announced;
        body()
    });
    let inner = started.expect("the system can start another thread");
    JoinHandle { detector: detector.clone(), number, name: known, inner }
}

/// Its drop is the thread's end, or that it never began.
struct Announced {
    detector: Detector,
    number: u64,
}

impl Drop for Announced {
    fn drop(&mut self) {
        let mut own = false;
        local::try_with(|local| {
            own = local.number() == self.number;
            if own {
                local.end();
            }
        });
        if !own {
            self.detector.ended(self.number, &[]);
        }
    }
}

impl<T> JoinHandle<T> {
    /// Waits until the thread has ended; its result.
    ///
    /// # Errors
    /// [`JoinError::Panicked`] with the panic's payload; [`JoinError::WouldDeadlock`] when the thread can never end
    /// unless the caller goes on first. It then is left to itself.
    #[track_caller]
    pub fn join(self) -> Result<T, JoinError> {
        let blocking = Blocking::new(Location::caller(), None);
        let woken = local::with(|local| {
            local.enter(&self.detector);
            let graph = self.detector.graph();
            if !graph.is_alive(self.number) {
                return Woken::Go;
            }
            self.detector.block(graph, local, On::Join(self.number), blocking).1
        });
        match woken {
            Woken::Deadlock(report) => Err(JoinError::WouldDeadlock(report)),
            _ => self.inner.join().map_err(JoinError::Panicked),
        }
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the thread has run to its end.
    pub fn is_finished(&self) -> bool {
        !self.detector.graph().is_alive(self.number)
    }
}
