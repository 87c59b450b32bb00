//! The thread pool does what CPython's test_concurrent_futures asks of its own. Every order of events is forced
//! by gates and barriers; a test that hangs is ended by the watchdog.

mod callbacks;
mod map;
mod results;
mod shutdown;
mod waiting;
mod workers;

use std::{
    panic::resume_unwind,
    sync::mpsc::{self, Sender},
    time::Duration,
};

use testkit::{Watchdog, watchdog};
use threads::pool::{Future, PoolError, ThreadPool};

pub(crate) fn guard() -> Watchdog {
    watchdog(Duration::from_secs(60))
}

/// A task that waits at a closed gate; dropping the sender opens it.
pub(crate) fn gated(pool: &ThreadPool) -> (Sender<()>, Future<()>) {
    let (gate, closed) = mpsc::channel();
    let future = pool.submit(move || closed.recv().unwrap_or_default()).expect("open pool");
    (gate, future)
}

/// The same, after the task has begun.
pub(crate) fn begun(pool: &ThreadPool) -> (Sender<()>, Future<()>) {
    let (gate, closed) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let task = move || {
        begin.send(()).expect("the test waits");
        closed.recv().unwrap_or_default();
    };
    let future = pool.submit(task).expect("open pool");
    begun.recv().expect("the task begins");
    (gate, future)
}

/// A panic without the hook's report, which would clutter the tests' output.
pub(crate) fn quiet_panic(message: &str) -> ! {
    resume_unwind(Box::new(message.to_owned()))
}

pub(crate) fn panicked(message: &str) -> PoolError {
    PoolError::Panicked { message: message.to_owned() }
}
