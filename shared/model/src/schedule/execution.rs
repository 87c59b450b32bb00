//! One run of a program under one schedule: a baton goes from thread to thread, and only its holder runs.

use std::{
    any::Any,
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError},
    thread,
};

use super::{
    Failure, Program, Step,
    choices::Choices,
    intent::{Intent, Needs},
    state::{Limits, Stage, State, Thread, Turn},
};

thread_local! {
    /// The run that the calling thread is modelled in, and which of its threads it is.
    static HERE: RefCell<Option<(Arc<Execution>, usize)>> = const { RefCell::new(None) };
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
