//! The picture of a deadlock for a terminal.

use std::fmt;

use super::{Report, Stuck, Waiting, place::line};

/// One block for each thread, and how each leads to the next.
impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.is_cycle();
        writeln!(out, "{}", self.verdict())?;
        for (at, stuck) in self.threads().iter().enumerate() {
            let edge = match at {
                _ if !ring => "  ",
                0 => "┌▶",
                _ => "│ ",
            };
            writeln!(out, "{edge} {}", stuck.thread)?;
            let rail = if ring { "│ " } else { "  " };
            for hold in &stuck.holds {
                writeln!(out, "{rail}   {hold} (made at {})", line(hold.object.created))?;
            }
            match &stuck.waits {
                Some(waits) => writeln!(out, "{rail}   {}", self.wish(waits))?,
                None => writeln!(out, "{rail}   has ended")?,
            }
            if ring && at + 1 < self.threads().len() {
                writeln!(out, "{rail}   │ {}", self.handed_over_by(at + 1, waits_of(stuck)))?;
                writeln!(out, "{rail}   ▼")?;
            }
        }
        if ring {
            let last = self.threads().last().and_then(|stuck| stuck.waits.as_ref());
            write!(out, "└──── {}", self.handed_over_by(0, last))?;
        }
        Ok(())
    }
}

fn waits_of(stuck: &Stuck) -> Option<&Waiting> {
    stuck.waits.as_ref()
}

impl Report {
    /// `wants to lock b at src/main.rs:14`, and if it is no ring, for whom that is to wait.
    fn wish(&self, waits: &Waiting) -> String {
        let what = match &waits.object {
            Some(object) => object.to_string(),
            None => self.names(waits),
        };
        let wish = format!("wants to {} {what} at {}", waits.action, line(waits.place));
        if self.is_cycle() || waits.object.is_none() {
            return wish;
        }
        match self.names(waits) {
            names if names.is_empty() => format!("{wish}: nobody is left who could help"),
            names => format!("{wish}: waits for {names}"),
        }
    }

    fn names(&self, waits: &Waiting) -> String {
        let names: Vec<&str> = waits.on.iter().map(|&at| self.threads()[at].thread.as_str()).collect();
        names.join(", ")
    }

    /// Why the wait leads to thread `at`.
    fn handed_over_by(&self, at: usize, waits: Option<&Waiting>) -> String {
        let thread = &self.threads()[at].thread;
        match waits.and_then(|waits| waits.object.as_ref()) {
            Some(object) if self.threads()[at].holds.iter().any(|hold| hold.object == *object) => {
                format!("{object} is held by {thread}")
            }
            _ => format!("waits for {thread}"),
        }
    }
}
