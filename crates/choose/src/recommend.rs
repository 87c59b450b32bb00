//! From figures to advice: a pure function, with fixed rules, so that the same machine gets the same advice.
//!
//! 1. Mechanisms are compared within rounds, as shares of what the machine gave at that moment: not by the clock.
//! 2. Whatever does not fall behind the best by more than a band in practically every round counts as equal to it. The
//!    band is 8 %, or wider when the runs of the contenders themselves lie further apart or the machine is busy.
//! 3. Of equals the simplest is taken, by a fixed order, and of that one the fewest workers that do about as much.
//! 4. If nothing gains at least 15 %, no mechanism at all is the simplest.

use lesson::measure::Samples;
use serde::Serialize;

use crate::{
    reason,
    row::{Measured, Row, SEQUENTIAL, Shot},
};

/// What to take for a workload, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Name of the workload.
    pub workload: &'static str,
    /// The mechanism to take; `sequential` for none.
    pub mechanism: &'static str,
    /// With how many workers.
    pub workers: usize,
    /// In two sentences.
    pub why: String,
}

/// Differences below this are not worth a more complicated program.
pub const BAND: f64 = 0.08;
/// The band never grows beyond this on a quiet machine: what loses more than a quarter is slower.
const WIDEST: f64 = 0.25;
/// On a busy machine only what takes twice as long is told apart, and only in so many rounds: in three it happens that
/// one is lucky each time.
const BUSY: f64 = 0.5;
const ENOUGH: usize = 5;
/// From this width on, the advice says that it was noisy.
pub const NOISY: f64 = 0.15;
/// A pure kernel that gains less than this share of the cores says that others use them too.
const QUIET: f64 = 0.85;
/// Gaining less than this is no reason for a second thread.
pub(crate) const WORTH: f64 = 1.15;

/// Simplest first, for work that computes. `dynamic` is the standard library alone, and on two cores it was not behind
/// (`--check-all`); `rayon` is less code still, one line in the caller's program (`par_iter`), but a dependency, and puts parts together more often,
/// so that it falls behind where that costs; a pool, a deque are code of one's own; processes need a protocol. Static
/// shares come after what balances by itself: they are right only as long as pieces, and cores, are alike. Processes that
/// connect come last: they need an address too.
const COMPUTES: [&str; 11] = [
    "dynamic",
    "rayon",
    "scoped",
    "static",
    "pool",
    "stealing",
    "process-dynamic",
    "process-static",
    "unix-socket",
    "ipc-channel",
    "tcp",
];

/// Simplest first, for work that waits. Plain threads that take the next piece come first; `rayon` last of the
/// threads, since its default pool has a thread a core, and blocking in it stops everyone else's work.
const WAITS: [&str; 11] = [
    "dynamic",
    "scoped",
    "pool",
    "static",
    "stealing",
    "rayon",
    "process-dynamic",
    "process-static",
    "unix-socket",
    "ipc-channel",
    "tcp",
];

/// How the contenders stand: what the advice rests on.
pub(crate) struct Standing<'a> {
    /// The one to take.
    pub(crate) taken: &'a Row,
    /// The fastest.
    pub(crate) best: &'a Row,
    /// How far behind the best still counts as equal.
    pub(crate) band: f64,
    /// How far the contenders' runs lie apart.
    pub(crate) spread: f64,
    /// Whether the machine gave about what its cores promise.
    pub(crate) quiet: bool,
}

/// What to take for one workload on a machine with so many `cores`. `None` when no run has succeeded.
pub fn recommend(measured: &Measured, cores: usize) -> Option<Advice> {
    let alone = measured.rows.iter().find(|row| row.mechanism == SEQUENTIAL && row.counts())?;
    let advice = |row: &Row, why| Advice {
        workload: measured.workload,
        mechanism: row.mechanism,
        workers: row.workers,
        why,
    };
    let contenders: Vec<&Row> = (measured.rows.iter())
        .filter(|row| row.mechanism != SEQUENTIAL && row.counts())
        .filter(|row| row.workers > 1)
        .collect();
    let Some(standing) = stand(&contenders, order(measured.waits), cores, measured.waits) else {
        return Some(advice(alone, reason::nothing_to_compare(measured, cores)));
    };
    if possible(standing.best, cores, measured.waits) < WORTH {
        return Some(advice(alone, reason::not_worth_it(measured, alone, &standing, cores)));
    }
    Some(advice(standing.taken, reason::taken(measured, &standing, &contenders, cores)))
}

pub(crate) fn order(waits: bool) -> &'static [&'static str] {
    if waits { &WAITS } else { &COMPUTES }
}

/// The speed-up that a row reaches when the machine gives all that its cores promise.
///
/// Where virtual cores are, for the moment, two threads of one core, a speed-up by the clock says more about the
/// machine's neighbours than about the mechanism; its share of the ceiling does not.
fn possible(row: &Row, cores: usize, waits: bool) -> f64 {
    let share = row.samples(Shot::share).median();
    if waits { row.samples(Shot::speedup).median() } else { share * row.workers.min(cores) as f64 }
}

fn stand<'a>(contenders: &[&'a Row], order: &[&str], cores: usize, waits: bool) -> Option<Standing<'a>> {
    let best = *contenders.iter().max_by(|a, b| {
        let (a, b) = (possible(a, cores, waits), possible(b, cores, waits));
        a.total_cmp(&b)
    })?;
    // Half of the distance from p10 to p90 is how far a run lies from the middle one; the typical contender's counts,
    // not that of the one that was hit worst.
    let rivals: Vec<&Row> = contenders.iter().copied().filter(|row| row.workers == best.workers).collect();
    let spread = rivals.iter().map(|row| row.spread() / 2.0).collect::<Samples>().median();
    let ceiling =
        rivals.iter().map(|row| row.samples(|shot| shot.ceiling).median()).collect::<Samples>().median();
    let quiet = waits || ceiling >= QUIET * best.workers.min(cores) as f64;
    let band = match quiet {
        true => spread.clamp(BAND, WIDEST),
        false if best.shots.len() >= ENOUGH => BUSY,
        false => 1.0,
    };
    // First which: among those with as many workers as the best.
    let rank = |row: &Row| order.iter().position(|name| *name == row.mechanism).unwrap_or(order.len());
    let simplest =
        *rivals.iter().filter(|row| !row.is_clearly_slower(best, band)).min_by_key(|row| rank(row))?;
    // Then how many: the fewest that do about as much. Work that computes is compared by what is possible, as the clock
    // would say what the machine's cores were worth just then.
    let keeps_up = |row: &Row| {
        let ratio = if waits {
            row.against(simplest)
        } else {
            possible(row, cores, waits) / possible(simplest, cores, waits)
        };
        ratio >= 1.0 - BAND
    };
    let taken = (contenders.iter().copied())
        .filter(|row| row.mechanism == simplest.mechanism && (*row == simplest || keeps_up(row)))
        .min_by_key(|row| row.workers)?;
    Some(Standing { taken, best, band, spread, quiet })
}
