//! How this workspace tests what may hang, leak, or die halfway (Linux only: it reads /proc and uses pidfds).
//!
//! A test of threads or processes has four ways to be worthless: it hangs where it should fail, it passes and
//! leaves something behind, it provokes its fault by luck, or it could not fail at all. One tool for each:
//!
//! | tool | what it makes sure of |
//! |---|---|
//! | [`run_within`] | a child ends by its deadline, with all that it started, and its output is reported |
//! | [`watchdog`] | a test that hangs *in this process* ends as a failure that shows where each thread waits |
//! | [`LeakGuard`] | no child, zombie, thread, descriptor, shared memory or temporary file stays |
//! | [`Faults`] | a process dies, stops or panics at a named point, at exactly the nth passage |
//! | [`must_find`] | a checker finds the bug that was put in on purpose |
//! | [`every_claim_holds`] | a program tells all of its lessons, and is right |
//! | [`trials`] | a test program that plays other programs too, and runs one trial after the other |
//!
//! ```
//! use std::{process::Command, time::Duration};
//!
//! let mut echo = Command::new("echo");
//! echo.arg("hello");
//! let output = testkit::run_within(Duration::from_secs(30), &mut echo)?;
//! assert_eq!(output.stdout, b"hello\n");
//!
//! let mut hangs = Command::new("sleep");
//! hangs.arg("1000");
//! let late = testkit::run_within(Duration::from_millis(100), &mut hangs);
//! assert!(matches!(late, Err(testkit::TestkitError::Late { .. })));
//! # Ok::<(), testkit::TestkitError>(())
//! ```
//!
//! A deadline here is never a measurement: it is far above what the work takes on the slowest machine, and passing
//! it means "hangs". Cost: a few milliseconds a child, and a look through /proc for each check.

#![cfg(target_os = "linux")]

pub mod bug_table;
mod child;
mod error;
mod fault_plan;
mod faults;
mod find;
mod leaks;
mod procfs;
mod seeded;
mod told;
pub mod trials;
mod watchdog;

pub use child::run_within;
pub use error::TestkitError;
pub use fault_plan::FaultPlan;
pub use faults::{FAULTS, FAULTS_ONCE, Faults};
pub use find::{Found, must_find, must_find_within};
pub use leaks::LeakGuard;
pub use seeded::mix;
pub use told::every_claim_holds;
pub use watchdog::{Watchdog, watchdog};
