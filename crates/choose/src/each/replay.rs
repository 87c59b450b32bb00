//! How long so many at once will take: the runs of a sample, replayed.
//!
//! Each run is taken to compute and to wait in turns throughout, as it did on average alone. While those that run
//! want no more cores than there are, each goes as fast as alone; beyond, all share the cores. For long lists that is
//! the asymptotic bound of a closed queueing network (Denning and Buzen, "The Operational Analysis of Queueing
//! Network Models", 1978): no more than N / (D + Z) a second, nor than C / D, with D computing, Z waiting, C cores.
//!
//! It cannot know what runs share besides cores: a disk, a lock, memory bandwidth. That is why it is checked.

use super::outcome::Cost;

/// Seconds for `count` runs that cost what `sample` cost in turn, `workers` at once on so many `cores`.
pub(super) fn seconds(sample: &[Cost], count: usize, workers: usize, cores: f64) -> f64 {
    if sample.is_empty() || count == 0 {
        return 0.0;
    }
    // The middle of a long list goes at a steady rate; only its end has to be looked at run by run.
    let rounds = count.saturating_sub(8 * workers + sample.len()) / workers;
    let looked_at = count - rounds * workers;
    let steady = (rounds * workers) as f64 / rate(sample, workers, cores);
    let mut next = (0..looked_at).map(|index| sample[index % sample.len()]);
    let mut running: Vec<Run> = next.by_ref().take(workers).map(Run::new).collect();
    let mut clock = 0.0;
    while !running.is_empty() {
        let wanted: f64 = running.iter().map(|run| run.cores).sum();
        let speed = if wanted > cores { cores / wanted } else { 1.0 };
        let first = running.iter().map(|run| run.left).fold(f64::INFINITY, f64::min);
        clock += first / speed;
        for run in &mut running {
            run.left -= first;
        }
        // Below a nanosecond is rounding, not work.
        running.retain(|run| run.left > 1e-9);
        let free = workers - running.len();
        running.extend(next.by_ref().take(free).map(Run::new));
    }
    clock + steady
}

/// Runs a second that so many at once complete, when there is no end to them.
fn rate(sample: &[Cost], workers: usize, cores: f64) -> f64 {
    let mean = |part: fn(&Cost) -> f64| sample.iter().map(part).sum::<f64>() / sample.len() as f64;
    let (wall, cpu) = (mean(|cost| cost.wall).max(1e-9), mean(|cost| cost.cpu));
    let by_workers = workers as f64 / wall;
    if cpu > 0.0 { by_workers.min(cores / cpu) } else { by_workers }
}

/// One that runs.
struct Run {
    /// Seconds it would still take alone.
    left: f64,
    /// Cores that it keeps busy meanwhile.
    cores: f64,
}

impl Run {
    fn new(cost: Cost) -> Self {
        let wall = cost.wall.max(1e-9);
        Self { left: wall, cores: cost.cpu / wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-6 * right
    }

    #[test]
    fn computing_is_bounded_by_cores_and_waiting_by_workers() {
        let computes = [Cost { wall: 1.0, cpu: 1.0 }];
        let waits = [Cost { wall: 1.0, cpu: 0.0 }];
        for (workers, computing, waiting) in [(1, 8.0, 8.0), (2, 4.0, 4.0), (4, 4.0, 2.0), (8, 4.0, 1.0)] {
            assert!(close(seconds(&computes, 8, workers, 2.0), computing), "{workers}");
            assert!(close(seconds(&waits, 8, workers, 2.0), waiting), "{workers}");
        }
    }

    #[test]
    fn mixed_work_saturates_where_the_bounds_cross() {
        // D = 0.25, Z = 0.75, 2 cores: N* = 2 x 1 / 0.25 = 8.
        let mixed = [Cost { wall: 1.0, cpu: 0.25 }];
        assert!(close(seconds(&mixed, 80, 8, 2.0), 10.0));
        assert!(close(seconds(&mixed, 80, 16, 2.0), 10.0));
        assert!(close(seconds(&mixed, 80, 4, 2.0), 20.0));
    }

    #[test]
    fn what_uses_all_cores_by_itself_gains_nothing() {
        let threaded = [Cost { wall: 1.0, cpu: 2.0 }];
        assert!(close(seconds(&threaded, 4, 1, 2.0), 4.0));
        assert!(close(seconds(&threaded, 4, 2, 2.0), 4.0));
    }

    #[test]
    fn the_last_one_is_waited_for_and_long_lists_cost_the_same_a_piece() {
        let uneven = [1.0, 1.0, 4.0].map(|wall| Cost { wall, cpu: wall });
        assert!(close(seconds(&uneven, 3, 2, 2.0), 5.0));
        let one = [Cost { wall: 1.0, cpu: 1.0 }];
        assert!(close(seconds(&one, 1_000_000, 2, 2.0), 500_000.0));
        assert_eq!(seconds(&[], 5, 2, 2.0), 0.0);
    }
}
