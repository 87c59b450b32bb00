//! A file that `choose --json` has written, read back; or the line at which it is none.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::machine::Machine;

/// One measurement: a line of the file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Figures {
    /// Of which work.
    pub workload: String,
    /// Through which mechanism.
    pub mechanism: String,
    /// With how many workers.
    pub workers: usize,
    /// How often; 0 if it failed, and then there are no figures.
    pub runs: usize,
    /// Seconds: the median.
    pub median_s: Option<f64>,
    /// Seconds that a tenth of the runs are below.
    pub p10_s: Option<f64>,
    /// Seconds that nine tenths are below.
    pub p90_s: Option<f64>,
    /// How many times as fast as one piece after the other, in the same rounds: the median.
    pub speedup: Option<f64>,
    /// A tenth of the runs are below.
    pub speedup_p10: Option<f64>,
    /// Nine tenths are below.
    pub speedup_p90: Option<f64>,
    /// The most memory at any moment, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// What handing out an empty piece costs, in nanoseconds.
    pub dispatch_ns: Option<f64>,
    /// What came out: where it differs, the work was another one.
    pub answer: Value,
}

/// What was advised for one workload.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Advised {
    pub(super) workload: String,
    pub(super) mechanism: String,
    pub(super) workers: usize,
}

/// One run of `choose`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Where.
    pub machine: Machine,
    /// What a pure kernel gained on all its cores when the measuring began.
    pub gain: f64,
    /// What was measured, in order.
    pub rows: Vec<Figures>,
    pub(super) advice: Vec<Advised>,
}

/// The last line of a file.
#[derive(Deserialize)]
struct Last {
    recommendation: Vec<Advised>,
    machine: Machine,
    gain: f64,
}

/// Why a file is no run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{}: {why}", file.display())]
    Io {
        /// Which file.
        file: PathBuf,
        /// The system's reason; not UTF-8 is one too.
        why: std::io::Error,
    },
    /// It has nothing in it.
    #[error("{}: the file is empty; `choose --json --no-report > FILE` writes one", .0.display())]
    Empty(PathBuf),
    /// A line that `choose` does not write.
    #[error("{}:{line}:{column}: {why}", file.display())]
    Rubbish {
        /// Which file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The byte in it, from 1.
        column: usize,
        /// What is wrong.
        why: String,
    },
    /// A line of an older `choose`, which said less.
    #[error("{}:{line}: written by an older `choose`, which did not say `{missing}`; measure again", file.display())]
    Older {
        /// Which file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is not there.
        missing: &'static str,
    },
    /// The last line is not there.
    #[error("{}:{lines}: the file ends here, without the recommendation: the run was cut off", file.display())]
    Cut {
        /// Which file.
        file: PathBuf,
        /// How many lines there are.
        lines: usize,
    },
}

/// Reads the file that `choose --json` has written.
///
/// # Errors
/// [`ReadError`], with the line.
pub fn read(file: &Path) -> Result<Run, ReadError> {
    let bytes = fs::read(file).map_err(|why| ReadError::Io { file: file.to_owned(), why })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let begin = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        rubbish(file, line, good.len() - begin + 1, "this is not text".to_owned())
    })?;
    parse(file, &text)
}

fn parse(file: &Path, text: &str) -> Result<Run, ReadError> {
    if text.trim().is_empty() {
        return Err(ReadError::Empty(file.to_owned()));
    }
    let (mut rows, mut last) = (Vec::new(), None::<Last>);
    for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let line = index + 1;
        let value: Value = serde_json::from_str(text).map_err(|error| {
            // Without its own place: it has seen one line only.
            let said = error.to_string();
            let why = said.split(" at line ").next().unwrap_or_default();
            rubbish(file, line, error.column().max(1), format!("not what `choose --json` prints: {why}"))
        })?;
        if last.is_some() {
            return Err(rubbish(file, line, 1, "a second run begins here: one run a file".to_owned()));
        }
        if value.get("recommendation").is_some() {
            older(file, line, &value, &["machine", "gain"])?;
            last = Some(typed(file, line, value)?);
        } else if value.get("workload").is_some() && value.get("mechanism").is_some() {
            older(file, line, &value, &["speedup_p10", "speedup_p90"])?;
            let figures: Figures = typed(file, line, value)?;
            figures.check().map_err(|why| rubbish(file, line, 1, why))?;
            rows.push(figures);
        } else if !value.is_object() {
            // Any other object is something that `choose` says besides: a prediction, a law.
            return Err(rubbish(file, line, 1, "neither a measurement nor a recommendation".to_owned()));
        }
    }
    let lines = text.lines().count();
    let Last { recommendation, machine, gain } =
        last.ok_or(ReadError::Cut { file: file.to_owned(), lines })?;
    Ok(Run { machine, gain, rows, advice: recommendation })
}

fn rubbish(file: &Path, line: usize, column: usize, why: String) -> ReadError {
    ReadError::Rubbish { file: file.to_owned(), line, column, why }
}

fn older(file: &Path, line: usize, value: &Value, names: &[&'static str]) -> Result<(), ReadError> {
    match names.iter().find(|name| value.get(name).is_none()) {
        Some(missing) => Err(ReadError::Older { file: file.to_owned(), line, missing }),
        None => Ok(()),
    }
}

fn typed<T: DeserializeOwned>(file: &Path, line: usize, value: Value) -> Result<T, ReadError> {
    serde_json::from_value(value).map_err(|error| rubbish(file, line, 1, error.to_string()))
}

impl Figures {
    /// Whether what is said can have been measured.
    fn check(&self) -> Result<(), String> {
        let figures =
            [self.p10_s, self.median_s, self.p90_s, self.speedup_p10, self.speedup, self.speedup_p90];
        match figures {
            [Some(a), Some(b), Some(c), Some(d), Some(e), Some(f)] if self.runs > 0 => {
                let sound = 0.0 < a && a <= b && b <= c && c.is_finite();
                let fast = 0.0 < d && d <= e && e <= f && f.is_finite();
                if sound && fast { Ok(()) } else { Err("p10, median and p90 are not in order".to_owned()) }
            }
            [None, None, None, None, None, None] if self.runs == 0 => Ok(()),
            _ => Err(format!("{} runs, but figures are missing, or there without any", self.runs)),
        }
    }
}
