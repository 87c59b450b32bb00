//! From a sample to a number: how many at once, and why.

use serde::Serialize;

use super::{outcome::Cost, replay, room::Room};
use crate::show;

/// More than this at once is not tried: a program each is a burden, and whoever serves them all is asked by all.
const MOST: usize = 128;
/// Fewer are taken when they lose less than this: they need less memory and leave more to others.
const ABOUT_AS_FAST: f64 = 1.03;
/// Gaining less than this is no reason for a second one.
const WORTH: f64 = 1.1;

/// How many at once, and what that rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Advice {
    /// So many at once.
    pub(super) workers: usize,
    /// How many times as fast as one after the other, as predicted.
    pub(super) gain: f64,
    /// In words.
    pub(super) why: String,
}

/// What is known before anything runs at once.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// What the runs of the sample took, one after the other.
    pub(super) sample: &'a [Cost],
    /// Inputs that are left.
    pub(super) left: usize,
    pub(super) cores: usize,
    pub(super) room: Room,
    /// Whether others used so much of the cores that waiting cannot be told from queueing for a core.
    pub(super) busy: bool,
}

impl Known<'_> {
    /// Seconds for the next `count` inputs, so many at once.
    pub(super) fn predict(&self, count: usize, workers: usize) -> f64 {
        replay::seconds(self.sample, count, workers, self.cores as f64)
    }

    /// What to do.
    pub(super) fn advise(&self) -> Advice {
        // With nothing left, the advice is for the next time: for as many as it takes to keep all busy.
        let count = if self.left == 0 { 8 * MOST } else { self.left };
        let believed = if self.busy { self.cores } else { MOST };
        let most = self.room.most().min(believed).min(count);
        let times: Vec<(usize, f64)> =
            (1..=most).map(|workers| (workers, self.predict(count, workers))).collect();
        let best = times.iter().map(|(_, seconds)| *seconds).fold(f64::INFINITY, f64::min);
        let alone = times.first().map_or(0.0, |(_, seconds)| *seconds);
        let enough = times.iter().find(|(_, seconds)| *seconds <= best * ABOUT_AS_FAST);
        let (workers, seconds) = enough.copied().unwrap_or((1, alone));
        let gain = if seconds > 0.0 { alone / seconds } else { 1.0 };
        if gain < WORTH {
            return Advice { workers: 1, gain: 1.0, why: self.why_one() };
        }
        Advice { workers, gain, why: self.why(workers, gain, most) }
    }

    fn mean(&self) -> Cost {
        let count = self.sample.len().max(1) as f64;
        let sum = |part: fn(&Cost) -> f64| self.sample.iter().map(part).sum::<f64>() / count;
        Cost { wall: sum(|cost| cost.wall), cpu: sum(|cost| cost.cpu) }
    }

    /// What a run is like, as the first half of a sentence.
    fn nature(&self) -> String {
        let Cost { wall, cpu } = self.mean();
        let (all, computing) = (show::seconds(wall), show::seconds(cpu));
        match cpu / wall.max(1e-9) {
            busy if busy > 1.2 => format!("an input takes {all} and keeps {busy:.1} cores busy by itself"),
            busy if busy > 0.9 => format!("an input takes {all}, all of it computing"),
            busy if busy > 0.1 => {
                format!("an input takes {all}: it computes for {computing} and waits for the rest")
            }
            _ => format!("an input takes {all} and waits for nearly all of it"),
        }
    }

    fn why(&self, workers: usize, gain: f64, most: usize) -> String {
        let nature = self.nature();
        let gain = show::times(gain);
        let start =
            format!("Run {workers} at once, about {gain} times as fast as one after the other: {nature}.");
        format!("{start} {}", self.bound(workers, most))
    }

    /// What keeps it from being more, and what would change that.
    fn bound(&self, workers: usize, most: usize) -> String {
        let Cost { wall, cpu } = self.mean();
        let by_cores = self.cores as f64 * wall / cpu.max(1e-9);
        if self.busy && workers == most && by_cores > most as f64 {
            return "On a machine so busy waiting cannot be told from queueing for a core, so that more are not tried: \
                    measured on a quiet one this may change."
                .to_owned();
        }
        if workers == most && self.room.most() == most && (most as f64) < by_cores {
            let each = show::bytes(self.room.dearest);
            let all = show::bytes(self.room.budget);
            return format!(
                "Each needs up to {each}, and no more than {most} fit in the {all} that are free: memory would change this."
            );
        }
        if self.left > 0 && workers >= self.left.min(MOST) && by_cores >= workers as f64 {
            return match self.left <= MOST {
                true => "That is all that are left.".to_owned(),
                false => format!("More than {MOST} are never started at once; --workers takes any number."),
            };
        }
        let cores = match self.cores {
            1 => "the one core there is".to_owned(),
            cores => format!("the {cores} cores"),
        };
        format!("More would only share {cores}: more cores would change this.")
    }

    fn why_one(&self) -> String {
        let nature = self.nature();
        let why = match (self.room.most(), self.cores) {
            (1, _) if self.room.dearest > 0 => {
                let each = show::bytes(self.room.dearest);
                format!("it needs up to {each}, and there is no room for two")
            }
            (_, 1) => "there is one core, so that nothing is gained by a second one".to_owned(),
            _ if self.left == 1 => "there is one left".to_owned(),
            (_, cores) => format!("with {cores} cores nothing is gained by a second one"),
        };
        format!("Run one after the other: {nature}; {why}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Room = Room { budget: 1 << 40, dearest: 1 << 20 };

    fn known(wall: f64, cpu: f64, left: usize, room: Room, busy: bool) -> Advice {
        Known { sample: &[Cost { wall, cpu }], left, cores: 4, room, busy }.advise()
    }

    fn advice(wall: f64, cpu: f64, left: usize, room: Room) -> Advice {
        known(wall, cpu, left, room, false)
    }

    #[test]
    fn computing_takes_the_cores_and_waiting_takes_more() {
        assert_eq!(advice(1.0, 1.0, 1000, PLENTY).workers, 4);
        // 4 x 1 / 0.25 = 16, less the 3 % that nobody notices.
        assert!((15..=16).contains(&advice(1.0, 0.25, 1000, PLENTY).workers));
        let waits = advice(1.0, 0.0, 1000, PLENTY);
        assert!(
            waits.workers > 100 && waits.gain > 90.0 && waits.why.contains("waits for nearly all"),
            "{waits:?}"
        );
    }

    #[test]
    fn on_a_busy_machine_waiting_is_not_believed() {
        let busy = known(1.0, 0.0, 1000, PLENTY, true);
        assert_eq!(busy.workers, 4);
        assert!(busy.why.contains("so busy"), "{}", busy.why);
    }

    #[test]
    fn few_inputs_take_no_more_than_there_are() {
        assert_eq!(advice(1.0, 0.0, 3, PLENTY).workers, 3);
        // Five on four cores: all at once they share them and take 5/4; with four at once the last one runs alone.
        assert_eq!(advice(1.0, 1.0, 5, PLENTY).workers, 5);
        assert_eq!(advice(1.0, 1.0, 1, PLENTY).workers, 1);
        assert!(advice(1.0, 1.0, 0, PLENTY).workers > 1);
    }

    #[test]
    fn memory_limits_it_and_says_so() {
        let tight = Room { budget: 9 << 30, dearest: 4 << 30 };
        let two = advice(1.0, 1.0, 100, tight);
        assert_eq!(two.workers, 2);
        assert!(two.why.contains("4096.0 MiB") || two.why.contains("4096 MiB"), "{}", two.why);
        let one = advice(1.0, 1.0, 100, Room { budget: 1 << 30, dearest: 4 << 30 });
        assert_eq!(one.workers, 1);
        assert!(one.why.contains("no room for two"), "{}", one.why);
    }

    #[test]
    fn a_program_with_threads_of_its_own_runs_alone() {
        let alone = advice(1.0, 4.0, 100, PLENTY);
        assert_eq!(alone.workers, 1);
        assert!(alone.why.contains("4.0 cores busy by itself"), "{}", alone.why);
    }
}
