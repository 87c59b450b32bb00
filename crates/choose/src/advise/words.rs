//! The advice, as a person would say it.

use std::fmt;

use lesson::measure::cores;

use super::order::Traced;
use crate::{
    calibrate::Calibration,
    check::Check,
    forecast,
    foresee::Foreseen,
    recommend,
    row::{Measured, Row, SEQUENTIAL, Shot},
    show,
};

/// What to take for somebody's work, and what that rests on. Print it.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The mechanism to take; `sequential` for none.
    pub mechanism: &'static str,
    /// With how many workers.
    pub workers: usize,
    /// In a few sentences.
    pub why: String,
    /// The file to start from, from the top of this workspace.
    pub file: Option<&'static str>,
    /// What pieces cost one after the other.
    pub trace: Traced,
    /// Of how many pieces one was looked at more closely.
    pub every: usize,
    /// For how many workers there is memory.
    pub room: usize,
    /// What this machine is worth.
    pub calibration: Calibration,
    /// What was recorded, predicted and checked, and what laws would have said. `None` when the work could not be
    /// recorded, and every mechanism was measured instead.
    pub foreseen: Option<Foreseen>,
    /// All that was measured, with the mechanisms that were lost on the way.
    pub measured: Measured,
}

/// What any advice rests on.
pub(super) struct Basis {
    pub(super) trace: Traced,
    pub(super) every: usize,
    pub(super) room: usize,
    pub(super) calibration: Calibration,
}

impl Advice {
    /// From a forecast.
    pub(super) fn foreseen(mut found: Foreseen, basis: Basis) -> Self {
        let workload = found.measured.workload;
        let alone = |why| recommend::Advice { workload, mechanism: SEQUENTIAL, workers: 1, why };
        let mut taken = match found.advice.take() {
            // Whatever was predicted, there is only one worker who could do it.
            _ if basis.room == 1 => alone("Take one piece after the other.".to_owned()),
            Some(taken) => taken,
            None => alone("Take one piece after the other: nothing else came to its end.".to_owned()),
        };
        if let Some(lock) = lock(&found, &taken) {
            taken.why = format!("{lock} {}", taken.why);
        }
        found.advice = Some(taken.clone());
        let measured = found.measured.clone();
        Self { foreseen: Some(found), ..Self::measured(taken, measured, basis) }
    }

    /// From measuring everything.
    pub(super) fn measured(taken: recommend::Advice, measured: Measured, basis: Basis) -> Self {
        let recommend::Advice { mechanism, workers, why, .. } = taken;
        let Basis { trace, every, room, calibration } = basis;
        let file = super::file(mechanism);
        Self { mechanism, workers, why, file, trace, every, room, calibration, foreseen: None, measured }
    }

    /// The machine, in a line; and a warning, if there is something to warn of.
    fn machine(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calibration { gains, thread, process, .. } = &self.calibration;
        let gain = self.calibration.gain();
        let cores = if gains.len() == 1 { "1 core".to_owned() } else { format!("{} cores", gains.len()) };
        write!(out, "This machine: {cores}, worth {gain:.2}; a thread starts in {}", show::seconds(*thread))?;
        match process {
            Some(process) => writeln!(out, ", a process in {}.", show::seconds(*process))?,
            None => writeln!(out, ".")?,
        }
        self.calibration.noise().map_or(Ok(()), |noise| writeln!(out, "{}", wrapped(&noise)))
    }

    /// The trace, and how it went on.
    fn traced(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Traced { pieces, done, wall, cpu, queued, dearest, memory, .. } = self.trace;
        let count = if pieces == 1 { "1 piece".to_owned() } else { format!("{pieces} pieces") };
        let first = if done < pieces { format!(" (the first {done} were done)") } else { String::new() };
        writeln!(
            out,
            "This work: {count}{first}, {} each in the mean, {} at most; {:.0} % of it computing; {} of memory.",
            show::seconds(wall / done.max(1) as f64),
            show::seconds(dearest),
            // Whoever could go on and got no core did not wait for anything but others.
            (100.0 * cpu / (wall - queued).max(1e-9)).min(100.0),
            show::bytes(memory)
        )?;
        if self.every > 1 {
            writeln!(out, "That takes long: what follows is about one piece of {}.", self.every)?;
        }
        if self.is_unchecked() {
            let line = "Its pieces take too long to be run again: what follows is predicted from these, and was not \
                        checked. With more time (`Settings::time`) it would be.";
            writeln!(out, "{}", wrapped(line))?;
        }
        Ok(())
    }

    /// Whether a prediction stands alone because there was no time for more.
    fn is_unchecked(&self) -> bool {
        self.foreseen.as_ref().is_some_and(|found| found.checks.is_empty())
            && self.every == 1
            && self.trace.done < self.trace.pieces
    }

