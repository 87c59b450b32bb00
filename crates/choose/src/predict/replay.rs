//! Plays a recorded run again on so many workers, in simulated time.

use std::{collections::VecDeque, ops::Range};

use super::{
    Costs, Form,
    rules::{Counter, Dealt, Queues, Rule, Runs, right_run, run_of},
    world::{Step, World},
};
use crate::record::{Piece, Recorded};

/// The caller's own thread; workers are 1, 2, ...
const CALLER: usize = 0;

/// An order that takes longer than this goes out alone (`process_dynamic.rs`).
const ORDER: f64 = 500e-6;

/// Seconds that the work takes through a mechanism of this form, with so many workers (at least 1).
pub(super) fn seconds(run: &Recorded, form: Form, workers: usize, gains: &[f64], costs: &Costs) -> f64 {
    let pieces = run.pieces.len();
    if pieces == 0 {
        return run.cut;
    }
    let workers = workers.min(pieces);
    let replay = Replay {
        run,
        costs,
        tree: form == Form::Rayon,
        world: World::new(gains, workers + 1),
        fresh: vec![true; workers],
    };
    run.cut
        + match form {
            Form::Static => replay.threads(workers, Runs::new(pieces, workers)),
            Form::Dealt => replay.threads(workers, Dealt::new(pieces, workers)),
            Form::Dynamic => replay.threads(workers, Counter(0..pieces)),
            Form::Stealing => replay.threads(workers, Queues::even(pieces, workers)),
            Form::Rayon => replay.threads(workers, Queues::one(pieces, workers)),
            Form::Pool | Form::ProcessStatic | Form::ProcessDynamic => replay.orders(workers, form),
        }
}

struct Replay<'a> {
    run: &'a Recorded,
    costs: &'a Costs,
    /// Whether parts are put together pairwise, and not one by one behind what is there.
    tree: bool,
    world: World,
    /// Who has not done anything yet.
    fresh: Vec<bool>,
}

/// What the caller of a pool or of processes is at.
#[derive(Debug)]
enum Caller {
    /// Has started so many workers.
    Starts(usize),
    /// Reads an order that is done; then it hands out the next.
    Hears { worker: usize, pieces: Range<usize> },
    /// Puts a part in its place.
    Combines,
    /// Waits for a message.
    Waits,
}

impl Replay<'_> {
    /// Workers who help themselves, by `rule`.
    fn threads(mut self, workers: usize, mut rule: impl Rule) -> f64 {
        let mut started = 0;
        self.world.go(CALLER, [Step::Compute(self.costs.fixed + self.costs.serial, 1.0)]);
        while let Some(who) = self.world.next() {
            if who == CALLER {
                started += 1;
                self.world.go(started, [Step::Compute(self.costs.parallel, 1.0)]);
                if started < workers {
                    self.world.go(CALLER, [Step::Compute(self.costs.serial, 1.0)]);
                }
            } else if let Some(piece) = rule.next(who - 1) {
                let steps = self.steps(who - 1, piece);
                self.world.go(who, steps);
            }
        }
        self.world.now()
    }

    /// Workers who are handed orders by the caller, and give their parts back to it.
    fn orders(mut self, workers: usize, form: Form) -> f64 {
        let mut desk = Desk::new(self.run.pieces.len(), workers, form);
        let mut caller = Caller::Starts(0);
        self.world.go(CALLER, [Step::Compute(self.costs.fixed + self.costs.serial, 1.0)]);
        while let Some(who) = self.world.next() {
            if who == CALLER {
                caller = match caller {
                    Caller::Starts(before) => {
                        let started = before + 1;
                        self.world.go(started, [Step::Compute(self.costs.parallel, 1.0)]);
                        if started < workers {
                            self.world.go(CALLER, [Step::Compute(self.costs.serial, 1.0)]);
                            Caller::Starts(started)
                        } else {
                            desk.begin();
                            Caller::Waits
                        }
                    }
                    Caller::Hears { worker, pieces } => {
                        let count = pieces.len();
                        desk.refill(worker, count);
                        self.world.go(CALLER, [Step::Compute(self.run.join(count), 1.0)]);
                        Caller::Combines
                    }
                    Caller::Combines | Caller::Waits => Caller::Waits,
                };
            } else {
                let worker = who - 1;
                desk.ready[worker] = true;
                if let Some((pieces, took)) = desk.doing[worker].take() {
                    desk.took[worker] = self.world.now() - took;
                    desk.inbox.push_back((worker, pieces));
                }
            }
            // Everyone who has something to do now does it.
            for worker in 0..workers {
                if desk.ready[worker]
                    && let Some(pieces) = desk.order(worker)
                {
                    desk.ready[worker] = false;
                    let mut steps: Vec<Step> = Vec::new();
                    if desk.slept[worker] {
                        steps.push(Step::Wait(self.costs.wake));
                    }
                    for piece in pieces.clone() {
                        steps.extend(self.steps(worker, piece));
                    }
                    steps.push(Step::Compute(self.costs.message / 2.0 + self.out(form, pieces.len()), 1.0));
                    desk.doing[worker] = Some((pieces, self.world.now()));
                    self.world.go(worker + 1, steps);
                }
                desk.slept[worker] = desk.ready[worker];
            }
            if matches!(caller, Caller::Waits)
                && let Some((worker, pieces)) = desk.inbox.pop_front()
            {
                let reading = self.costs.message / 2.0 + self.back(form, pieces.len());
                caller = Caller::Hears { worker, pieces };
                self.world.go(CALLER, [Step::Compute(reading, 1.0)]);
            }
        }
        self.world.now()
    }

    /// What a worker process does with the part of so many pieces: encode it, push it through a pipe.
    fn out(&self, form: Form, count: usize) -> f64 {
        if form == Form::Pool {
            0.0
        } else {
            self.run.encode(count) + self.run.bytes(count) * self.costs.byte
        }
    }

    /// What the caller does with it: pull it out of the pipe, decode it.
    fn back(&self, form: Form, count: usize) -> f64 {
        if form == Form::Pool {
            0.0
        } else {
            self.run.decode(count) + self.run.bytes(count) * self.costs.byte
        }
    }

    /// What a worker goes through for one piece.
    fn steps(&mut self, worker: usize, index: usize) -> Vec<Step> {
        let Piece { cpu, wait, combine, width, asks, count, .. } = self.run.pieces[index];
        let combine =
            if self.tree { self.run.join(right_run(index, self.run.pieces.len())) } else { combine };
        let fresh = if std::mem::take(&mut self.fresh[worker]) { self.run.fresh } else { Default::default() };
        let computes = (cpu + fresh.cpu).max(0.0);
        let after = combine + self.costs.piece * count as f64;
        let (asks, wait) = (asks + fresh.asks, wait + fresh.wait);
        if asks + wait <= 0.0 {
            return vec![Step::Compute(computes + after, width)];
        }
        let half = computes / 2.0;
        // It reads a request, waits for something of its own, and writes the answer: half of its computing before.
        let asking = (asks > 0.0).then_some(Step::Ask(asks / 2.0));
        [Some(Step::Compute(half, width)), asking, Some(Step::Wait((wait - asks).max(0.0))), asking]
            .into_iter()
            .flatten()
            .chain([Step::Compute(half + after, width)])
            .collect()
    }
}

