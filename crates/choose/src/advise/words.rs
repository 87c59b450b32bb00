//! The advice, as a person would say it.

use std::fmt;

use lesson::measure::cores;

use super::order::Traced;
use crate::{
    recommend,
    row::{Measured, SEQUENTIAL},
    show,
};

/// What to take for somebody's work, and what that rests on. Print it.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The mechanism to take; `sequential` for none.
    pub mechanism: &'static str,
    /// With how many workers.
    pub workers: usize,
    /// In two sentences.
    pub why: String,
    /// The file to start from, from the top of this workspace.
    pub file: Option<&'static str>,
    /// What pieces cost one after the other.
    pub trace: Traced,
    /// Of how many pieces one was measured.
    pub every: usize,
    /// For how many workers there is memory.
    pub room: usize,
    /// All figures.
    pub measured: Measured,
}

impl Advice {
    pub(super) fn new(
        taken: recommend::Advice,
        file: Option<&'static str>,
        trace: Traced,
        every: usize,
        room: usize,
        measured: Measured,
    ) -> Self {
        let recommend::Advice { mechanism, workers, why, .. } = taken;
        Self { mechanism, workers, why, file, trace, every, room, measured }
    }

    /// What would change the advice.
    fn would_change(&self) -> String {
        let Traced { pieces, wall, done, .. } = self.trace;
        let piece = wall / done.max(1) as f64;
        let cores = cores();
        if pieces == 1 {
            "There is one piece, which nobody can share: cut it finer.".to_owned()
        } else if self.room <= cores {
            let each = show::bytes(self.trace.memory);
            format!("Memory bounds it: a worker needs {each}, and there is room for {}.", self.room)
        } else if piece < 2e-6 && self.mechanism == SEQUENTIAL {
            format!(
                "A piece takes {}: handing it out costs about as much. Larger pieces would change this.",
                show::seconds(piece)
            )
        } else if self.trace.waits() {
            "It waits more than it computes: more cores would change nothing, a slower or a busier other side would.".to_owned()
        } else {
            format!(
                "More than {cores} cores would change the number; a crash that must not spread would ask for processes."
            )
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traced { pieces, done, wall, cpu, dearest, memory, .. } = self.trace;
        let mean = show::seconds(wall / done.max(1) as f64);
        writeln!(
            out,
            "{}: {pieces} pieces, {mean} each on average and {} at most; {:.0} % of it computing; {} of memory.",
            self.measured.workload,
            show::seconds(dearest),
            100.0 * cpu / wall.max(1e-9),
            show::bytes(memory)
        )?;
        if self.every > 1 {
            writeln!(out, "Measured on one piece of {}.", self.every)?;
        }
        for row in &self.measured.rows {
            match (&row.error, row.median(|shot| shot.seconds)) {
                (Some(error), _) => writeln!(out, "  {} x {}: {error}", row.mechanism, row.workers)?,
                (None, Some(seconds)) => {
                    let speedup = row.median(crate::row::Shot::speedup).unwrap_or(1.0);
                    let seconds = show::seconds(seconds);
                    writeln!(
                        out,
                        "  {:<16} x {:<4} {seconds:>9}  {speedup:>5.2}",
                        row.mechanism, row.workers
                    )?;
                }
                (None, None) => {}
            }
        }
        writeln!(out, "{}", self.why)?;
        writeln!(out, "{}", self.would_change())?;
        match self.file {
            Some(file) => write!(out, "Start from {file}."),
            None => write!(out, "A loop over the pieces is all it takes."),
        }
    }
}
