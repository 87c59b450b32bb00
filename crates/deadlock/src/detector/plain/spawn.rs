//! std's threads under the detector's names.

use std::thread;

use crate::detector::JoinError;

/// `std::thread::JoinHandle`.
#[derive(Debug)]
pub struct JoinHandle<T> {
    inner: thread::JoinHandle<T>,
    name: String,
}

/// Starts a thread called `name`.
///
/// # Panics
/// When the system can start no more threads, as `std::thread::spawn` does.
pub fn spawn<T: Send + 'static>(
    name: impl Into<String>,
    body: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let name = name.into();
    let started = thread::Builder::new().name(name.clone()).spawn(body);
    JoinHandle { inner: started.expect("the system can start another thread"), name }
}

impl<T> JoinHandle<T> {
    /// As std's.
    ///
    /// # Errors
    /// [`JoinError::Panicked`] only.
    pub fn join(self) -> Result<T, JoinError> {
        self.inner.join().map_err(JoinError::Panicked)
    }

    /// The thread's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the thread has run to its end.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}
