//! An order of locking that could deadlock, seen in a run that perhaps did not.

use std::fmt;

use super::{Object, Place, place::line};

/// A potential deadlock: each step's thread holds a lock that the step before wants. If all stood there at once, none
/// could go on.
#[derive(Clone, Debug)]
pub struct OrderReport {
    steps: Vec<OrderStep>,
}

/// One thread's part in it.
#[derive(Clone, Debug)]
pub struct OrderStep {
    /// The thread's name.
    pub thread: String,
    /// The lock it holds.
    pub held: Object,
    /// The line that took it.
    pub held_since: Place,
    /// The lock it takes while it holds the other.
    pub wanted: Object,
    /// The line that takes it.
    pub wanted_at: Place,
}

impl OrderReport {
    #[cfg(feature = "detector")]
    pub(super) fn new(steps: Vec<OrderStep>) -> Self {
        Self { steps }
    }

    /// The steps in a ring: what one wants the next holds, and what the last wants the first holds.
    pub fn steps(&self) -> &[OrderStep] {
        &self.steps
    }

    /// What it is, in one line.
    pub fn verdict(&self) -> String {
        let locks: Vec<String> = self.steps.iter().map(|step| step.held.to_string()).collect();
        let first = locks.first().cloned().unwrap_or_default();
        format!("could deadlock: {} -> {first}", locks.join(" -> "))
    }
}

impl fmt::Display for OrderReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.verdict())?;
        for step in &self.steps {
            let (since, at) = (line(step.held_since), line(step.wanted_at));
            write!(out, "\n  {} holds {} since {since}", step.thread, step.held)?;
            write!(
                out,
                "\n  {:width$} and takes {} at {at}",
                "",
                step.wanted,
                width = step.thread.chars().count()
            )?;
        }
        Ok(())
    }
}
