//! How workers come by their next piece: the scheduling rules of the mechanisms, and nothing else of them.
//!
//! Each is the rule of the file that it names, in the order in which that file does things.

use std::{collections::VecDeque, ops::Range};

/// Who takes which piece next.
pub(super) trait Rule {
    /// The next piece of a worker that is free (workers count from 0); `None` when it is done for good.
    fn next(&mut self, worker: usize) -> Option<usize>;
}

/// A run of neighbouring pieces each (`static`).
#[derive(Debug)]
pub(super) struct Runs(Vec<Range<usize>>);

impl Runs {
    pub(super) fn new(pieces: usize, workers: usize) -> Self {
        Self((0..workers).map(|worker| run_of(worker, workers, pieces)).collect())
    }
}

impl Rule for Runs {
    fn next(&mut self, worker: usize) -> Option<usize> {
        self.0[worker].next()
    }
}

/// Every n-th piece each (`scoped`).
#[derive(Debug)]
pub(super) struct Dealt {
    pieces: usize,
    next: Vec<usize>,
}

impl Dealt {
    pub(super) fn new(pieces: usize, workers: usize) -> Self {
        Self { pieces, next: (0..workers).collect() }
    }
}

impl Rule for Dealt {
    fn next(&mut self, worker: usize) -> Option<usize> {
        let (piece, workers) = (self.next[worker], self.next.len());
        self.next[worker] += workers;
        (piece < self.pieces).then_some(piece)
    }
}

/// Whoever is free takes the next one (`dynamic`).
#[derive(Debug)]
pub(super) struct Counter(pub(super) Range<usize>);

impl Rule for Counter {
    fn next(&mut self, _: usize) -> Option<usize> {
        self.0.next()
    }
}

/// A queue each, halved down to single pieces; who has nothing left takes the largest run of the next who has one
/// (`stealing`, and `rayon`, where all begins with the first worker).
#[derive(Debug)]
pub(super) struct Queues(Vec<VecDeque<Range<usize>>>);

impl Queues {
    /// An equal run each.
    pub(super) fn even(pieces: usize, workers: usize) -> Self {
        Self((0..workers).map(|worker| VecDeque::from([run_of(worker, workers, pieces)])).collect())
    }

    /// All with the first.
    pub(super) fn one(pieces: usize, workers: usize) -> Self {
        let mut queues = vec![VecDeque::new(); workers];
        queues[0].push_back(0..pieces);
        Self(queues)
    }

    fn steal(&mut self, worker: usize) -> Option<Range<usize>> {
        let workers = self.0.len();
        (1..workers).find_map(|step| self.0[(worker + step) % workers].pop_front())
    }
}

impl Rule for Queues {
    fn next(&mut self, worker: usize) -> Option<usize> {
        loop {
            let mut run = self.0[worker].pop_back().or_else(|| self.steal(worker))?;
            while run.len() > 1 {
                let middle = run.start + run.len() / 2;
                self.0[worker].push_back(middle..run.end);
                run.end = middle;
            }
            if let Some(piece) = run.next() {
                return Some(piece);
            }
        }
    }
}

/// The run of `worker`: equal shares, the rest spread one by one.
pub(super) fn run_of(worker: usize, workers: usize, pieces: usize) -> Range<usize> {
    worker * pieces / workers..(worker + 1) * pieces / workers
}

/// How long the run is that is put behind its left neighbours at piece `at`, when runs are halved down to single
/// pieces and put together again in the same order, as in `rayon`'s reduce. Piece 0 is put behind nothing.
pub(super) fn right_run(at: usize, pieces: usize) -> usize {
    let mut run = 0..pieces;
    while run.len() > 1 {
        let middle = run.start + run.len() / 2;
        match at.cmp(&middle) {
            std::cmp::Ordering::Equal => return run.end - middle,
            std::cmp::Ordering::Less => run.end = middle,
            std::cmp::Ordering::Greater => run.start = middle,
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What workers get who ask in turn.
    fn in_turn(mut rule: impl Rule, workers: usize) -> Vec<Vec<usize>> {
        let mut got = vec![Vec::new(); workers];
        loop {
            let mut any = false;
            for (worker, got) in got.iter_mut().enumerate() {
                if let Some(piece) = rule.next(worker) {
                    got.push(piece);
                    any = true;
                }
            }
            if !any {
                return got;
            }
        }
    }

    #[test]
    fn each_rule_hands_out_its_pieces_in_its_own_order() {
        assert_eq!(in_turn(Runs::new(5, 2), 2), [vec![0, 1], vec![2, 3, 4]]);
        assert_eq!(in_turn(Dealt::new(5, 2), 2), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(in_turn(Counter(0..5), 2), [vec![0, 2, 4], vec![1, 3]]);
        assert_eq!(in_turn(Queues::even(8, 2), 2), [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
        // The second worker takes the far half, and, when the near one is done, nothing is left.
        assert_eq!(in_turn(Queues::one(8, 2), 2), [vec![0, 1, 2, 3], vec![4, 5, 6, 7]]);
    }

    #[test]
    fn a_thief_takes_the_largest_run_of_who_has_one() {
        let mut queues = Queues::even(8, 2);
        let first: Vec<usize> = std::iter::from_fn(|| queues.next(0)).take(5).collect();
        // Its own four, then the whole run of the other, who has not even begun.
        assert_eq!(first, [0, 1, 2, 3, 4]);
        // What is left of that lies with the thief: the other one takes the far half of it.
        assert_eq!(queues.next(1), Some(6));
    }

    #[test]
    fn what_is_put_together_pairwise_is_put_together_once_each() {
        assert_eq!((0..4).map(|at| right_run(at, 4)).collect::<Vec<_>>(), [0, 1, 2, 1]);
        assert_eq!((0..5).map(|at| right_run(at, 5)).collect::<Vec<_>>(), [0, 1, 3, 2, 1]);
    }
}
