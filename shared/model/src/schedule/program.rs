//! A small program as data: its threads, and what must be so when all of them are joined.

use std::fmt::Display;

type Body = Box<dyn FnOnce() + Send>;
type Check = Box<dyn FnOnce() -> Result<(), String>>;

/// What [`explore`](super::explore) runs under each schedule; built anew for every run.
#[derive(Default)]
pub struct Program {
    pub(super) threads: Vec<(String, Body)>,
    pub(super) checks: Vec<Check>,
}

impl Program {
    /// Adds a thread. All threads begin together; the first to take a step is chosen by the schedule.
    pub fn thread(&mut self, name: impl Into<String>, body: impl FnOnce() + Send + 'static) {
        self.threads.push((name.into(), Box::new(body)));
    }

    /// When all threads are joined, `observe` must return `expected`. `what` names it in the verdict:
    /// `count = 1, expected 2`.
    pub fn expect<T: PartialEq + Display + 'static>(
        &mut self,
        what: impl Into<String>,
        expected: T,
        observe: impl FnOnce() -> T + 'static,
    ) {
        let what = what.into();
        self.checks.push(Box::new(move || {
            let seen = observe();
            if seen == expected { Ok(()) } else { Err(format!("{what} = {seen}, expected {expected}")) }
        }));
    }

    /// When all threads are joined, `check` must be `Ok`; its error is the verdict.
    pub fn check(&mut self, check: impl FnOnce() -> Result<(), String> + 'static) {
        self.checks.push(Box::new(check));
    }
}
