//! One core, tasks with fixed priorities, one lock: a scheduler so small that every run can be drawn and counted.
//!
//! Time goes in ticks. In each the ready task with the highest priority runs, as under `SCHED_FIFO` (sched(7)); who waits
//! for the lock is not ready. What a real machine shows only with privileges and luck, this shows always and the same.

use lesson::lanes::Span;

/// What a task does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Computes for so many ticks.
    Run(u32),
    /// Takes the lock, or waits for it. Takes no time.
    Lock,
    /// Gives it back. Takes no time.
    Unlock,
}

/// A task with a fixed priority.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its lane is called so.
    pub name: &'static str,
    /// The higher runs first.
    pub priority: u32,
    /// The tick at which it becomes ready.
    pub arrives: u32,
    /// From first to last.
    pub ops: Vec<Op>,
}

/// What may raise a task above its own priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Nothing.
    Plain,
    /// Whoever holds the lock has the priority of the highest task that waits for it (Sha, Rajkumar and Lehoczky, 1990;
    /// `PTHREAD_PRIO_INHERIT`).
    Inherit,
    /// Whoever holds the lock has the highest priority of all that ever take it (`PTHREAD_PRIO_PROTECT`).
    Ceiling,
    /// A ready task that is not chosen rises by one each time that it has waited so many ticks; once it has run it falls
    /// back.
    Aging(u32),
}

/// Runs with the lock in hand.
pub const HOLDING: char = 'L';
/// Runs without it.
pub const RUNNING: char = '#';
/// Waits for it.
pub const BLOCKED: char = '-';

/// What was seen of a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Who did what when: one lane for each task, a tick is a millisecond.
    pub spans: Vec<Span>,
    /// The tick at which each task had done everything; `None` if it had not when time was up.
    pub done: Vec<Option<u32>>,
    /// How many ticks each task waited for the lock.
    pub blocked: Vec<u32>,
}

struct State<'a> {
    tasks: &'a [Task],
    protocol: Protocol,
    /// What is left of each task, the next thing last.
    left: Vec<Vec<Op>>,
    /// Ready, but not chosen, for so many ticks.
    passed_over: Vec<u32>,
    blocked: Vec<bool>,
    holder: Option<usize>,
}

impl State<'_> {
    fn is_ready(&self, task: usize, now: u32) -> bool {
        self.tasks[task].arrives <= now && !self.left[task].is_empty() && !self.blocked[task]
    }

    /// The priority at which a task runs now.
    fn priority(&self, task: usize) -> u32 {
        let own = self.tasks[task].priority;
        let holds = self.holder == Some(task);
        match self.protocol {
            Protocol::Inherit if holds => self.highest(own, |other| self.blocked[other]),
            Protocol::Ceiling if holds => {
                self.highest(own, |other| self.tasks[other].ops.contains(&Op::Lock))
            }
            Protocol::Aging(ticks) => own + self.passed_over[task] / ticks,
            _ => own,
        }
    }

    fn highest(&self, own: u32, counts: impl Fn(usize) -> bool) -> u32 {
        let others = (0..self.tasks.len()).filter(|&other| counts(other));
        others.map(|other| self.tasks[other].priority).max().unwrap_or(own).max(own)
    }

    /// The task that runs in this tick, after all that takes no time is done.
    fn choose(&mut self, now: u32) -> Option<usize> {
        loop {
            let ready = (0..self.tasks.len()).rev().filter(|&task| self.is_ready(task, now));
            // Equals do not take the core from each other: who holds the lock goes on.
            let task = ready.max_by_key(|&task| (self.priority(task), self.holder == Some(task)))?;
            match self.left[task].last()? {
                Op::Run(0) => {}
                Op::Run(_) => return Some(task),
                Op::Lock if self.holder.is_some() => {
                    self.blocked[task] = true;
                    continue;
                }
                Op::Lock => self.holder = Some(task),
                Op::Unlock => {
                    self.holder = None;
                    // All try again; the one with the highest priority is the first to.
                    self.blocked.fill(false);
                }
            }
            self.left[task].pop();
        }
    }
}

/// Runs `tasks` until all are done, at most for `ticks`. Of equals whoever holds the lock goes first, then the first in
/// the list.
pub fn run(tasks: &[Task], protocol: Protocol, ticks: u32) -> Trace {
    let count = tasks.len();
    let mut state = State {
        tasks,
        protocol,
        left: tasks.iter().map(|task| task.ops.iter().rev().copied().collect()).collect(),
        passed_over: vec![0; count],
        blocked: vec![false; count],
        holder: None,
    };
    let mut trace = Trace { spans: Vec::new(), done: vec![None; count], blocked: vec![0; count] };
    for now in 0..=ticks {
        let chosen = state.choose(now);
        for task in 0..count {
            if state.left[task].is_empty() {
                trace.done[task].get_or_insert(now);
            }
        }
        if now == ticks || state.left.iter().all(Vec::is_empty) {
            break;
        }
        for task in 0..count {
            let mark = if chosen == Some(task) {
                state.passed_over[task] = 0;
                if let Some(Op::Run(left)) = state.left[task].last_mut() {
                    *left -= 1;
                    if *left == 0 {
                        state.left[task].pop();
                    }
                }
                if state.holder == Some(task) { HOLDING } else { RUNNING }
            } else if state.blocked[task] {
                trace.blocked[task] += 1;
                BLOCKED
            } else {
                state.passed_over[task] += u32::from(state.is_ready(task, now));
                continue;
            };
            let tick = |at: u32| u64::from(at) * 1_000_000;
            trace.spans.push(Span { lane: task, start: tick(now), end: tick(now + 1), mark });
        }
    }
    trace
}
