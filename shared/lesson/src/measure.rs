//! Measuring side by side: in turn, several times, the median; and what the machine gives at this moment.

use std::{hint::black_box, thread, time::Instant};

/// Cores that this process may use: affinity and cgroup quota counted; 1 where the system does not say.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds that `work` takes.
pub fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Figures of one thing, measured several times.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order in which they were taken.
    pub fn in_order(&self) -> &[f64] {
        &self.0
    }

    /// The figure below which a `share` (0 to 1) of them lie, linear between neighbours; NaN if there are none.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
        let place = share.clamp(0.0, 1.0) * last as f64;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        sorted[low] + (sorted[high] - sorted[low]) * (place - low as f64)
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// Times several variants in turn (A B C A B C ...), `rounds` times: a machine whose speed drifts then drifts
/// for all of them. Seconds for each, in the order given.
pub fn in_turn<const N: usize>(rounds: usize, mut variants: [&mut dyn FnMut(); N]) -> [Samples; N] {
    let mut samples = std::array::from_fn(|_| Samples::default());
    for _ in 0..rounds {
        for (variant, samples) in variants.iter_mut().zip(&mut samples) {
            samples.push(seconds(&mut *variant));
        }
    }
    samples
}

/// The median, over the rounds, of how many times as long `slow` took as `fast` in the same round.
pub fn ratio(slow: &Samples, fast: &Samples) -> f64 {
    slow.0.iter().zip(&fast.0).map(|(slow, fast)| slow / fast).collect::<Samples>().median()
}

/// How many times as much a pure kernel (registers only: no memory, no lock, no system call) gets done on
/// `threads` threads as on one, just now: at best `threads`.
///
/// Two virtual cores can be two threads of one core for minutes at a time: this is the ceiling that any
/// mechanism can reach meanwhile. Takes about 60 ms; the median of three rounds.
pub fn gain(threads: usize) -> f64 {
    const STEPS: u64 = 4_000_000;
    let one = || {
        black_box(kernel(black_box(STEPS)));
    };
    let all = || {
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(one);
            }
            one();
        });
    };
    let [alone, together] = in_turn(3, [&mut { one }, &mut { all }]);
    ratio(&alone, &together) * threads as f64
}

/// The share of its core, 0 to 1, that one thread gets just now: its processor time of the time that passes. 1 where
/// the system does not say. Takes about 20 ms, or as much longer as the share is smaller.
///
/// What a hypervisor takes away is not seen by it: a guest's clock of processor time goes on meanwhile.
pub fn share() -> f64 {
    const STEPS: u64 = 8_000_000;
    let before = processor_seconds();
    let passed = seconds(|| {
        black_box(kernel(black_box(STEPS)));
    });
    match (before, processor_seconds()) {
        (Some(before), Some(after)) => ((after - before) / passed).min(1.0),
        _ => 1.0,
    }
}

/// What this thread has had of processors so far (`clock_gettime(2)`).
#[cfg(target_os = "linux")]
fn processor_seconds() -> Option<f64> {
    use rustix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Some(time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9)
}

#[cfg(not(target_os = "linux"))]
fn processor_seconds() -> Option<f64> {
    None
}

/// Steps of a linear congruential generator, each waiting for the one before (constants: Knuth's MMIX).
fn kernel(steps: u64) -> u64 {
    (0..steps).fold(1, |x, _| {
        black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours() {
        let samples: Samples = [4.0, 1.0, 3.0, 2.0].into_iter().collect();
        assert_eq!([0.0, 0.5, 1.0].map(|share| samples.quantile(share)), [1.0, 2.5, 4.0]);
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn a_thread_gets_some_of_a_core_and_no_more_than_all() {
        let share = share();
        assert!(share > 0.0 && share <= 1.0, "{share}");
    }

    #[test]
    fn a_ratio_compares_within_a_round() {
        let slow: Samples = [2.0, 20.0, 200.0].into_iter().collect();
        let fast: Samples = [1.0, 10.0, 100.0].into_iter().collect();
        assert_eq!(ratio(&slow, &fast), 2.0);
    }
}
