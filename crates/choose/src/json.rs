//! `--json`: one object a line, for programs.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use crate::{
    machine::Machine,
    recommend::Advice,
    row::{Measured, Row, Shot},
};

/// A measurement, with its fields in the order in which they are printed. What could not be measured is null.
#[derive(Serialize)]
struct Line<'a> {
    workload: &'a str,
    mechanism: &'a str,
    workers: usize,
    /// How often it ran and gave the right answer; 0 when it failed.
    runs: usize,
    median_s: Option<f64>,
    p10_s: Option<f64>,
    p90_s: Option<f64>,
    speedup: Option<f64>,
    speedup_p10: Option<f64>,
    speedup_p90: Option<f64>,
    ceiling: Option<f64>,
    efficiency: Option<f64>,
    cpu_s: Option<f64>,
    peak_memory_bytes: Option<u64>,
    dispatch_ns: Option<f64>,
    answer: &'a Value,
}

#[derive(Serialize)]
struct Last<'a> {
    recommendation: &'a [Advice],
    /// What it was measured on: for `choose compare`.
    machine: &'a Machine,
    /// What a pure kernel gained on all cores when the measuring began.
    gain: f64,
}

/// The rows of one workload.
///
/// # Errors
/// `out`'s.
pub fn rows(out: &mut dyn Write, measured: &Measured) -> io::Result<()> {
    measured.rows.iter().try_for_each(|row| line(out, &measurement(measured.workload, row)))
}

/// The advice, and what it was measured on, as the last line.
///
/// # Errors
/// `out`'s.
pub fn recommendation(
    out: &mut dyn Write,
    recommendation: &[Advice],
    machine: &Machine,
    gain: f64,
) -> io::Result<()> {
    line(out, &Last { recommendation, machine, gain })
}

fn measurement<'a>(workload: &'a str, row: &'a Row) -> Line<'a> {
    let seconds = row.samples(|shot| shot.seconds);
    let speedups = row.samples(Shot::speedup);
    Line {
        workload,
        mechanism: row.mechanism,
        workers: row.workers,
        runs: if row.counts() { row.shots.len() } else { 0 },
        median_s: row.median(|shot| shot.seconds),
        p10_s: row.counts().then(|| seconds.quantile(0.1)),
        p90_s: row.counts().then(|| seconds.quantile(0.9)),
        speedup: row.median(Shot::speedup),
        speedup_p10: row.counts().then(|| speedups.quantile(0.1)),
        speedup_p90: row.counts().then(|| speedups.quantile(0.9)),
        ceiling: row.median(|shot| shot.ceiling),
        efficiency: row.median(Shot::share),
        cpu_s: row.median(|shot| shot.cpu),
        peak_memory_bytes: row.peak_memory,
        dispatch_ns: row.dispatch_ns,
        answer: &row.answer,
    }
}

/// Any figures, as an object with one field called `name`.
///
/// # Errors
/// `out`'s.
pub(crate) fn object(out: &mut dyn Write, name: &str, value: &impl Serialize) -> io::Result<()> {
    line(out, &std::collections::BTreeMap::from([(name, value)]))
}

/// One line in one write, so that a reader never sees half of it.
fn line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    out.write_all(&text)?;
    out.flush()
}
