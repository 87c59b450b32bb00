//! Measures every mechanism on this machine and says which to take.
//!
//! ```text
//! cargo run --release -p choose
//! ```
//!
//! takes half a minute. A run, in the order of the modules that it goes through: [`cli`] reads what is wanted, [`subjects`]
//! picks work and mechanisms, [`calibrate`] finds what the machine is worth, [`record`] looks closely at one sequential
//! run, [`predict`] plays it again through each mechanism's rule, [`check`] measures some of that, [`laws`] says what
//! textbooks would have said, [`foresee`] makes advice of it, and [`forecast`], [`json`] and [`report`] show it.
//!
//! `--measure` takes another way, in minutes: each workload through each mechanism. [`plan`] says how often, [`measure`]
//! measures side by side into [`row`]s, [`probe`] looks at memory and timeline in a process of their own, [`recommend`]
//! turns rows into advice, and [`table`] shows it. Every answer is checked both ways.
//!
//! What it can say is about this machine at this time. It measures our workloads, not yours: take the one that is like
//! yours, or point `--input` at your files and `--base-url` at your server.

#[cfg(target_os = "linux")]
pub mod advise;
pub mod app;
pub mod beside;
mod burned;
pub mod calibrate;
pub mod check;
pub mod cli;
mod closer;
pub mod compare;
mod counsel;
mod cpu;
pub mod dispatch;
#[cfg(target_os = "linux")]
pub mod each;
pub mod forecast;
pub mod foresee;
mod interrupt;
pub mod json;
pub mod laws;
#[cfg(target_os = "linux")]
pub mod ledger;
pub mod machine;
pub mod measure;
pub mod memory;
mod own;
mod pace;
pub mod plan;
pub mod predict;
pub mod probe;
mod progress;
mod reason;
pub mod recommend;
pub mod record;
pub mod report;
pub mod row;
mod server;
pub mod show;
pub mod subjects;
pub mod table;
pub mod trace;

#[cfg(target_os = "linux")]
pub use advise::{advise, enter};
