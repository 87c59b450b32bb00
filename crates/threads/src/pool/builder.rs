//! What can be chosen about a pool before it is there.

use std::{
    error::Error,
    fmt,
    panic::{self, AssertUnwindSafe},
};

use workload::{Workers, panic_message};

use super::{PoolError, ThreadPool};

type Initializer = Box<dyn Fn() -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync>;

pub(super) struct Settings {
    pub(super) max_workers: usize,
    pub(super) name_prefix: String,
    pub(super) stack_size: Option<usize>,
    initializer: Option<Initializer>,
}

impl Settings {
    /// Runs the initializer on this new thread; its error or panic as text.
    pub(super) fn initialize(&self) -> Result<(), String> {
        let Some(initializer) = &self.initializer else { return Ok(()) };
        match panic::catch_unwind(AssertUnwindSafe(initializer)) {
            Ok(outcome) => outcome.map_err(|why| why.to_string()),
            Err(payload) => Err(panic_message(&*payload)),
        }
    }
}

/// A pool in the making: [`ThreadPool::builder`].
#[must_use = "a builder does nothing until `build`"]
pub struct Builder {
    settings: Settings,
}

impl Builder {
    pub(super) fn new(max_workers: usize) -> Self {
        let settings =
            Settings { max_workers, name_prefix: "pool".to_owned(), stack_size: None, initializer: None };
        Self { settings }
    }

    /// Threads are called `prefix_0`, `prefix_1` ... (`thread_name_prefix`; "pool" if not given). Linux shows the
    /// first 15 bytes.
    pub fn name_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.name_prefix = prefix.into();
        self
    }

    /// Bytes of stack for each thread (2 MiB if not given; the system has a minimum and rounds up).
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.stack_size = Some(bytes);
        self
    }

    /// Runs on each new thread before its first task. If it fails or panics the pool is broken: every task that
    /// has not started ends with [`PoolError::Broken`], and so does each later `submit` (`BrokenThreadPool`).
    pub fn initializer(
        mut self,
        initializer: impl Fn() -> Result<(), Box<dyn Error + Send + Sync>> + Send + Sync + 'static,
    ) -> Self {
        self.settings.initializer = Some(Box::new(initializer));
        self
    }

    /// The pool. Threads start with the tasks.
    ///
    /// # Errors
    /// [`PoolError::Size`] for a number of threads that makes no sense, [`PoolError::Name`] for a prefix with a
    /// zero byte in it.
    pub fn build(self) -> Result<ThreadPool, PoolError> {
        let Settings { max_workers: asked, name_prefix: prefix, .. } = &self.settings;
        if !(1..=Workers::MOST).contains(asked) {
            return Err(PoolError::Size { asked: *asked, most: Workers::MOST });
        }
        if prefix.contains('\0') {
            return Err(PoolError::Name { prefix: prefix.clone() });
        }
        Ok(ThreadPool::with(self.settings))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { max_workers, name_prefix, stack_size, initializer } = &self.settings;
        f.debug_struct("Builder")
            .field("max_workers", max_workers)
            .field("name_prefix", name_prefix)
            .field("stack_size", stack_size)
            .field("initializer", &initializer.is_some())
            .finish()
    }
}
