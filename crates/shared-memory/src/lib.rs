//! Processes that map the same pages: the fastest way between them, and what has to be right since nobody checks.

pub mod lessons;