    /// Every row that was measured, where that is all there is.
    fn rows(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "It could not be recorded and predicted, so every mechanism was measured:")?;
        for row in self.measured.rows.iter().filter(|row| row.counts()) {
            let (seconds, speedup) =
                (row.samples(|shot| shot.seconds).median(), row.samples(Shot::speedup).median());
            let seconds = show::seconds(seconds);
            writeln!(out, "  {:<16} x {:<4} {seconds:>9}  {speedup:>5.2} times", row.mechanism, row.workers)?;
        }
        writeln!(out, "\n{}", wrapped(&self.why))
    }

    /// What failed, hung or died, or is not possible here.
    fn left_out(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = |row: &Row| row.error.clone().map(|why| (row.mechanism, row.workers, why));
        for (mechanism, workers, why) in self.measured.rows.iter().filter_map(why) {
            let line = format!("Left out: {mechanism} with {}: {why}.", show::workers(workers));
            writeln!(out, "{}", wrapped(&line))?;
        }
        for (mechanism, why) in &self.calibration.impossible {
            writeln!(out, "Not possible here: {mechanism}: {why}.")?;
        }
        Ok(())
    }

    /// What would change the advice, beside what that says itself.
    fn would_change(&self) -> Option<String> {
        let Traced { pieces, wall, done, memory, .. } = self.trace;
        let piece = wall / done.max(1) as f64;
        let wanted = self.foreseen.as_ref().map_or(1, |found| found.outlook.best_workers);
        if pieces == 1 {
            Some("There is one piece, which nobody can share: cut it finer.".to_owned())
        } else if self.room < wanted.max(cores()).max(2) {
            let each = show::bytes(memory);
            let room = self.room;
            Some(format!("Memory bounds it: a worker needs {each}, and there is room for {room}."))
        } else if piece < 2e-6 && self.mechanism == SEQUENTIAL {
            let each = show::seconds(piece);
            Some(format!(
                "A piece takes {each}: handing it out costs about as much. Larger pieces would change this."
            ))
        } else {
            None
        }
    }
}

/// A line of prose in several, so that it can be read on any terminal.
fn wrapped(line: &str) -> String {
    const WIDTH: usize = 110;
    if line.chars().count() <= WIDTH {
        return line.to_owned();
    }
    let (mut text, mut column) = (String::new(), 0);
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

/// What there is to say of a lock that threads have met at.
fn lock(found: &Foreseen, taken: &recommend::Advice) -> Option<&'static str> {
    let is_locked = |check: &Check| check.kind.is_some_and(|kind| kind.starts_with("a lock"));
    let mut threads = found.checks.iter().filter(|check| !check.mechanism.starts_with("process"));
    threads.any(is_locked).then_some(if taken.mechanism.starts_with("process") {
        "A lock is in the way: threads wait for each other while cores are idle, and processes have one each."
    } else {
        "A lock is in the way: threads wait for each other while cores are idle. To hold it for a smaller part of each \
         piece would help more than any mechanism."
    })
}

impl fmt::Display for Advice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.machine(out)?;
        self.traced(out)?;
        writeln!(out)?;
        match &self.foreseen {
            Some(found) => {
                let mut text = Vec::new();
                forecast::print(&mut text, found).map_err(|_| fmt::Error)?;
                let text = String::from_utf8_lossy(&text);
                // What was found out stands above, what to do below.
                let text = text.trim_end().replacen(&self.why, &format!("\n{}", self.why), 1);
                text.lines().try_for_each(|line| writeln!(out, "{}", wrapped(line)))?;
            }
            None => self.rows(out)?,
        }
        self.left_out(out)?;
        if let Some(would_change) = self.would_change() {
            writeln!(out, "{would_change}")?;
        }
        match self.file {
            // It stands at the end of what a forecast says.
            Some(file) if !self.why.contains(file) => write!(out, "Start from {file}."),
            Some(_) => write!(out, "{}: {} x {}", self.measured.workload, self.mechanism, self.workers),
            None => write!(out, "A loop over the pieces is all it takes."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{predict::Outlook, record::Recorded};

    /// Threads that take twice as long as was predicted, for this reason.
    fn slow(kind: &'static str) -> Foreseen {
        let check = Check {
            workload: "made-up",
            mechanism: "dynamic",
            workers: 2,
            predicted_s: 0.5,
            pace: 1.0,
            measured_s: 1.0,
            error: 1.0,
            held_out: true,
            kind: Some(kind),
        };
        let measured = Measured {
            workload: "made-up",
            waits: false,
            rows: Vec::new(),
            uneven: None,
            traces: Vec::new(),
        };
        Foreseen { checks: vec![check], ..Foreseen::of(Recorded::default(), Outlook::default(), measured) }
    }

    #[test]
    fn what_is_long_is_wrapped_between_words() {
        let long = "word ".repeat(50);
        let text = wrapped(long.trim());
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() <= 110), "{text}");
        assert_eq!(text.replace('\n', " "), long.trim());
        assert_eq!(wrapped("  short   one"), "  short   one");
    }

    #[test]
    fn a_lock_is_named_as_the_reason_and_nothing_else_is_called_one() {
        let of = |kind, mechanism| {
            let taken = recommend::Advice { workload: "made-up", mechanism, workers: 2, why: String::new() };
            lock(&slow(kind), &taken)
        };
        let is = "a lock: workers wait for each other while cores are idle";
        assert!(of(is, "process-dynamic").is_some_and(|said| said.ends_with("processes have one each.")));
        assert!(of(is, "dynamic").is_some_and(|said| said.starts_with("A lock is in the way")));
        assert_eq!(of("start-up: starting workers is a large part of it", "dynamic"), None);
    }
}
