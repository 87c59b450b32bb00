//! What a mechanism costs beside the pieces: runs of empty pieces.

use lesson::measure::{Samples, seconds};
use workload::{Empty, Mechanism, RunError, Timeline, Workers};

use super::Calibration;
use crate::{cpu, dispatch, predict::Costs};

/// What `mechanism` costs on this machine.
///
/// A run with one empty piece for each of n workers takes `fixed + n serial`: measured for few and for many workers,
/// and divided. What processor time it takes beyond what the caller waits for is the workers' own start, which they do
/// beside each other. The lower quarter of several runs counts, as others can only make one longer.
///
/// # Errors
/// The mechanism's own: then it is not possible here.
pub(super) fn costs(mechanism: &Mechanism<Empty>, machine: &Calibration) -> Result<Costs, RunError> {
    let (few, many) = (1, 8);
    let is_process = mechanism.concept == "processes";
    let rounds = if is_process { 5 } else { 9 };
    let (mut small, mut large) = (Runs::default(), Runs::default());
    for _ in 0..rounds {
        small.add(mechanism, few)?;
        large.add(mechanism, many)?;
    }
    let slope = |large: f64, small: f64| ((large - small) / (many - few) as f64).max(0.0);
    let serial = slope(large.wall.quantile(0.25), small.wall.quantile(0.25));
    let burned = slope(large.cpu.quantile(0.25), small.cpu.quantile(0.25));
    let parallel = (burned - serial).max(0.0);
    let fixed = (small.wall.quantile(0.25) - serial - parallel).max(0.0);
    let cores = machine.gains.len();
    let workers = Workers::cores();
    let piece = dispatch::cost(mechanism, workers, 1)? / 1e9 * cores as f64;
    let byte = machine.pipe.map_or(0.0, |rate| 1.0 / rate);
    Ok(Costs {
        fixed,
        serial,
        parallel,
        piece,
        message: if is_process { message(machine) } else { machine.wake / 4.0 },
        byte: if is_process { byte } else { 0.0 },
        wake: machine.wake,
    })
}

/// An order and its reply are four system calls (write, read, write, read) and two polls; a write that wakes somebody
/// costs the writer about as much as a tenth of the waking takes. What it costs to wait for it is counted apart.
fn message(machine: &Calibration) -> f64 {
    5e-6 + machine.wake / 5.0
}

#[derive(Default)]
struct Runs {
    wall: Samples,
    cpu: Samples,
}

impl Runs {
    fn add(&mut self, mechanism: &Mechanism<Empty>, workers: usize) -> Result<(), RunError> {
        let (before, mut outcome) = (cpu::seconds(), Ok(0));
        let work = Empty { pieces: workers };
        let count = Workers::new(workers)?;
        self.wall.push(seconds(|| outcome = (mechanism.run)(&work, count, &Timeline::off())));
        outcome?;
        self.cpu.push(cpu::seconds() - before);
        Ok(())
    }
}
