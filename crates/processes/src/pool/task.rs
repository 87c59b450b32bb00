//! A task is a function that workers know by its name: what goes in and what comes out can be sent, or it does not
//! compile.
//!
//! A worker is this program, started again, so the function need not be sent, and could not be: a closure that has
//! captured something is refused by the compiler, since a task holds function pointers. What it would have captured
//! goes in as the argument of the start, once for each worker (`initializer` and `initargs` in Python).

use std::{error::Error, fmt};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    lines::JoinError,
    worker::{Job, Service},
};

/// What can be sent to another process: all that is `Serialize`, `Deserialize`, `Send` and borrows nothing.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent to another process",
    note = "it has to be `serde::Serialize`, `serde::Deserialize`, `Send` and `'static`",
    note = "a lock, a file, a closure or a reference has no meaning in another memory: send what it is made from"
)]
pub trait Sendable: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Sendable for T {}

/// A function from `I` to `O`, done in other processes. With a state `S`, made from an `A` when a worker starts.
///
/// ```
/// use processes::pool::Task;
///
/// static SQUARE: Task<u64, u64> = Task::new("square", |x| x.checked_mul(x).ok_or_else(|| "too large".into()));
/// ```
///
/// What cannot be sent does not compile; in Python it is a `PicklingError`, while the program runs:
///
/// ```compile_fail,E0277
/// use processes::pool::Task;
/// use std::sync::MutexGuard;
///
/// static BAD: Task<MutexGuard<'static, u64>, u64> = Task::new("bad", |guard| Ok(*guard));
/// ```
///
/// Nor does a function that has captured something:
///
/// ```compile_fail,E0308
/// use processes::pool::Task;
///
/// let offset = std::env::args().count() as u64;
/// let bad: Task<u64, u64> = Task::new("bad", move |x| Ok(x + offset));
/// ```
pub struct Task<I, O, A = (), S = ()> {
    pub(super) name: &'static str,
    pub(super) start: fn(A) -> Result<S, TaskError>,
    pub(super) run: Run<I, O, S>,
}

pub(super) enum Run<I, O, S> {
    Alone(fn(I) -> Result<O, TaskError>),
    With(fn(&mut S, I) -> Result<O, TaskError>),
}

impl<I: Sendable, O: Sendable> Task<I, O> {
    /// A function alone. `name` is how a worker finds it: one name, one task.
    pub const fn new(name: &'static str, run: fn(I) -> Result<O, TaskError>) -> Self {
        Self { name, start: |()| Ok(()), run: Run::Alone(run) }
    }
}

impl<I: Sendable, O: Sendable, A: Sendable, S: 'static> Task<I, O, A, S> {
    /// A function with a state: each worker calls `start` once, before its first piece, with what the pool was given
    /// ([`Pool::with`](super::Pool::with)). The state stays in its worker and need not be sendable: a cache, a
    /// connection, a compiled pattern.
    pub const fn with_state(
        name: &'static str,
        start: fn(A) -> Result<S, TaskError>,
        run: fn(&mut S, I) -> Result<O, TaskError>,
    ) -> Self {
        Self { name, start, run: Run::With(run) }
    }

    /// For [`worker::enter`](crate::worker::enter), the first line of `main`.
    pub const fn job(&'static self) -> Job {
        Job {
            name: self.name,
            service: Service::Task(self),
            line: |_, _| Err("is a task of a pool, and not of lines".to_owned()),
            join: |_, _, _| {
                let why = "is a task of a pool, and not of lines".to_owned();
                Err(JoinError::Line { line: 1, why })
            },
        }
    }
}

impl<I, O, A, S> fmt::Debug for Task<I, O, A, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a task could not be done: a message, and the stack at the `?` that made it from an error.
///
/// It is made from any error, as `anyhow` does, and from a text. It does not carry the error itself, which as a rule
/// cannot be sent.
pub struct TaskError {
    pub(super) message: String,
    pub(super) backtrace: String,
}

impl TaskError {
    /// An error that says `why`.
    pub fn new(why: impl fmt::Display) -> Self {
        Self { message: why.to_string(), backtrace: std::backtrace::Backtrace::force_capture().to_string() }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for TaskError {
    fn from(error: E) -> Self {
        let error = error.into();
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::new(message)
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.message)
    }
}
