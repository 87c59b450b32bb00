//! How much of it.

/// How much work: each workload has a value of each size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Milliseconds: for tests.
    Test,
    /// Well below a second: for lessons.
    Lesson,
    /// One to two seconds on one core: for measuring.
    Measure,
}
