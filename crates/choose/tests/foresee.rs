//! A forecast with a mechanism that lies.
//!
//! A program of one test: what other threads of its process compute is taken for a server's part of the work.

use std::{thread, time::Duration};

use choose::{
    calibrate::Calibration,
    foresee::{Checking, foresee},
    predict::Costs,
};
use serde::{Deserialize, Serialize};
use workload::{Mechanism, PieceError, Workload, sequential};

/// Pieces that wait, so that several workers are predicted to gain on any machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waits(u64);

impl Workload for Waits {
    const NAME: &'static str = "waits";
    const WAITS: bool = true;
    type Piece = u64;
    type Part = u64;

    fn pieces(&self) -> Result<Vec<u64>, PieceError> {
        Ok((0..self.0).collect())
    }

    fn run(&self, piece: &u64) -> Result<u64, PieceError> {
        thread::sleep(Duration::from_millis(5));
        Ok(*piece)
    }

    fn combine(&self, left: &mut u64, right: u64) {
        *left += right;
    }

    /// Prints nothing: a lie shows in the part itself only.
    fn answer(&self, _: &u64) -> serde_json::Value {
        serde_json::Value::Null
    }
}

#[test]
fn a_lie_confirms_no_prediction() {
    let calibration = Calibration { costs: vec![("dynamic", Costs::default())], ..Calibration::default() };
    let work = Waits(8);
    let checking = Checking { server: None, time: Duration::ZERO, most: 8, all: false };
    for (lies, run) in [
        (false, (|work, _, timeline| sequential(work, timeline)) as workload::Run<Waits>),
        (true, (|work, _, timeline| sequential(&Waits(work.0 - 1), timeline)) as workload::Run<Waits>),
    ] {
        let mechanisms =
            [Mechanism { name: "dynamic", concept: "test", about: "made for a test", file: file!(), run }];
        let foreseen = foresee(&work, &mechanisms, &calibration, &checking, &|_| ()).unwrap();
        let measured: Vec<_> =
            foreseen.measured.rows.iter().filter(|row| row.mechanism == "dynamic").collect();
        assert!(!measured.is_empty());
        for row in measured {
            let told = row.error.as_ref().is_some_and(|error| error.starts_with("WRONG ANSWER"));
            assert_eq!((told, row.counts()), (lies, !lies), "{row:?}");
        }
        assert_eq!(foreseen.checks.is_empty(), lies);
    }
}
