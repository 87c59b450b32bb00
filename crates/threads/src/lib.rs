//! Threads: mechanisms that run work on them, and lessons about them.

pub mod join;
pub mod lessons;
pub mod mechanisms;
pub mod pool;
pub mod registry;
pub mod timer;
