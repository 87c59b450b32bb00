//! What it costs a mechanism to hand out one piece and take its part back.

use std::time::Duration;

use lesson::measure::{Samples, seconds};
use workload::{Empty, Mechanism, RunError, Timeline, Workers};

/// Enough for the difference to stand out from the noise of starting workers.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// More do not fit the purpose, however fast a mechanism is.
const MOST: usize = 1 << 19;

/// Nanoseconds that one empty piece costs, without what starting and ending the workers costs: many pieces are
/// timed against few, in turn, and the difference is divided by their number.
///
/// # Errors
/// The mechanism's own.
pub fn cost(mechanism: &Mechanism<Empty>, workers: Workers, rounds: usize) -> Result<f64, RunError> {
    let few = workers.get();
    let mut many = 1024.max(2 * few);
    while many < MOST && run(mechanism, workers, many)? < LONG_ENOUGH.as_secs_f64() {
        many *= 8;
    }
    let mut costs = Samples::default();
    for _ in 0..rounds {
        let (short, long) = (run(mechanism, workers, few)?, run(mechanism, workers, many)?);
        costs.push((long - short) * 1e9 / (many - few) as f64);
    }
    // Noise may be larger than a cost of next to nothing.
    Ok(costs.median().max(0.0))
}

fn run(mechanism: &Mechanism<Empty>, workers: Workers, pieces: usize) -> Result<f64, RunError> {
    let mut outcome = Ok(0);
    let time = seconds(|| outcome = (mechanism.run)(&Empty { pieces }, workers, &Timeline::off()));
    match outcome? {
        done if done == pieces as u64 => Ok(time),
        done => Err(RunError::Incomplete { done: done as usize, of: pieces }),
    }
}
