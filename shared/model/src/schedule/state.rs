//! What is known about a run, and who goes on in it: whoever the choices say of those who are able to.

use std::sync::Arc;

use super::{
    Failure, Step,
    choices::Choices,
    intent::{Intent, Needs},
};

#[derive(PartialEq)]
pub(super) enum Stage {
    /// Has not run at all.
    New,
    /// Stopped before what it intends, or runs towards that.
    Alive,
    Finished,
}

pub(super) struct Thread {
    pub(super) name: String,
    pub(super) stage: Stage,
    pub(super) intent: Option<Intent>,
}

/// What one run may do.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) steps: usize,
    pub(super) spurious: usize,
}

/// All there is to know about a run; whoever holds the baton changes it.
pub(super) struct State {
    pub(super) threads: Vec<Thread>,
    /// Who holds the baton.
    pub(super) running: Option<usize>,
    /// Who took the last step.
    pub(super) last: Option<usize>,
    pub(super) limits: Limits,
    pub(super) choices: Choices,
    pub(super) steps: Vec<Step>,
    pub(super) failure: Option<Failure>,
    /// Who could also have taken the step that was chosen last, and whom it took off.
    pub(super) alternatives: (Vec<usize>, Option<usize>),
    /// The run has ended: threads that still wait unwind.
    pub(super) over: bool,
}

impl State {
    /// Who holds the baton next; `None` when all threads have finished.
    pub(super) fn next(&mut self) -> Result<Option<usize>, Failure> {
        // First every thread runs up to its first step, which nobody can see.
        if let Some(new) = self.threads.iter().position(|thread| thread.stage == Stage::New) {
            return Ok(Some(new));
        }
        if self.threads.iter().all(|thread| thread.stage == Stage::Finished) {
            return Ok(None);
        }
        if self.steps.len() >= self.limits.steps {
            return Err(Failure::Endless { steps: self.limits.steps });
        }
        let mut able: Vec<usize> = (0..self.threads.len()).filter(|&thread| self.is_able(thread)).collect();
        if able.is_empty() {
            return Err(Failure::Deadlock { waiting: self.waiting() });
        }
        let going = self.last.filter(|last| able.contains(last));
        // The one that runs comes first: to let it go on is no preemption.
        able.sort_by_key(|&thread| (Some(thread) != going, thread));
        let mut costs: Vec<usize> =
            able.iter().map(|&thread| (going.is_some_and(|going| going != thread)).into()).collect();
        if self.limits.spurious > 0 {
            // A wake-up without a reason may come or not: it costs one, and never saves from a deadlock.
            let sleepers: Vec<usize> =
                (0..self.threads.len()).filter(|&thread| self.could_wake_spuriously(thread)).collect();
            costs.extend(sleepers.iter().map(|_| 1));
            able.extend(sleepers);
        }
        let Some(chosen) = self.choices.choose(&costs) else { return Err(Failure::Unrepeatable) };
        let next = able.remove(chosen);
        if let Some(Intent { needs: Needs::Notice { .. }, .. }) = &self.threads[next].intent {
            self.limits.spurious -= 1;
        }
        self.alternatives = (able, going.filter(|&going| going != next));
        Ok(Some(next))
    }

    fn is_able(&self, thread: usize) -> bool {
        self.threads[thread].intent.as_ref().is_some_and(|intent| match &intent.needs {
            Needs::Nothing => true,
            Needs::Lock(owner) => owner.is_free(),
            Needs::Notice { .. } => false,
            Needs::Others(steps) => self.steps[*steps..].iter().any(Step::changes),
        })
    }

    fn could_wake_spuriously(&self, thread: usize) -> bool {
        let intent = self.threads[thread].intent.as_ref();
        intent.is_some_and(|intent| matches!(&intent.needs, Needs::Notice { lock, .. } if lock.is_free()))
    }

    /// Each thread that waits for ever: which, what it would do, and why it cannot.
    fn waiting(&self) -> Vec<(usize, String, String)> {
        let stopped = self.threads.iter().enumerate().filter_map(|(at, thread)| {
            let Intent { verb, object, needs } = thread.intent.as_ref()?;
            let why = match needs {
                Needs::Lock(owner) => {
                    let owner = owner.thread();
                    match self.threads.get(owner) {
                        _ if owner == at => "held by itself".to_owned(),
                        Some(owner) => format!("held by {}", owner.name),
                        None => "held by nobody".to_owned(),
                    }
                }
                Needs::Notice { .. } => "never notified".to_owned(),
                Needs::Others(_) | Needs::Nothing => "nobody else moves".to_owned(),
            };
            Some((at, format!("{verb} {object}").trim_end().to_owned(), why))
        });
        stopped.collect()
    }
}

/// The state of a run, for the one who takes a step in it.
pub(super) struct Turn<'a> {
    pub(super) state: &'a mut State,
    pub(super) me: usize,
}

impl Turn<'_> {
    /// Wakes one of those who sleep on `condvar`; which one, the schedule chooses. Returns its name.
    pub(super) fn wake_one(&mut self, condvar: usize) -> Option<String> {
        let sleepers = self.sleepers(condvar);
        if sleepers.is_empty() {
            return None;
        }
        let chosen = self.state.choices.choose(&vec![0; sleepers.len()])?;
        Some(self.wake(*sleepers.get(chosen)?))
    }

    /// Wakes all who sleep on `condvar`. Returns their names.
    pub(super) fn wake_all(&mut self, condvar: usize) -> Vec<String> {
        let sleepers = self.sleepers(condvar);
        sleepers.into_iter().map(|sleeper| self.wake(sleeper)).collect()
    }

    fn sleepers(&self, wanted: usize) -> Vec<usize> {
        let sleeps = |thread: &Thread| {
            let intent = thread.intent.as_ref();
            intent.is_some_and(
                |intent| matches!(intent.needs, Needs::Notice { condvar, .. } if condvar == wanted),
            )
        };
        (0..self.state.threads.len()).filter(|&at| sleeps(&self.state.threads[at])).collect()
    }

    fn wake(&mut self, sleeper: usize) -> String {
        let thread = &mut self.state.threads[sleeper];
        if let Some(Intent { needs, .. }) = &mut thread.intent
            && let Needs::Notice { lock, .. } = needs
        {
            *needs = Needs::Lock(Arc::clone(lock));
        }
        thread.name.clone()
    }
}
