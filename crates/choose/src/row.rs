//! One line of the table: a mechanism with so many workers, and everything that was seen of it.

use lesson::measure::Samples;
use serde_json::Value;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shot {
    /// In which round: shots of the same round are from the same moments and may be compared.
    pub round: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long the same work took one piece after the other, in the same round (seconds).
    pub alone: f64,
    /// How many times as fast it could have been at best, in the same round.
    pub ceiling: f64,
    /// Processor time of this process and of its children, in seconds.
    pub cpu: f64,
}

impl Shot {
    /// How many times as fast as one piece after the other.
    pub fn speedup(&self) -> f64 {
        self.alone / self.seconds
    }

    /// The speed-up as a share of what was possible.
    pub fn share(&self) -> f64 {
        self.speedup() / self.ceiling
    }
}

/// Everything that was seen of one mechanism with one number of workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The mechanism's name; `sequential` for one piece after the other.
    pub mechanism: &'static str,
    /// How many workers.
    pub workers: usize,
    /// Into how many pieces the work was cut.
    pub pieces: usize,
    /// The runs, in order.
    pub shots: Vec<Shot>,
    /// What an empty piece costs, in nanoseconds.
    pub dispatch_ns: Option<f64>,
    /// The most memory that the mechanism's process had together with its children, in bytes.
    pub peak_memory: Option<u64>,
    /// The answer, for a reader.
    pub answer: Value,
    /// Why there is no answer, or no right one: then the figures mean nothing.
    pub error: Option<String>,
}

/// Name of the row that all others are compared with.
pub const SEQUENTIAL: &str = "sequential";

impl Row {
    /// One without any figures yet.
    pub fn new(mechanism: &'static str, workers: usize, pieces: usize) -> Self {
        Self {
            mechanism,
            workers,
            pieces,
            shots: Vec::new(),
            dispatch_ns: None,
            peak_memory: None,
            answer: Value::Null,
            error: None,
        }
    }

    /// Whether there are figures, and right ones.
    pub fn counts(&self) -> bool {
        self.error.is_none() && !self.shots.is_empty()
    }

    /// Of each run, what `figure` says of it.
    pub fn samples(&self, figure: impl Fn(&Shot) -> f64) -> Samples {
        self.shots.iter().map(figure).collect()
    }

    /// The median of what `figure` says of each run; `None` when the row has no figures.
    pub fn median(&self, figure: impl Fn(&Shot) -> f64) -> Option<f64> {
        self.counts().then(|| self.samples(figure).median())
    }

    /// How many times as fast as `other`: the median over the rounds that both have run in; where there is no
    /// such round, the ratio of their medians.
    pub fn against(&self, other: &Row) -> f64 {
        self.ratios(other).median()
    }

    /// Whether this is slower than `other` by more than `band` (0.1: a tenth) not only in the middle but in
    /// practically every round: nine in ten. Noise makes one round or another look so, not all of them.
    pub fn is_clearly_slower(&self, other: &Row, band: f64) -> bool {
        self.ratios(other).quantile(0.9) < 1.0 - band
    }

    fn ratios(&self, other: &Row) -> Samples {
        let both: Samples = (self.shots.iter())
            .filter_map(|mine| {
                let theirs = other.shots.iter().find(|theirs| theirs.round == mine.round)?;
                // Speed-ups and not seconds: the two may have run different amounts of the work.
                Some(mine.speedup() / theirs.speedup())
            })
            .collect();
        if !both.is_empty() {
            return both;
        }
        let middle = |row: &Row| row.samples(Shot::speedup).median();
        [middle(self) / middle(other)].into_iter().collect()
    }

    /// How many times as fast as this row, in which pieces are done one after the other and wait, so many workers can be at
    /// best, on cores that get `gain` times as much done as one: each takes its turn to wait, and none computes faster
    /// than the cores. `asked` is what a server on the same cores computes meanwhile, in seconds.
    ///
    /// With 200 pieces and 64 workers, someone has to wait four times in a row: 200 / 4 = 50. If of a second that the
    /// pieces take a tenth is computing, two cores allow 20.
    pub fn ceiling_of_waiting(&self, workers: usize, gain: f64, asked: f64) -> f64 {
        let turns = self.pieces.div_ceil(workers.clamp(1, self.pieces.max(1)));
        let overlap = self.pieces as f64 / turns.max(1) as f64;
        let computing = self.samples(|shot| (shot.cpu + asked) / shot.seconds).median();
        let cores = if computing > 0.0 { gain / computing } else { f64::INFINITY };
        overlap.min(cores).max(1.0)
    }

