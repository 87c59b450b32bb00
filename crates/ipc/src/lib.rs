//! How processes talk that share nothing: each way at its simplest, what it costs, and what happens when the other end dies.

pub mod lessons;
