//! One run of a program under one schedule: a baton goes from thread to thread, and only its holder runs.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{Failure, Program, Step};

thread_local! {
    /// The run that the calling thread is modelled in, and which of its threads it is.
    static HERE: RefCell<Option<(Arc<Execution>, usize)>> = const { RefCell::new(None) };
}

/// What a thread that stopped is about to do.
pub(super) struct Intent {
    pub(super) verb: &'static str,
    pub(super) object: Arc<str>,
    pub(super) needs: Needs,
}

/// What must be so for a thread to go on.
pub(super) enum Needs {
    Nothing,
    /// The lock is free.
    Lock(Arc<Owner>),
    /// Somebody has notified this condition variable; the lock is then needed too.
    Notice {
        condvar: usize,
        lock: Arc<Owner>,
    },
    /// Another thread has changed something since this many steps were done.
    Others(usize),
}

/// Which thread holds a lock.
#[derive(Debug)]
pub(super) struct Owner(AtomicUsize);

impl Owner {
    const NOBODY: usize = usize::MAX;

    pub(super) fn nobody() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(Self::NOBODY)))
    }

    // Relaxed throughout: who holds the baton is alone, and the baton itself is passed under a mutex.
    pub(super) fn is_free(&self) -> bool {
        self.0.load(Ordering::Relaxed) == Self::NOBODY
    }

    /// Outside of a run the lock belongs to nobody whom a schedule could ask.
    pub(super) fn take(&self, thread: Option<usize>) {
        self.0.store(thread.unwrap_or(Self::NOBODY), Ordering::Relaxed);
    }

    pub(super) fn free(&self) {
        self.0.store(Self::NOBODY, Ordering::Relaxed);
    }
}

#[derive(PartialEq)]
enum Stage {
    /// Has not run at all.
    New,
    /// Stopped before what it intends, or runs towards that.
    Alive,
    Finished,
}

struct Thread {
    name: String,
    stage: Stage,
    intent: Option<Intent>,
}

/// The choices of one run: a given beginning, then always the first option, which is to let the thread that runs
/// go on.
#[derive(Default)]
pub(super) struct Choices {
    given: Vec<u8>,
    pub(super) taken: Vec<u8>,
    /// Preemptions (and spurious wake-ups) so far.
    pub(super) cost: usize,
    /// What could have been chosen after the given beginning: where, which option, and the cost until there.
    pub(super) others: Vec<(usize, u8, usize)>,
}

impl Choices {
    pub(super) fn given(given: Vec<u8>) -> Self {
        Self { given, ..Self::default() }
    }

    /// Chooses one of the options, of which each has its cost. `None` if the given choice is not there: the
    /// program did something else than in the run before.
    fn choose(&mut self, costs: &[usize]) -> Option<usize> {
        let at = self.taken.len();
        let choice = match self.given.get(at) {
            Some(&given) => given,
            None => {
                let others = costs.iter().enumerate().skip(1);
                self.others.extend(others.map(|(option, cost)| (at, option as u8, self.cost + cost)));
                0
            }
        };
        self.cost += costs.get(usize::from(choice))?;
        self.taken.push(choice);
        Some(choice.into())
    }
}

/// What one run may do.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) steps: usize,
    pub(super) spurious: usize,
}

/// All there is to know about a run; whoever holds the baton changes it.
pub(super) struct State {
    threads: Vec<Thread>,
    /// Who holds the baton.
    running: Option<usize>,
    /// Who took the last step.
    last: Option<usize>,
    limits: Limits,
    pub(super) choices: Choices,
    pub(super) steps: Vec<Step>,
    pub(super) failure: Option<Failure>,
    /// Who could also have taken the step that was chosen last, and whom it took off.
    alternatives: (Vec<usize>, Option<usize>),
    /// The run has ended: threads that still wait unwind.
    over: bool,
}

struct Execution {
    state: Mutex<State>,
    /// One for each thread: it has the baton, or the run is over.
    turns: Vec<Condvar>,
}

/// The payload with which threads unwind when a run ends before they do.
struct Abandoned;

/// Runs `program` under one schedule. All its threads are gone when this returns.
pub(super) fn run(program: Program, choices: Choices, limits: Limits) -> State {
    silence_modelled_threads();
    let Program { threads: bodies, checks } = program;
    let threads: Vec<Thread> = bodies
        .iter()
        .map(|(name, _)| Thread { name: name.clone(), stage: Stage::New, intent: None })
        .collect();
    assert!((1..=16).contains(&threads.len()), "a schedule is drawn of 1 to 16 threads");
    let execution = Arc::new(Execution {
        turns: threads.iter().map(|_| Condvar::new()).collect(),
        state: Mutex::new(State {
            threads,
            running: Some(0),
            last: None,
            limits,
            choices,
            steps: Vec::new(),
            failure: None,
            alternatives: (Vec::new(), None),
            over: false,
        }),
    });
    thread::scope(|scope| {
        for (me, (_, body)) in bodies.into_iter().enumerate() {
            let execution = Arc::clone(&execution);
            scope.spawn(move || execution.live(me, body));
        }
    });
    let Some(execution) = Arc::into_inner(execution) else { unreachable!("all threads are joined") };
    let mut state = execution.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    if state.choices.taken.len() < state.choices.given.len() {
        state.failure = Some(Failure::Unrepeatable);
    }
    if state.failure.is_none() {
        state.failure = checks.into_iter().find_map(|check| check().err()).map(Failure::Wrong);
    }
    state
}

