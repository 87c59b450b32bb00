//! The pool itself: threads that start when they are needed and then stay for the next task.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::PoisonError,
};

use model::{
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use super::{
    Builder, Future, PoolError,
    builder::Settings,
    queue::Queue,
    slot::Slot,
    task::{Task, Work},
};

/// Threads that do tasks (`ThreadPoolExecutor`). See [the module](super) for a tour.
///
/// Dropping it is the end of Python's `with` block: no more tasks, and it waits until all that were submitted
/// are done. In a task of its own it does not wait, as it would wait for itself.
pub struct ThreadPool {
    settings: Arc<Settings>,
    queue: Arc<Queue>,
    /// For joining. Never locked by a worker, since who joins holds it; and by `submit` only inside the queue's
    /// lock while the pool is open, when nobody joins yet.
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl ThreadPool {
    /// A pool of at most `max_workers` threads, none of them started yet.
    ///
    /// # Errors
    /// [`PoolError::Size`] for 0 and for more than [`workload::Workers::MOST`].
    pub fn new(max_workers: usize) -> Result<Self, PoolError> {
        Self::builder(max_workers).build()
    }

    /// The same with more to choose: names, stack size, initializer.
    pub fn builder(max_workers: usize) -> Builder {
        Builder::new(max_workers)
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), queue: Arc::new(Queue::new()), handles: Mutex::new(Vec::new()) }
    }

    /// Has `work` done by a thread of the pool; the result, or the panic, comes back through the future.
    ///
    /// The closure owns what it uses (`'static`), because it may outlive the caller. To borrow, use
    /// `std::thread::scope`.
    ///
    /// # Errors
    /// [`PoolError::ShutDown`], [`PoolError::Broken`], and [`PoolError::Start`] when the pool has no thread and
    /// none can be started.
    pub fn submit<T, F>(&self, work: F) -> Result<Future<T>, PoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let slot = Arc::new(Slot::new());
        let task: Box<dyn Task> = Box::new(Work { slot: Arc::clone(&slot), work });
        let mut inner = self.queue.lock();
        inner.check_open()?;
        if !inner.has_idle_for_one_more() && inner.workers.len() < self.settings.max_workers {
            match self.start_worker(inner.workers.len()) {
                Ok(handle) => {
                    inner.workers.push(handle.thread().id());
                    self.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                }
                // With other threads there it is only slower.
                Err(_) if !inner.workers.is_empty() => {}
                Err(why) => return Err(why),
            }
        }
        self.queue.push(inner, task);
        Ok(Future::of(slot))
    }

    fn start_worker(&self, number: usize) -> Result<JoinHandle<()>, PoolError> {
        let (queue, settings) = (Arc::clone(&self.queue), Arc::clone(&self.settings));
        let mut builder = thread::Builder::new().name(format!("{}_{number}", settings.name_prefix));
        if let Some(bytes) = settings.stack_size {
            builder = builder.stack_size(bytes);
        }
        let started = builder.spawn(move || serve(&queue, &settings));
        started.map_err(|why| PoolError::Start { why: why.to_string() })
    }

    /// Takes no more tasks. With `wait`, returns when the threads have ended; with `cancel_pending`, tasks that
    /// have not started are cancelled, else they are still done. May be called again, with more.
    ///
    /// In a task of this pool it never waits.
    pub fn shutdown(&self, wait: bool, cancel_pending: bool) {
        self.queue.close(cancel_pending);
        let caller = thread::current().id();
        if !wait || self.queue.lock().workers.contains(&caller) {
            return;
        }
        // The lock is held to the end: of two who wait, neither returns before the threads are gone.
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        for handle in handles.drain(..) {
            // A worker catches every panic of a task; should one die of another, its end is all that matters here.
            let _ = handle.join();
        }
    }

    /// How many threads it may have.
    pub fn max_workers(&self) -> usize {
        self.settings.max_workers
    }

    /// How many threads it has started so far.
    pub fn workers(&self) -> usize {
        self.queue.lock().workers.len()
    }

    /// How many of them are asleep just now for want of a task.
    pub fn idle_workers(&self) -> usize {
        self.queue.lock().idle
    }
}

/// A worker's life.
fn serve(queue: &Queue, settings: &Settings) {
    if let Err(why) = settings.initialize() {
        queue.break_down(why);
        return;
    }
    while let Some(task) = queue.next() {
        // The task's own panic is caught inside. This is for what is dropped after it: a result that nobody
        // waits for, whose destructor panics, must not cost the pool a thread.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| task.run()));
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shutdown(true, false);
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool")
            .field("name_prefix", &self.settings.name_prefix)
            .field("max_workers", &self.max_workers())
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}
