//! What the experiments give: the same figures in either language.

use serde::{Deserialize, Serialize};

/// In which language it was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Rust, in this program.
    Rust,
    /// CPython, the `python3` that is found here.
    Python,
}

/// Figures of one language. Gains are in terms of doing one piece after the other in the same round, medians of rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Which language, for a reader: `CPython 3.13.1`.
    pub version: String,
    /// Whether an interpreter lock keeps threads from running at once.
    pub gil: bool,
    /// Cores that may be used.
    pub cores: usize,
    /// What a pure kernel gains on all of them just now: at best `cores`.
    pub ceiling: f64,
    /// With how many workers documents were fetched.
    pub waiters: usize,
    /// The gain of threads that wait.
    pub waiting_threads: f64,
    /// Of processes that wait.
    pub waiting_processes: f64,
    /// The gain of threads that compute, one a core.
    pub computing_threads: f64,
    /// Of processes that compute.
    pub computing_processes: f64,
    /// Seconds of processor time in a second: with threads.
    pub busy_threads: f64,
    /// With processes, the caller's and theirs together.
    pub busy_processes: f64,
    /// Bytes of memory with workers that are threads.
    pub memory_threads: f64,
    /// With as many that are processes.
    pub memory_processes: f64,
    /// Seconds of a small message to a thread and back.
    pub word_thread: f64,
    /// To a process and back.
    pub word_process: f64,
    /// Seconds of a table of 8 MiB to a thread and back.
    pub table_thread: f64,
    /// To a process and back.
    pub table_process: f64,
    /// The longest time, in seconds, in which the main thread answered nobody while it computed itself.
    pub silence_alone: f64,
    /// While another thread computed.
    pub silence_thread: f64,
    /// How many increments two threads made between them.
    pub increments: u64,
    /// How many were lost without a lock, each read and write being correct by itself.
    pub lost: u64,
    /// How many were lost with one.
    pub lost_locked: u64,
    /// How many were let in at most by a semaphore that lets two in.
    pub inside: usize,
    /// Whether what a condition handed over came complete and in order.
    pub in_order: bool,
    /// Whether two threads with a lock each could not get the other's.
    pub stuck: bool,
    /// Whether a program survives that one of its threads aborts.
    pub survives_thread: bool,
    /// That one of its processes does.
    pub survives_process: bool,
    /// Whether a thread's write to a variable is seen.
    pub seen_thread: bool,
    /// A child process's.
    pub seen_process: bool,
    /// A child process's, to memory that was asked for as shared.
    pub seen_shared: bool,
}