impl Execution {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A modelled thread, from its first turn to its end.
    fn live(self: Arc<Self>, me: usize, body: impl FnOnce()) {
        HERE.set(Some((Arc::clone(&self), me)));
        // Unwind safety: after a panic the run is over, and what it leaves behind is dropped.
        let end = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut state = self.wait_for_turn(self.lock(), me);
            state.threads[me].stage = Stage::Alive;
            drop(state);
            body();
        }));
        HERE.set(None);
        let mut state = self.lock();
        state.threads[me].stage = Stage::Finished;
        match end {
            Ok(()) => self.pass_on(&mut state),
            Err(payload) if payload.is::<Abandoned>() => {}
            Err(payload) => {
                let message = message(&*payload);
                self.end(&mut state, Some(Failure::Panic { thread: me, message }));
            }
        }
    }

    /// Stops the calling thread before what it intends until the schedule lets it go on, then does that in `act`,
    /// which also tells what was read or written.
    fn step<R>(&self, me: usize, intent: Intent, act: impl FnOnce(Option<Turn<'_>>) -> (R, String)) -> R {
        let (verb, object) = (intent.verb, Arc::clone(&intent.object));
        let mut state = self.lock();
        state.threads[me].intent = Some(intent);
        self.pass_on(&mut state);
        let mut state = self.wait_for_turn(state, me);
        let done = state.threads[me].intent.take();
        state.last = Some(me);
        let (could, preempted) = std::mem::take(&mut state.alternatives);
        let (result, mut value) = act(Some(Turn { state: &mut state, me }));
        // A notice would have changed what it needs.
        if done.is_some_and(|done| matches!(done.needs, Needs::Notice { .. })) {
            value.push_str(Step::SPURIOUS);
        }
        state.steps.push(Step { thread: me, verb, object, value, could, preempted });
        result
    }

    /// Hands the baton to whom the schedule chooses, or ends the run.
    fn pass_on(&self, state: &mut State) {
        if state.over {
            return;
        }
        match state.next() {
            Ok(Some(next)) => {
                state.running = Some(next);
                self.turns[next].notify_one();
            }
            Ok(None) => self.end(state, None),
            Err(failure) => self.end(state, Some(failure)),
        }
    }

    fn end(&self, state: &mut State, failure: Option<Failure>) {
        state.failure = state.failure.take().or(failure);
        state.over = true;
        self.turns.iter().for_each(Condvar::notify_one);
    }

    fn wait_for_turn<'a>(&self, state: MutexGuard<'a, State>, me: usize) -> MutexGuard<'a, State> {
        let waiting = |state: &mut State| !state.over && state.running != Some(me);
        let state = self.turns[me].wait_while(state, waiting).unwrap_or_else(PoisonError::into_inner);
        if state.over {
            drop(state);
            // Not `panic!`: the hook has nothing to tell.
            panic::resume_unwind(Box::new(Abandoned));
        }
        state
    }
}

impl State {
    /// Who holds the baton next; `None` when all threads have finished.
    fn next(&mut self) -> Result<Option<usize>, Failure> {
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
                    let owner = owner.0.load(Ordering::Relaxed);
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
    state: &'a mut State,
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

/// Takes a step in the run that the calling thread is part of. Outside of one (while a program is built, when it
/// is checked) there is no schedule: `act` is done at once.
pub(super) fn step<R>(intent: Intent, act: impl FnOnce(Option<Turn<'_>>) -> (R, String)) -> R {
    let here = HERE.with_borrow(Clone::clone);
    match here {
        // A destructor while a panic unwinds: the run is over, nobody waits for its steps.
        Some((execution, me)) if !thread::panicking() => execution.step(me, intent, act),
        _ => act(None).0,
    }
}

/// A step that nobody else can see, such as a call that takes a while: only others' steps fit in before it.
pub fn pause(what: &str) {
    step(Intent { verb: "call", object: what.into(), needs: Needs::Nothing }, |_| ((), String::new()));
}

/// Goes on only when another thread has written or unlocked something: what a loop that spins must call, as it
/// would never end otherwise. A loop that *locks* to look lets two such loops wake each other for ever; let it load.
pub fn yield_now() {
    let done =
        HERE.with_borrow(|here| here.as_ref().map_or(0, |(execution, _)| execution.lock().steps.len()));
    let intent = Intent { verb: "yield", object: "".into(), needs: Needs::Others(done) };
    step(intent, |_| ((), String::new()));
}

/// A panic in a modelled thread is a result, not a mishap that stderr should tell of.
fn silence_modelled_threads() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !HERE.try_with(|here| here.borrow().is_some()).unwrap_or(false) {
                before(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned())
}