    /// How far the runs lie apart: the distance from p10 to p90 of the share, as a part of its median.
    pub fn spread(&self) -> f64 {
        let shares = self.samples(Shot::share);
        (shares.quantile(0.9) - shares.quantile(0.1)) / shares.median()
    }
}

/// Everything that was seen of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Name of the workload.
    pub workload: &'static str,
    /// Whether its pieces mostly wait.
    pub waits: bool,
    /// The rows, `sequential` first, then by mechanism and workers.
    pub rows: Vec<Row>,
    /// How much more than the average the dearest of equal stretches of pieces costs, with as many stretches as
    /// there are cores: 1 is even.
    pub uneven: Option<f64>,
    /// Who did which piece when, for those that were looked at more closely.
    pub traces: Vec<Trace>,
}

/// Who did which piece when, with one mechanism.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The mechanism.
    pub mechanism: &'static str,
    /// How many workers it had.
    pub workers: usize,
    /// Where pieces are tiles of a picture: how many there are across, and down.
    pub grid: Option<[usize; 2]>,
    /// What they did.
    pub spans: Vec<workload::Span>,
    /// Where they are other processes: the orders that they got, and their answers.
    pub exchanges: Vec<workload::Exchange>,
}

impl Measured {
    /// The row with this mechanism and this many workers.
    pub fn row(&self, mechanism: &str, workers: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.mechanism == mechanism && row.workers == workers)
    }

    /// Whether all is well: every row has its answer, and the right one.
    pub fn all_right(&self) -> bool {
        self.rows.iter().all(|row| row.error.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seconds: &[(usize, f64)]) -> Row {
        let mut row = Row::new("pool", 2, 10);
        row.shots = (seconds.iter())
            .map(|&(round, seconds)| Shot { round, seconds, alone: 1.0, ceiling: 2.0, cpu: 1.0 })
            .collect();
        row
    }

    #[test]
    fn rows_are_compared_within_their_common_rounds() {
        let (slow, fast) = (row(&[(0, 8.0), (1, 0.8), (2, 80.0)]), row(&[(2, 40.0), (0, 4.0)]));
        assert_eq!(fast.against(&slow), 2.0);
        assert_eq!(slow.against(&row(&[(7, 4.0)])), 0.5);
        // One round of five in which something else ran says nothing.
        let even = row(&[(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
        let once = row(&[(0, 2.0), (1, 2.0), (2, 90.0), (3, 2.0), (4, 2.0)]);
        assert_eq!(even.against(&once), 2.0);
    }

    #[test]
    fn one_good_round_in_three_is_enough_not_to_be_clearly_slower() {
        let fast = row(&[(0, 1.0), (1, 1.0), (2, 1.0)]);
        assert!(row(&[(0, 1.2), (1, 1.3), (2, 1.2)]).is_clearly_slower(&fast, 0.08));
        assert!(!row(&[(0, 1.2), (1, 1.3), (2, 1.0)]).is_clearly_slower(&fast, 0.08));
    }

    #[test]
    fn waiting_overlaps_until_the_cores_are_busy() {
        let mut alone = row(&[(0, 2.0)]);
        alone.pieces = 100;
        // Nothing is computed: everyone waits once, or twice.
        alone.shots[0].cpu = 0.0;
        assert_eq!(
            [1, 2, 64, 100, 200].map(|workers| alone.ceiling_of_waiting(workers, 2.0, 0.0)),
            [1.0, 2.0, 50.0, 100.0, 100.0]
        );
        // Half a second of two is computed, of which two cores take a quarter of a second.
        alone.shots[0].cpu = 0.5;
        assert_eq!([2, 64, 100].map(|workers| alone.ceiling_of_waiting(workers, 2.0, 0.0)), [2.0, 8.0, 8.0]);
        // A server that computes as much takes half of them.
        assert_eq!(alone.ceiling_of_waiting(64, 2.0, 0.5), 4.0);
        alone.shots[0].cpu = 8.0;
        assert_eq!(alone.ceiling_of_waiting(64, 2.0, 0.0), 1.0);
    }

    #[test]
    fn a_share_is_the_speedup_in_terms_of_the_ceiling() {
        let row = row(&[(0, 1.0), (1, 0.5), (2, 0.625)]);
        assert_eq!(row.median(Shot::speedup), Some(1.6));
        assert_eq!(row.median(Shot::share), Some(0.8));
        assert_eq!(Row { error: Some("no".into()), ..row }.median(Shot::share), None);
    }
}
