//! Predictions beside what was measured, and laws beside them, as they are sent.

use serde::{Deserialize, Serialize};

use super::name;
use crate::{check::Check, foresee::Laws, laws::Law};

/// A [`Check`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tried {
    mechanism: String,
    workers: usize,
    predicted_s: f64,
    pace: f64,
    measured_s: f64,
    error: f64,
    held_out: bool,
    kind: Option<String>,
}

/// [`Laws`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Curves {
    mechanism: String,
    points: Vec<(usize, f64)>,
    fitted: usize,
    laws: [Curve; 3],
    law_errors: [f64; 3],
    our_error: f64,
}

/// A [`Law`].
#[derive(Debug, Serialize, Deserialize)]
enum Curve {
    Amdahl(f64),
    Gustafson(f64),
    Universal(f64, f64),
}

impl From<Check> for Tried {
    fn from(check: Check) -> Self {
        Self {
            mechanism: check.mechanism.to_owned(),
            workers: check.workers,
            predicted_s: check.predicted_s,
            pace: check.pace,
            measured_s: check.measured_s,
            error: check.error,
            held_out: check.held_out,
            kind: check.kind.map(str::to_owned),
        }
    }
}

impl Tried {
    pub(super) fn check(self, workload: &'static str) -> Check {
        Check {
            workload,
            mechanism: name(&self.mechanism),
            workers: self.workers,
            predicted_s: self.predicted_s,
            pace: self.pace,
            measured_s: self.measured_s,
            error: self.error,
            held_out: self.held_out,
            kind: self.kind.as_deref().map(name),
        }
    }
}

impl From<Laws> for Curves {
    fn from(laws: Laws) -> Self {
        let curve = |law| match law {
            Law::Amdahl(serial) => Curve::Amdahl(serial),
            Law::Gustafson(serial) => Curve::Gustafson(serial),
            Law::Universal(contention, crosstalk) => Curve::Universal(contention, crosstalk),
        };
        let Laws { mechanism, points, fitted, laws, law_errors, our_error } = laws;
        let mechanism = mechanism.to_owned();
        Self { mechanism, points, fitted, laws: laws.map(curve), law_errors, our_error }
    }
}

impl Curves {
    pub(super) fn laws(self) -> Laws {
        let law = |curve| match curve {
            Curve::Amdahl(serial) => Law::Amdahl(serial),
            Curve::Gustafson(serial) => Law::Gustafson(serial),
            Curve::Universal(contention, crosstalk) => Law::Universal(contention, crosstalk),
        };
        let Self { mechanism, points, fitted, laws, law_errors, our_error } = self;
        Laws { mechanism: name(&mechanism), points, fitted, laws: laws.map(law), law_errors, our_error }
    }
}
