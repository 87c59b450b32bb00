//! Cores in a simulation, taken in turns by whoever can run; who waits takes none.
//!
//! In turns: who gets a core keeps it until it waits, ends, or has used up a time slice; then whoever has waited
//! longest is next, those first that have just woken up. Sharing each core perfectly fairly, in infinitely thin slices
//! ("processor sharing" in queueing theory), would be shorter to compute but wrong for work that also waits: workers
//! that begin together would end together, all wait together, and leave the cores idle meanwhile, which real ones do
//! not, as short computing is done in one go.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap, VecDeque},
};

/// Who computes or sleeps. The caller's own numbers.
pub(super) type Name = usize;

/// A time slice, in seconds, while others wait for the core. Linux gives 0.75 ms times 1 + log2(cores), up to 3 ms
/// (`sysctl_sched_base_slice`, kernel/sched/fair.c), and looks only at each tick (1 to 4 ms).
pub(super) const SLICE: f64 = 3e-3;

/// Whose alarm goes off when. Of two at the same time the one that was set first comes first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Alarm {
    at: f64,
    turn: u64,
    who: Name,
}

impl Eq for Alarm {}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.total_cmp(&other.at).then(self.turn.cmp(&other.turn))
    }
}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Someone who wants to compute.
#[derive(Clone, Copy, Debug)]
struct Task {
    who: Name,
    /// Seconds of processor time that are left; and of its slice.
    left: f64,
    slice: f64,
}

/// The cores, and everyone who uses them or waits.
#[derive(Debug)]
pub(super) struct Cores {
    /// What 1, 2, ... threads get done at once, in terms of what one does alone.
    gains: Vec<f64>,
    slice: f64,
    now: f64,
    running: Vec<Task>,
    /// Those that have just begun or woken up, and those whose slice was over.
    fresh: VecDeque<Task>,
    again: VecDeque<Task>,
    asleep: BinaryHeap<Reverse<Alarm>>,
    turns: u64,
    /// Who has just ended, and what is left of its slice: if it goes on at once, it keeps its core.
    ended: Option<Task>,
    /// Of those that compute on several cores at once, on how many they still do.
    wide: HashMap<Name, usize>,
}

impl Cores {
    /// As many cores as `gains` has entries: `gains[k - 1]` is what `k` threads get done at once.
    pub(super) fn new(gains: &[f64], slice: f64) -> Self {
        Self {
            gains: if gains.is_empty() { vec![1.0] } else { gains.to_vec() },
            slice,
            now: 0.0,
            running: Vec::new(),
            fresh: VecDeque::new(),
            again: VecDeque::new(),
            asleep: BinaryHeap::new(),
            turns: 0,
            ended: None,
            wide: HashMap::new(),
        }
    }

    /// Seconds since the beginning.
    pub(super) fn now(&self) -> f64 {
        self.now
    }

    /// `who` computes for so many seconds of processor time, on `width` cores at once if they are free.
    pub(super) fn compute(&mut self, who: Name, seconds: f64, width: f64) {
        let threads = (width.round() as usize).max(1);
        let task = Task { who, left: seconds.max(0.0) / threads as f64, slice: self.slice };
        if threads > 1 {
            self.wide.insert(who, threads);
        }
        match self.ended.take_if(|ended| ended.who == who && threads == 1) {
            Some(ended) => self.fresh.push_front(Task { slice: ended.slice, ..task }),
            None => self.fresh.extend((0..threads).map(|_| task)),
        }
    }

    /// `who` waits so long for something that takes no core.
    pub(super) fn sleep(&mut self, who: Name, seconds: f64) {
        self.turns += 1;
        self.asleep.push(Reverse(Alarm { at: self.now + seconds.max(0.0), turn: self.turns, who }));
    }

