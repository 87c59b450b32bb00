//! What a machine is worth, as it is sent.

use serde::{Deserialize, Serialize};

use super::name;
use crate::{
    calibrate::{Calibration, Limits},
    predict::Costs,
};

/// A [`Calibration`].
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::advise) struct Machine {
    gains: Vec<f64>,
    wake: f64,
    thread: f64,
    process: Option<f64>,
    fork: Option<f64>,
    reading: [f64; 2],
    pipe: Option<f64>,
    shared: Option<f64>,
    limits: (Option<usize>, Option<usize>, Option<f64>, Option<u64>),
    costs: Vec<(String, [f64; 7])>,
    impossible: Vec<(String, String)>,
}

impl From<&Calibration> for Machine {
    fn from(known: &Calibration) -> Self {
        let Limits { online, affinity, quota, memory } = known.limits;
        let cost = |(name, costs): &(&str, Costs)| {
            let Costs { fixed, serial, parallel, piece, message, byte, wake } = *costs;
            ((*name).to_owned(), [fixed, serial, parallel, piece, message, byte, wake])
        };
        Self {
            gains: known.gains.clone(),
            wake: known.wake,
            thread: known.thread,
            process: known.process,
            fork: known.fork,
            reading: known.reading,
            pipe: known.pipe,
            shared: known.shared,
            limits: (online, affinity, quota, memory),
            costs: known.costs.iter().map(cost).collect(),
            impossible: known
                .impossible
                .iter()
                .map(|(name, why)| ((*name).to_owned(), why.clone()))
                .collect(),
        }
    }
}

impl From<Machine> for Calibration {
    fn from(sent: Machine) -> Self {
        let (online, affinity, quota, memory) = sent.limits;
        let cost = |(text, costs): (String, [f64; 7])| {
            let [fixed, serial, parallel, piece, message, byte, wake] = costs;
            (name(&text), Costs { fixed, serial, parallel, piece, message, byte, wake })
        };
        Self {
            gains: sent.gains,
            wake: sent.wake,
            thread: sent.thread,
            process: sent.process,
            fork: sent.fork,
            reading: sent.reading,
            pipe: sent.pipe,
            shared: sent.shared,
            limits: Limits { online, affinity, quota, memory },
            costs: sent.costs.into_iter().map(cost).collect(),
            impossible: sent.impossible.into_iter().map(|(text, why)| (name(&text), why)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::sent::tests::arrives;

    #[test]
    fn a_machine_comes_back_as_it_was_sent() {
        let costs =
            Costs { fixed: 1.0, serial: 2.0, parallel: 3.0, piece: 4.0, message: 5.0, byte: 6.0, wake: 7.0 };
        let machine = Calibration {
            gains: vec![1.0, 1.75],
            wake: 0.5,
            thread: 0.25,
            process: Some(0.125),
            fork: None,
            reading: [3.0, 4.0],
            pipe: Some(8.0),
            shared: Some(9.0),
            limits: Limits { online: Some(4), affinity: Some(2), quota: None, memory: Some(1 << 30) },
            costs: vec![("pool", costs)],
            impossible: vec![("process-static", "no processes".to_owned())],
        };
        assert_eq!(Calibration::from(arrives(&Machine::from(&machine))), machine);
    }
}
