//! What the process that measures is asked for, one after the other, and again without a mechanism that has ended it.

use std::time::Duration;

use lesson::measure::cores;
use workload::{Workers, Workload};

use super::{
    AdviseError, Settings,
    order::{Order, Said, Traced, What},
    parent::{self, Lost},
    sent::{Figures, Foresight, Machine},
};
use crate::{
    calibrate::Calibration,
    foresee::Foreseen,
    plan::{beyond_cores, up_to_cores},
    row::{Measured, Row},
};

/// How long calibrating may say nothing: each of its steps takes a second at most on any machine.
const STEP: Duration = Duration::from_secs(20);

/// What is asked about.
pub(super) struct Question<'a, W> {
    pub(super) work: W,
    pub(super) settings: &'a Settings,
    /// Of the mechanisms.
    pub(super) names: Vec<&'static str>,
    pub(super) traced: Traced,
    pub(super) every: usize,
    pub(super) room: usize,
}

impl<W: Workload> Question<'_, W> {
    /// What the machine is worth, for all mechanisms that are possible here.
    pub(super) fn calibrate(&self) -> Result<Calibration, AdviseError> {
        if let Some(known) = &self.settings.calibration {
            return Ok(known.clone());
        }
        let mut lost: Vec<(&'static str, String)> = Vec::new();
        loop {
            let without = lost.iter().map(|(name, _)| (*name).to_owned()).collect();
            match parent::ask(&self.order(What::Calibrate { without }), STEP)? {
                Ok(Said::Calibrated(machine)) => {
                    let mut found = Calibration::from(*machine);
                    found.impossible.extend(lost);
                    return Ok(found);
                }
                Ok(_) => return Err(AdviseError::Machine { how: "it said something else".to_owned() }),
                Err(Lost { mechanism, how, .. }) => match super::known(&mechanism) {
                    Some(name) => lost.push((name, how)),
                    None => return Err(AdviseError::Machine { how }),
                },
            }
        }
    }

    /// Records, predicts, checks. `None`: it ended, at no mechanism, so that nothing can be predicted.
    pub(super) fn foresee(&self, calibration: &Calibration) -> Result<Option<Foreseen>, AdviseError> {
        let ask = |mechanisms: Vec<String>| What::Foresee {
            mechanisms,
            machine: Box::new(Machine::from(calibration)),
            most: self.room,
            time: self.settings.time[1],
        };
        match self.without_lost(ask)? {
            Ok((Said::Foreseen(found), lost)) => {
                let mut found = Foresight::foreseen(*found, W::NAME);
                found.measured.rows.extend(lost);
                Ok(Some(found))
            }
            _ => Ok(None),
        }
    }

    /// Measures all mechanisms in turn.
    pub(super) fn measure(&self) -> Result<Measured, AdviseError> {
        let (workers, waits) = self.numbers();
        let ask = |mechanisms: Vec<String>| What::Measure {
            mechanisms,
            workers: workers.iter().map(|workers| workers.get()).collect(),
            time: self.settings.time[1],
        };
        match self.without_lost(ask)? {
            Ok((Said::Rows(rows), lost)) => {
                let rows = rows.into_iter().map(Figures::row).chain(lost).collect();
                let uneven = Some(self.traced.uneven);
                Ok(Measured { workload: W::NAME, waits, rows, uneven, traces: Vec::new() })
            }
            Ok(_) => Err(AdviseError::NotAgain { how: "it said something else".to_owned() }),
            Err(Lost { how, .. }) => Err(AdviseError::NotAgain { how }),
        }
    }

    /// With all mechanisms; once more without the one that has hung or died, as often as it takes. Besides what came of
    /// it, those that were lost; or that it ended at none.
    fn without_lost(
        &self,
        ask: impl Fn(Vec<String>) -> What,
    ) -> Result<Result<(Said, Vec<Row>), Lost>, AdviseError> {
        let mut left = self.names.clone();
        let mut lost = Vec::new();
        loop {
            let order = self.order(ask(left.iter().map(|name| (*name).to_owned()).collect()));
            match parent::ask(&order, self.silence())? {
                Ok(said) => return Ok(Ok((said, lost))),
                Err(at) => {
                    let Some(place) = left.iter().position(|left| *left == at.mechanism) else {
                        return Ok(Err(at));
                    };
                    let name = left.remove(place);
                    let pieces = self.traced.pieces.div_ceil(self.every);
                    lost.push(Row { error: Some(at.how), ..Row::new(name, at.workers, pieces) });
                }
            }
        }
    }

    fn order(&self, what: What) -> Order<W> {
        Order { work: self.work.clone(), every: self.every, what }
    }

    /// Each run may take as long as one after the other did, and one piece as long as its limit; the rest is noise.
    fn silence(&self) -> Duration {
        let alone = Duration::from_secs_f64(10.0 * self.traced.seconds(self.every));
        self.settings.limit + alone + Duration::from_secs(5)
    }

    /// Numbers of workers to try, the most last, and whether pieces wait so much that they are more than the cores.
    fn numbers(&self) -> (Vec<Workers>, bool) {
        let Traced { pieces, wall, cpu, queued, .. } = self.traced;
        let count = Workers::cores();
        let mut numbers = up_to_cores(count);
        let waits = self.traced.waits();
        if waits {
            // N* = C (D + Z) / D; no more than there are pieces, or than one machine should start.
            let most = (cores() as f64 * (wall - queued) / cpu.max(1e-6)).min(200.0) as usize;
            numbers.extend(beyond_cores(count, most.min(pieces)));
        }
        numbers.retain(|number| number.get() <= self.room.min(pieces).max(1));
        (numbers, waits)
    }
}
