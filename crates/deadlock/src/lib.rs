//! Deadlock: made on demand, seen while it stands, prevented in each way there is, and lived with.

pub mod lessons;
