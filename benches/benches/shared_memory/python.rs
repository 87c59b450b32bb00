//! CPython beside our ring.

use std::{process::Command, time::Duration};

use lesson::measure::{Samples, ratio, seconds};
use shared_memory::ring::Wait;

use crate::{LIMIT, SMALL, cores::core, one_way::rate, outside::printed_within, rings::Rings};

/// CPython, in turn with our own: a round trip spinning, and one way in small messages and in large ones.
pub(crate) fn python(rounds: usize, trips: u32) {
    let mut spin = Rings::open(Wait::Spin, 1);
    let (mut theirs, mut ours) = ([(); 3].map(|()| Samples::default()), [(); 3].map(|()| Samples::default()));
    for _ in 0..rounds {
        let figures = match of_python(trips / 5) {
            Ok(figures) => figures,
            Err(why) => return println!("CPython: skipped, {why}"),
        };
        theirs.iter_mut().zip(figures).for_each(|(samples, figure)| samples.push(figure));
        ours[0].push(seconds(|| spin.trips(trips)) / f64::from(trips) * 1e9);
        ours[1].push(rate(1, 1 << 16, SMALL, 64, u64::from(trips)));
        ours[2].push(rate(1, 1 << 20, 1 << 16, 1, u64::from(trips) / 20));
    }
    println!("CPython, and how many times as fast our ring is:");
    let [trip, small, large] = theirs.each_ref().map(Samples::median);
    let [by, small_by, large_by] =
        [ratio(&theirs[0], &ours[0]), ratio(&ours[1], &theirs[1]), ratio(&ours[2], &theirs[2])];
    println!("  SharedMemory, spinning, 64 bytes there and back: {trip:8.0} ns, {by:.1}x");
    println!("  Queue, one way, 64 bytes (in batches in ours):   {small:8.1} MB/s, {small_by:.0}x");
    println!("  Queue, one way, 64 KiB:                          {large:8.0} MB/s, {large_by:.0}x");
}

/// Nanoseconds a round trip, and megabytes a second in messages of 64 bytes and of 64 KiB.
fn of_python(trips: u32) -> Result<[f64; 3], String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/shared_memory.py");
    let words =
        [u64::from(trips), LIMIT.as_secs(), core(0) as u64, core(1) as u64].map(|word| word.to_string());
    let mut command = Command::new("python3");
    let text = printed_within(command.arg(script).args(words), LIMIT + Duration::from_secs(1))
        .ok_or_else(|| format!("no python3 with multiprocessing here, or it took longer than {LIMIT:?}"))?;
    let figures: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    figures.try_into().map_err(|_| format!("it printed {text:?}"))
}
