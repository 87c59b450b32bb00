//! What threads need to share without error: each primitive as one uses it, and as it is made.

pub mod lessons;
