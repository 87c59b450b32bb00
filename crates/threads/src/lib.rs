//! Threads: mechanisms that run work on them, and lessons about them.

pub mod lessons;
pub mod mechanisms;
