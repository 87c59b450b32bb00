//! What a server can do, by name; and how a method learns that nobody waits for it any more.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Takes an argument, returns a result or its own error.
type Method = dyn Fn(&[u8], &Context) -> Result<Vec<u8>, String> + Send + Sync;

/// Methods by name.
#[derive(Default)]
pub struct Methods(HashMap<String, Box<Method>>);

impl Methods {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more. It runs on several threads at once, and on none that it may keep: it should ask
    /// [`Context::is_wanted`] now and then, and wait by [`Context::pause`].
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        method: impl Fn(&[u8], &Context) -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Self {
        self.0.insert(name.to_owned(), Box::new(method));
        self
    }

    pub(super) fn run(&self, name: &str, argument: &[u8], context: &Context) -> Ran {
        let Some(method) = self.0.get(name) else { return Ran::Unknown };
        // What a panicking method leaves half done in its own state is its own affair, as with a panicking thread.
        match catch_unwind(AssertUnwindSafe(|| method(argument, context))) {
            Ok(Ok(result)) => Ran::Done(result),
            Ok(Err(error)) => Ran::Failed(error),
            Err(panic) => Ran::Panicked(words(&*panic)),
        }
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What came of running a method.
pub(super) enum Ran {
    Done(Vec<u8>),
    Failed(String),
    Panicked(String),
    Unknown,
}

fn words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    words.unwrap_or("a panic without words").to_owned()
}

/// What a method knows of its caller.
#[derive(Debug)]
pub struct Context {
    deadline: Option<Instant>,
    given_up: Mutex<bool>,
    changed: Condvar,
}

impl Context {
    pub(super) fn new(deadline: Option<Instant>) -> Self {
        Self { deadline, given_up: Mutex::new(false), changed: Condvar::new() }
    }

    /// When the caller stops waiting. `None`: never.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether anybody waits for the result: the deadline has not passed, the call was not cancelled, the client is there.
    pub fn is_wanted(&self) -> bool {
        self.pause(Duration::ZERO)
    }

    // ANCHOR: pause
    /// Waits, and no longer than somebody wants the result: says whether somebody still does.
    pub fn pause(&self, time: Duration) -> bool {
        let left = self.deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        let (given_up, _) = self
            .changed
            .wait_timeout_while(given_up, time.min(left), |given_up| !*given_up)
            .unwrap_or_else(PoisonError::into_inner);
        !*given_up && self.deadline.is_none_or(|at| Instant::now() < at)
    }
    // ANCHOR_END: pause

    pub(super) fn give_up(&self) {
        *self.given_up.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}
