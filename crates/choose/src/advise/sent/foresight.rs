//! A forecast, as it is sent.

use serde::{Deserialize, Serialize};

use super::{
    judged::{Curves, Tried},
    name,
    row::Figures,
    run::Run,
};
use crate::{
    foresee::Foreseen,
    predict::{Outlook, Predicted},
    recommend,
    row::Measured,
};

/// A [`Foreseen`], with neighbouring pieces taken together where there are very many.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::advise) struct Foresight {
    recorded: Run,
    alone: f64,
    best_workers: usize,
    predicted: Vec<(String, usize, f64)>,
    checks: Vec<Tried>,
    disturbed: bool,
    measured_more: bool,
    laws: Option<Curves>,
    waits: bool,
    uneven: Option<f64>,
    rows: Vec<Figures>,
    advice: Option<(String, usize, String)>,
}

impl From<Foreseen> for Foresight {
    fn from(found: Foreseen) -> Self {
        let Outlook { alone, best_workers, all } = found.outlook;
        let Measured { waits, uneven, rows, .. } = found.measured;
        Self {
            recorded: Run::from(&found.recorded.coarse()),
            alone,
            best_workers,
            predicted: all
                .into_iter()
                .map(|one| (one.mechanism.to_owned(), one.workers, one.seconds))
                .collect(),
            checks: found.checks.into_iter().map(Tried::from).collect(),
            disturbed: found.disturbed,
            measured_more: found.measured_more,
            laws: found.laws.map(Curves::from),
            waits,
            uneven,
            rows: rows.into_iter().map(Figures::from).collect(),
            advice: found.advice.map(|advice| (advice.mechanism.to_owned(), advice.workers, advice.why)),
        }
    }
}

impl Foresight {
    /// What it was, of the work called `workload`.
    pub(in crate::advise) fn foreseen(self, workload: &'static str) -> Foreseen {
        let predicted =
            |(text, workers, seconds): (String, _, _)| Predicted { mechanism: name(&text), workers, seconds };
        let advice = |(text, workers, why): (String, _, _)| recommend::Advice {
            workload,
            mechanism: name(&text),
            workers,
            why,
        };
        Foreseen {
            recorded: self.recorded.recorded(),
            outlook: Outlook {
                alone: self.alone,
                best_workers: self.best_workers,
                all: self.predicted.into_iter().map(predicted).collect(),
            },
            checks: self.checks.into_iter().map(|tried| tried.check(workload)).collect(),
            disturbed: self.disturbed,
            measured_more: self.measured_more,
            laws: self.laws.map(Curves::laws),
            measured: Measured {
                workload,
                waits: self.waits,
                rows: self.rows.into_iter().map(Figures::row).collect(),
                uneven: self.uneven,
                traces: Vec::new(),
            },
            advice: self.advice.map(advice),
            regret: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advise::sent::tests::arrives,
        burned::Burned,
        check::Check,
        foresee::Laws,
        laws::Law,
        record::{Fresh, Half, Piece, Recorded},
        row::{Row, Shot},
    };

    #[test]
    fn what_was_foreseen_comes_back_as_it_was_sent() {
        let shot = Shot { round: 3, seconds: 0.5, alone: 2.0, ceiling: 4.5, cpu: 1.25 };
        let row = Row { shots: vec![shot], error: Some("no".to_owned()), ..Row::new("pool", 7, 11) };
        let piece = Piece {
            cpu: 1.0,
            wait: 2.0,
            asks: 0.5,
            combine: 0.25,
            width: 1.5,
            count: 1,
            bytes_in: 8,
            bytes_out: 9,
        };
        let found = Foreseen {
            recorded: Recorded {
                cut: 0.5,
                pieces: vec![piece; 2],
                ran: 1,
                fresh: Fresh { cpu: 1.0, wait: 2.0, asks: 3.0 },
                half: Half { bytes: 1.0, whole: 2.0, encode: 3.0, decode: 4.0, join: 5.0 },
                wall: 6.0,
                others: Burned { others: Some(0.5), stolen: None },
                cold: Some(7.0),
            },
            outlook: Outlook {
                alone: 6.5,
                best_workers: 3,
                all: vec![Predicted { mechanism: "pool", workers: 7, seconds: 0.75 }],
            },
            checks: vec![Check {
                workload: "made-up",
                mechanism: "pool",
                workers: 7,
                predicted_s: 0.75,
                pace: 1.25,
                measured_s: 0.5,
                error: -0.25,
                held_out: true,
                kind: Some("a lock"),
            }],
            disturbed: true,
            measured_more: true,
            laws: Some(Laws {
                mechanism: "pool",
                points: vec![(1, 1.0), (7, 4.0)],
                fitted: 2,
                laws: [Law::Amdahl(0.25), Law::Gustafson(0.5), Law::Universal(0.125, 0.0)],
                law_errors: [0.5, 0.25, 0.125],
                our_error: 0.0,
            }),
            measured: Measured {
                workload: "made-up",
                waits: true,
                rows: vec![row],
                uneven: Some(1.5),
                traces: Vec::new(),
            },
            advice: Some(recommend::Advice {
                workload: "made-up",
                mechanism: "pool",
                workers: 7,
                why: "so".to_owned(),
            }),
            regret: None,
        };
        let back = arrives(&Foresight::from(found.clone())).foreseen("made-up");
        assert_eq!(format!("{back:?}"), format!("{found:?}"));
    }
}
