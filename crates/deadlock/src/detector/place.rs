//! What reports speak of: objects by kind, name and the line that made them.

use std::{fmt, panic::Location};

/// A source line of the program.
pub type Place = &'static Location<'static>;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A [`Mutex`](super::Mutex).
    Mutex,
    /// A [`RwLock`](super::RwLock).
    RwLock,
    /// A [`Condvar`](super::Condvar).
    Condvar,
    /// A [`channel`](super::channel).
    Channel,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Kind::Mutex => "mutex",
            Kind::RwLock => "rwlock",
            Kind::Condvar => "condvar",
            Kind::Channel => "channel",
        })
    }
}

/// A lock, condition variable or channel in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Tells objects of the same name apart.
    pub number: u64,
    /// What it is.
    pub kind: Kind,
    /// Its name; empty if it was given none.
    pub name: String,
    /// The line that made it.
    pub created: Place,
}

impl Object {
    pub(super) fn new(number: u64, kind: Kind, name: String, created: Place) -> Self {
        Self { number, kind, name, created }
    }
}

/// Its name, or else where it was made: `mutex at src/main.rs:10`.
impl fmt::Display for Object {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            write!(out, "{} at {}", self.kind, line(self.created))
        } else {
            out.write_str(&self.name)
        }
    }
}

/// File and line, which is enough for a reader.
pub(super) fn line(place: Place) -> String {
    format!("{}:{}", place.file(), place.line())
}
