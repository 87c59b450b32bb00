//! How a thread blocks: it enters its wait, judges at once whether anybody is left to end it, and only then sleeps.
//!
//! All of that happens under the graph's lock. Of two threads that close a cycle at the same moment one comes second,
//! and sees the wait of the first: they cannot both miss it.

use std::{process, sync::Arc, sync::PoisonError, time::Duration, time::Instant};

use super::{
    Detector,
    graph::{Graph, Hold, On, State, Wait},
    local::Local,
    world::MutexGuard,
};
use crate::detector::{Place, Recovery, Report};

/// How a wait ended.
pub(super) enum Woken {
    /// Somebody ended it.
    Go,
    /// Its time ran out.
    TimedOut,
    /// It is part of a deadlock, which is broken here.
    Deadlock(Arc<Report>),
}

/// Where and how long a thread waits.
#[derive(Clone, Copy)]
pub(super) struct Blocking {
    pub(super) place: Place,
    pub(super) since: Instant,
    pub(super) deadline: Option<Instant>,
}

impl Blocking {
    pub(super) fn new(place: Place, timeout: Option<Duration>) -> Self {
        let since = Instant::now();
        // A time beyond what the clock can tell is no limit.
        Self { place, since, deadline: timeout.and_then(|timeout| since.checked_add(timeout)) }
    }
}

impl Detector {
    /// Sleeps until the wait for `on` is over. The caller has entered the thread into the queue, and takes it out
    /// unless the answer is [`Woken::Go`].
    pub(super) fn block<'a>(
        &'a self,
        mut graph: MutexGuard<'a, Graph>,
        local: &Local,
        on: On,
        blocking: Blocking,
    ) -> (MutexGuard<'a, Graph>, Woken) {
        let (me, timed) = (local.number(), blocking.deadline.is_some());
        let wait = Wait { on, place: blocking.place, since: blocking.since, timed };
        let wake = {
            let thread = graph.threads.get_mut(&me).expect("a thread enters before it blocks");
            thread.state = State::Blocked(wait);
            thread.held = local.held.all();
            Arc::clone(&thread.wake)
        };
        if !timed && let Some(report) = self.judge(&mut graph, me) {
            graph.wake(me);
            return (graph, Woken::Deadlock(report));
        }
        let untold = std::mem::take(&mut graph.untold);
        if !untold.is_empty() {
            drop(graph);
            tell(&untold);
            graph = self.graph();
        }
        loop {
            let thread = graph.threads.get_mut(&me).expect("a thread stays known until it ends");
            if let Some(report) = thread.verdict.take() {
                return (graph, Woken::Deadlock(report));
            }
            if matches!(thread.state, State::Running) {
                return (graph, Woken::Go);
            }
            graph = match blocking.deadline {
                None => wake.wait(graph).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        graph.wake(me);
                        return (graph, Woken::TimedOut);
                    }
                    wake.wait_timeout(graph, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// The deadlock `me` has just closed, if it is to be broken here; else it is dealt with otherwise.
    fn judge(&self, graph: &mut Graph, me: u64) -> Option<Arc<Report>> {
        loop {
            let stuck = graph.stuck(&[me]);
            if stuck.first() != Some(&me) {
                return None;
            }
            let (report, members) = self.report(graph, me, &stuck);
            if self.recovery() != Recovery::Break {
                return None;
            }
            match graph.better_victim(&members) {
                Some(victim) => graph.condemn(victim, report),
                None => return Some(report),
            }
        }
    }

    fn report(&self, graph: &mut Graph, from: u64, stuck: &[u64]) -> (Arc<Report>, Vec<u64>) {
        let (report, members) = graph.describe(from, stuck);
        let report = Arc::new(report);
        graph.keep(&report);
        match self.recovery() {
            Recovery::Break => {}
            Recovery::Report => {
                graph.mark_reported(&members);
                graph.untold.push(Arc::clone(&report));
            }
            Recovery::Abort => {
                eprintln!("{report}");
                process::abort();
            }
        }
        (report, members)
    }

    /// Somebody who could have ended waits is gone: who slept until now may be stuck. Under [`Recovery::Break`] the
    /// one that has waited longest is woken, and again, until nobody is stuck.
    pub(super) fn judge_all(&self, mut graph: MutexGuard<'_, Graph>) {
        while let Some((victim, stuck)) = graph.first_unreported() {
            let (report, members) = self.report(&mut graph, victim, &stuck);
            if self.recovery() == Recovery::Break {
                let victim = graph.better_victim(&members).unwrap_or(victim);
                graph.condemn(victim, report);
            }
        }
        let untold = std::mem::take(&mut graph.untold);
        drop(graph);
        tell(&untold);
    }

    /// `thread` has ended, while it held `holds`.
    pub(super) fn ended(&self, thread: u64, holds: &[Hold]) {
        let mut graph = self.graph();
        let holds: Vec<Hold> =
            holds.iter().filter(|hold| graph.objects.contains_key(&hold.lock)).copied().collect();
        if holds.is_empty() {
            graph.threads.remove(&thread);
        } else if let Some(entry) = graph.threads.get_mut(&thread) {
            entry.state = State::Ended;
            entry.held = holds;
        }
        let joining: Vec<u64> = graph
            .threads
            .iter()
            .filter(|(_, other)| matches!(&other.state, State::Blocked(wait) if wait.on == On::Join(thread)))
            .map(|(number, _)| *number)
            .collect();
        joining.into_iter().for_each(|joining| graph.wake(joining));
        self.judge_all(graph);
    }
}

/// Without the graph's lock: whoever reads stderr may be slow.
fn tell(reports: &[Arc<Report>]) {
    for report in reports {
        eprintln!("{report}");
    }
}

impl Graph {
    /// The thread that has waited longest among those that are stuck and were not reported; and all that are.
    fn first_unreported(&self) -> Option<(u64, Vec<u64>)> {
        let mut asleep: Vec<(Instant, u64)> = self.threads.iter().filter_map(waiting).collect();
        asleep.sort_unstable();
        let asleep: Vec<u64> = asleep.into_iter().map(|(_, thread)| thread).collect();
        let stuck = self.stuck(&asleep);
        // Those that were asked about come first, in their order.
        let mut asked = stuck.iter().take(asleep.len());
        let first = asked.find(|number| {
            let thread = self.threads.get(number);
            thread.is_some_and(|thread| !thread.reported && matches!(thread.state, State::Blocked(_)))
        });
        first.copied().map(|first| (first, stuck))
    }

    /// Whoever joins another thread and is refused loses its result, so that is the last resort: if the first of
    /// `members` joins, and others of them do not, the one of those that has waited longest.
    fn better_victim(&self, members: &[u64]) -> Option<u64> {
        let wait = |number: &u64| match self.threads.get(number).map(|thread| &thread.state) {
            Some(State::Blocked(wait)) => Some(*wait),
            _ => None,
        };
        let joins = |wait: &Wait| matches!(wait.on, On::Join(_));
        if !wait(members.first()?).is_some_and(|wait| joins(&wait)) {
            return None;
        }
        let others = members.iter().filter_map(|number| wait(number).map(|wait| (wait, *number)));
        let others = others.filter(|(wait, _)| !joins(wait) && !wait.timed);
        others.min_by_key(|(wait, number)| (wait.since, *number)).map(|(_, number)| number)
    }
}

fn waiting((number, thread): (&u64, &super::graph::Thread)) -> Option<(Instant, u64)> {
    match &thread.state {
        State::Blocked(wait) if !wait.timed => Some((wait.since, *number)),
        _ => None,
    }
}
