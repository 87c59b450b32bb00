//! The lock that lets one thread at a time run Python: how it works, what it costs, and what follows when it goes.

pub mod lessons;
