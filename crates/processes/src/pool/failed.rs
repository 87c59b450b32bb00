//! How a piece, or a whole pool, can fail.

use std::{error::Error, fmt};

/// A piece that could not be done. All others are done none the less.
#[derive(Debug)]
pub struct Failed<I> {
    /// What went in: it comes back, so that it can be shown, mended, and submitted again.
    pub input: I,
    /// Why.
    pub why: Why,
}

/// Why a piece could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The task returned an error.
    Error {
        /// Its words, and those of its causes.
        message: String,
        /// The worker's stack where the error became a [`TaskError`](super::TaskError).
        backtrace: String,
    },
    /// The task panicked. Its worker goes on.
    Panicked {
        /// The panic's words.
        message: String,
        /// Where, and the worker's stack.
        backtrace: String,
    },
    /// The input cannot be encoded, or not be decoded again, or is too long for a frame.
    Input(String),
    /// The output cannot be encoded, or is too long for a frame (`MaybeEncodingError` in Python).
    Output(String),
    /// Poison: each worker that did it and nothing else ended, as often as the pool had
    /// [`tries`](super::Settings::tries).
    Poison {
        /// How each of them ended.
        deaths: Vec<String>,
    },
    /// The pool ended before the piece was done: why.
    Ended(String),
}

impl Why {
    /// The worker's stack, where there is one.
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Why::Error { backtrace, .. } | Why::Panicked { backtrace, .. } => Some(backtrace),
            _ => None,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Error { message, .. } => write!(out, "{message}"),
            Why::Panicked { message, .. } => write!(out, "panicked: {message}"),
            Why::Input(why) => write!(out, "its input {why}"),
            Why::Output(why) => write!(out, "its output {why}"),
            Why::Poison { deaths } => {
                write!(out, "it ended each worker that tried it: {}", deaths.join("; "))
            }
            Why::Ended(why) => write!(out, "the pool ended before it was done: {why}"),
        }
    }
}

impl<I: fmt::Debug> fmt::Display for Failed<I> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An input may be long; its beginning says which one it is.
        let input: String = format!("{:?}", self.input).chars().take(200).collect();
        write!(out, "{input}: {}", self.why)
    }
}

impl<I: fmt::Debug> Error for Failed<I> {}

/// Why there is no pool, or none any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// A worker could not be started; those before it are ended.
    #[error("cannot start {what}: {why}")]
    Start {
        /// What was to start.
        what: String,
        /// The system's reason, and what could be done about it.
        why: String,
    },
    /// It could not go on: its workers do not know the task, or end before they are ready, or the task's start fails.
    #[error("the pool is broken: {0}")]
    Broken(String),
}
