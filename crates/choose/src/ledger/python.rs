//! The same experiments in CPython, where one is installed: one script, which prints the same figures.

use std::time::Duration;

use super::{Effort, Figures, rust::WAITERS};
use crate::server::ServerProcess;

const SCRIPT: &str = include_str!("ledger.py");

/// It takes about seven seconds on two cores.
const WITHIN: Duration = Duration::from_secs(40);

pub(super) fn figures(effort: &Effort) -> Result<Figures, String> {
    let server = ServerProcess::start(Duration::from_millis(effort.latency_ms))
        .map_err(|error| format!("the document server: {error}"))?;
    let Effort { rounds, documents, loop_s, .. } = effort;
    let (url, cores) = (server.url(), lesson::measure::cores());
    let head = format!(
        "URL, DOCUMENTS, WAITERS, CORES, ROUNDS, LOOP_S = {url:?}, {documents}, {WAITERS}, {cores}, {rounds}, {loop_s}\n"
    );
    let played = lesson::python(&(head + SCRIPT), WITHIN)?;
    let line = played.stdout.lines().last().unwrap_or_default();
    let figures: Figures =
        serde_json::from_str(line).map_err(|error| format!("python3 said something else: {error}"))?;
    // Measured here, as a loop of Python's would be no pure kernel.
    Ok(Figures { ceiling: lesson::measure::gain(cores), ..figures })
}
