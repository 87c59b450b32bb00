//! For how long a main thread that answers every millisecond answers nobody, while something computes.

use std::{
    thread,
    time::{Duration, Instant},
};

use lesson::measure::Samples;
use workload::{Primes, Timeline, sequential};

/// It answers so often.
const EVERY: Duration = Duration::from_millis(1);

/// The longest silence, in seconds: while the main thread computes itself, and while another one does. Medians.
pub(super) fn silences(below: u32, rounds: usize) -> Result<[f64; 2], String> {
    let work = Primes { below, pieces: 16 };
    let compute = || sequential(&work, &Timeline::off()).map_err(|error| error.to_string());
    let mut samples: [Samples; 2] = Default::default();
    for _ in 0..rounds {
        let began = Instant::now();
        compute()?;
        samples[0].push(began.elapsed().as_secs_f64());
        let longest = thread::scope(|scope| {
            let other = scope.spawn(compute);
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while !other.is_finished() {
                thread::sleep(EVERY);
                longest = longest.max(last.elapsed());
                last = Instant::now();
            }
            other.join().map_err(|_| "the thread that computes has panicked".to_owned())?.map(|_| longest)
        })?;
        samples[1].push(longest.max(EVERY).as_secs_f64());
    }
    Ok(samples.map(|samples| samples.median()))
}
