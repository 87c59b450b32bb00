//! What is measured how often: chosen so that the whole run keeps to its time.

use std::time::{Duration, Instant};

use workload::{Size, Workers};

/// How many rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rounds {
    /// So many, all of them full.
    Exactly(usize),
    /// As many as fit in this time, at least [`Rounds::LEAST`].
    Within(Duration),
}

impl Rounds {
    /// A median of fewer is a guess.
    pub const LEAST: usize = 3;
    /// More do not make it better.
    pub const MOST: usize = 15;
    /// When time is short, only every so many rounds is full; the others leave out all but the most workers.
    pub const FULL_EVERY: usize = 4;

    /// Whether round `round` measures every number of workers.
    pub fn is_full(self, round: usize) -> bool {
        match self {
            Rounds::Exactly(_) => true,
            Rounds::Within(_) => round.is_multiple_of(Self::FULL_EVERY),
        }
    }

    /// Whether there is one more, after `round` rounds since `begun`, of which the last took `last`.
    pub fn goes_on(self, round: usize, begun: Instant, last: Duration) -> bool {
        match self {
            Rounds::Exactly(rounds) => round < rounds,
            Rounds::Within(_) if round < Self::LEAST => true,
            Rounds::Within(time) => round < Self::MOST && begun.elapsed() + last <= time,
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// About a minute on two cores.
    Usual,
    /// About ten seconds.
    Quick,
    /// As little as possible: for tests.
    Tiny,
}

impl Effort {
    /// The size of work that goes with it.
    pub fn size(self) -> Size {
        match self {
            Effort::Usual => Size::Measure,
            Effort::Quick => Size::Lesson,
            Effort::Tiny => Size::Test,
        }
    }

    /// The time for the rounds of one workload.
    pub fn time(self) -> Duration {
        match self {
            Effort::Usual => Duration::from_secs(8),
            Effort::Quick => Duration::from_millis(1_200),
            Effort::Tiny => Duration::ZERO,
        }
    }
}

/// The numbers of workers that are tried where work computes: 1, 2, 4 and so on, and all `cores`.
pub fn up_to_cores(cores: Workers) -> Vec<Workers> {
    let mut counts: Vec<Workers> = (0..)
        .map(|power| 1 << power)
        .take_while(|count| *count < cores.get())
        .filter_map(|count| Workers::new(count).ok())
        .collect();
    counts.push(cores);
    counts
}

/// The numbers that are tried beyond the cores where work waits: up to one for each of its `pieces`.
pub fn beyond_cores(cores: Workers, pieces: usize) -> Vec<Workers> {
    let counts = [8, 32, 64].into_iter().filter(|count| *count < pieces).chain([pieces]);
    counts.filter(|count| *count > cores.get()).filter_map(|count| Workers::new(count).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(workers: Vec<Workers>) -> Vec<usize> {
        workers.into_iter().map(Workers::get).collect()
    }

    #[test]
    fn every_machine_tries_one_worker_and_all_cores() {
        let tried = |cores| counts(up_to_cores(Workers::new(cores).unwrap()));
        assert_eq!(tried(1), [1]);
        assert_eq!(tried(2), [1, 2]);
        assert_eq!(tried(6), [1, 2, 4, 6]);
        assert_eq!(tried(8), [1, 2, 4, 8]);
    }

    #[test]
    fn where_work_waits_each_piece_may_have_its_worker_but_no_more() {
        let tried = |cores, pieces| counts(beyond_cores(Workers::new(cores).unwrap(), pieces));
        assert_eq!(tried(2, 200), [8, 32, 64, 200]);
        assert_eq!(tried(16, 64), [32, 64]);
        assert_eq!(tried(1, 8), [8]);
        assert!(tried(64, 8).is_empty());
    }

    #[test]
    fn there_are_enough_rounds_even_when_time_is_over() {
        let begun = Instant::now();
        let none = Rounds::Within(Duration::ZERO);
        let second = Duration::from_secs(1);
        assert!(none.goes_on(Rounds::LEAST - 1, begun, second));
        assert!(!none.goes_on(Rounds::LEAST, begun, second));
        assert!(!Rounds::Within(Duration::MAX).goes_on(Rounds::MOST, begun, second));
        assert!(!Rounds::Exactly(1).goes_on(1, begun, second));
    }
}