    /// Lets time go by until somebody has come to an end; `None` when nobody computes or sleeps.
    pub(super) fn next(&mut self) -> Option<Name> {
        self.ended = None;
        loop {
            while self.running.len() < self.gains.len()
                && let Some(task) = self.fresh.pop_front().or_else(|| self.again.pop_front())
            {
                self.running.push(task);
            }
            let busy = self.running.len();
            let speed = if busy == 0 { 1.0 } else { self.gains[busy - 1] / busy as f64 };
            let until = |task: &Task| task.left.min(task.slice);
            let first =
                (0..busy).min_by(|&a, &b| until(&self.running[a]).total_cmp(&until(&self.running[b])));
            let turn = first.map(|place| self.now + until(&self.running[place]) / speed);
            let wakes = self.asleep.peek().map(|Reverse(alarm)| alarm.at.max(self.now));
            let woken = match (turn, wakes) {
                (None, None) => return None,
                (Some(turn), Some(wakes)) => wakes < turn,
                (turn, _) => turn.is_none(),
            };
            let now = if woken { wakes? } else { turn? };
            let done = (now - self.now) * speed;
            self.now = now;
            for task in &mut self.running {
                task.left -= done;
                task.slice -= done;
            }
            if woken {
                return self.asleep.pop().map(|Reverse(alarm)| alarm.who);
            }
            let place = first?;
            let task = self.running[place];
            // Below a hundredth of a nanosecond is rounding, not work.
            if task.left > 1e-11 {
                self.turn_over(place);
                continue;
            }
            self.running.remove(place);
            self.ended = (task.slice > 0.0).then_some(task);
            if let Some(others) = self.wide.get_mut(&task.who) {
                *others -= 1;
                if *others > 0 {
                    continue;
                }
                self.wide.remove(&task.who);
            }
            return Some(task.who);
        }
    }

    /// A slice is over: the next one's turn, or, if nobody waits, another slice.
    fn turn_over(&mut self, place: usize) {
        self.running[place].slice = self.slice;
        if !self.fresh.is_empty() || !self.again.is_empty() {
            let task = self.running.remove(place);
            self.again.push_back(task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(cores: &mut Cores) -> Vec<(Name, f64)> {
        std::iter::from_fn(|| cores.next().map(|who| (who, (cores.now() * 1e6).round() / 1e6))).collect()
    }

    #[test]
    fn two_on_one_core_take_turns() {
        let mut cores = Cores::new(&[1.0], 1.0);
        cores.compute(0, 2.0, 1.0);
        cores.compute(1, 2.0, 1.0);
        // 0 1 0 1
        assert_eq!(ends(&mut cores), [(0, 3.0), (1, 4.0)]);
    }

    #[test]
    fn thin_slices_share_fairly() {
        let mut cores = Cores::new(&[1.0, 2.0], 1e-4);
        for (who, seconds) in [(0, 1.0), (1, 2.0), (2, 2.0)] {
            cores.compute(who, seconds, 1.0);
        }
        // Each runs at two thirds: 0 ends after 1.5; the others have 1 left each, and a core each.
        for ((_, at), about) in ends(&mut cores).into_iter().zip([1.5, 2.5, 2.5]) {
            assert!((at - about).abs() < 1e-3, "{at} {about}");
        }
    }

    #[test]
    fn what_is_shorter_than_a_slice_is_done_in_one_go() {
        let mut cores = Cores::new(&[1.0], 1.0);
        cores.compute(0, 0.5, 1.0);
        cores.compute(1, 0.5, 1.0);
        assert_eq!(ends(&mut cores), [(0, 0.5), (1, 1.0)]);
    }

    #[test]
    fn who_goes_on_at_once_keeps_its_core() {
        let mut cores = Cores::new(&[1.0], 1.0);
        cores.compute(0, 0.25, 1.0);
        cores.compute(1, 0.5, 1.0);
        assert_eq!(cores.next(), Some(0));
        cores.compute(0, 0.25, 1.0);
        assert_eq!(ends(&mut cores), [(0, 0.5), (1, 1.0)]);
    }

    #[test]
    fn who_sleeps_takes_no_core_and_who_wakes_is_next() {
        let mut cores = Cores::new(&[1.0], 1.0);
        cores.sleep(0, 0.5);
        cores.compute(1, 9.0, 1.0);
        cores.compute(2, 9.0, 1.0);
        assert_eq!(cores.next(), Some(0));
        cores.compute(0, 0.25, 1.0);
        // When the slice of 1 is over, after 1; 2, which has waited longer, was fresh too and comes before.
        assert_eq!(ends(&mut cores), [(0, 2.25), (1, 17.25), (2, 18.25)]);
    }

    #[test]
    fn cores_that_share_parts_get_less_done() {
        let mut cores = Cores::new(&[1.0, 1.25], 1.0);
        cores.compute(0, 1.0, 1.0);
        cores.compute(1, 1.0, 1.0);
        assert_eq!(ends(&mut cores), [(0, 1.6), (1, 1.6)]);
    }

    #[test]
    fn a_piece_with_threads_of_its_own_takes_as_many_cores() {
        let mut cores = Cores::new(&[1.0, 2.0], 1.0);
        cores.compute(0, 4.0, 2.0);
        assert_eq!(ends(&mut cores), [(0, 2.0)]);
    }
}