/// The caller's side of a pool or a crew: which pieces are out, which orders lie ready for whom.
struct Desk {
    form: Form,
    workers: usize,
    next: usize,
    end: usize,
    /// Ready for anyone (a pool) or for one worker (processes).
    common: VecDeque<Range<usize>>,
    own: Vec<VecDeque<Range<usize>>>,
    /// What each is at, and since when.
    doing: Vec<Option<(Range<usize>, f64)>>,
    /// How long its last order took.
    took: Vec<f64>,
    /// Whether each has started and is idle; and whether it was so before.
    ready: Vec<bool>,
    slept: Vec<bool>,
    inbox: VecDeque<(usize, Range<usize>)>,
}

impl Desk {
    fn new(pieces: usize, workers: usize, form: Form) -> Self {
        Self {
            form,
            workers,
            next: 0,
            end: pieces,
            common: VecDeque::new(),
            own: vec![VecDeque::new(); workers],
            doing: vec![None; workers],
            took: vec![0.0; workers],
            ready: vec![false; workers],
            slept: vec![false; workers],
            inbox: VecDeque::new(),
        }
    }

    /// The first orders, when all workers have been started.
    fn begin(&mut self) {
        match self.form {
            Form::ProcessStatic => {
                for worker in 0..self.workers {
                    self.own[worker].push_back(run_of(worker, self.workers, self.end));
                }
                self.next = self.end;
            }
            Form::ProcessDynamic => {
                for _ in 0..2 {
                    (0..self.workers).for_each(|worker| self.more(worker, 1));
                }
            }
            _ => (0..2 * self.workers).for_each(|_| self.batch()),
        }
    }

    /// After an order of `count` pieces from `worker`.
    fn refill(&mut self, worker: usize, count: usize) {
        match self.form {
            Form::ProcessStatic => {}
            Form::ProcessDynamic => {
                let fitting = count as f64 * ORDER / self.took[worker].max(1e-9);
                self.more(worker, (fitting as usize).clamp(1, 2 * count));
            }
            _ => self.batch(),
        }
    }

    /// `pool.rs`: an eighth of a worker's share of what is left.
    fn batch(&mut self) {
        let count = ((self.end - self.next) / (8 * self.workers)).max(1).min(self.end - self.next);
        if count > 0 {
            self.common.push_back(self.next..self.next + count);
            self.next += count;
        }
    }

    /// `process_dynamic.rs`: two orders a worker, near the end one.
    fn more(&mut self, worker: usize, wish: usize) {
        let left = self.end - self.next;
        let deep = if left > 2 * self.workers { 2 } else { 1 };
        let has = self.own[worker].len() + usize::from(self.doing[worker].is_some());
        if has >= deep {
            return;
        }
        let count = wish.min(left / (8 * self.workers)).max(1).min(left);
        if count > 0 {
            self.own[worker].push_back(self.next..self.next + count);
            self.next += count;
        }
    }

    fn order(&mut self, worker: usize) -> Option<Range<usize>> {
        self.own[worker].pop_front().or_else(|| self.common.pop_front())
    }
}
