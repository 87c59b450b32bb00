//! Faults at named points: a process dies halfway through a write because the test says so, not because of luck.
//!
//! Killing a worker at random 296 times never hit the moment when half of its reply was written; the named point hits
//! it every time. Code that is to be tested so takes a hook `impl Fn(&str)` and calls it where a fault would hurt.
//! In production the hook does nothing; in a test's worker it is [`Faults::at`].

use std::{
    env, fs, io,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use rustix::process::{Signal, getpid, kill_process};

use crate::TestkitError;

/// The variable a plan travels in: `point@nth=action`, joined by `;`. Example: `mid work@3=kill;before write=stop`.
pub const FAULTS: &str = "TESTKIT_FAULTS";

/// The variable that names a directory in which each fault leaves a token, so that it strikes in one process only.
pub const FAULTS_ONCE: &str = "TESTKIT_FAULTS_ONCE";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Kill,
    Stop,
    Panic,
    Hang,
    Exit(i32),
}

/// The faults planned for this process. Thread-safe: passages are counted over all threads.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Rule>,
    once_in: Option<PathBuf>,
}

#[derive(Debug)]
struct Rule {
    point: String,
    nth: u64,
    action: Action,
    passed: AtomicU64,
}

impl Faults {
    /// The plan in [`FAULTS`]; none when it is not set.
    ///
    /// # Errors
    /// [`Fault`](TestkitError::Fault) when it can not be read: a plan that is silently empty would let a test pass.
    pub fn from_env() -> Result<Self, TestkitError> {
        let mut faults = Self::parse(&env::var(FAULTS).unwrap_or_default())?;
        faults.once_in = env::var_os(FAULTS_ONCE).map(PathBuf::from);
        Ok(faults)
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn parse(plan: &str) -> Result<Self, TestkitError> {
        let rules =
            plan.split(';').filter(|rule| !rule.is_empty()).map(Rule::parse).collect::<Result<_, _>>()?;
        Ok(Self { rules, once_in: None })
    }

    /// Execution passes `point`: does what is planned for this passage, which mostly is nothing.
    ///
    /// # Panics
    /// Where the plan says `panic`, and when the token of [`FAULTS_ONCE`] can not be written.
    pub fn at(&self, point: &str) {
        for (index, rule) in self.rules.iter().enumerate() {
            let strikes = rule.point == point && rule.passed.fetch_add(1, Ordering::Relaxed) + 1 == rule.nth;
            if strikes && self.claims(index) {
                rule.action.strike(point);
            }
        }
    }

    /// Whether this process is the one in which the fault strikes.
    fn claims(&self, index: usize) -> bool {
        let Some(directory) = &self.once_in else { return true };
        let token = directory.join(format!("fault-{index}"));
        match fs::File::create_new(&token) {
            Ok(_) => true,
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => false,
            // Not "no fault then": the test would pass because nothing was tested.
            Err(why) => panic!("{}: {why}", token.display()),
        }
    }
}

impl Action {
    fn strike(self, point: &str) {
        match self {
            Self::Kill => signal_self(Signal::KILL),
            Self::Stop => signal_self(Signal::STOP),
            Self::Panic => panic!("fault planned at {point:?}"),
            Self::Hang => loop {
                thread::park(); // may wake without reason, hence the loop
            },
            Self::Exit(code) => process::exit(code),
        }
    }
}

fn signal_self(signal: Signal) {
    // One may always signal oneself (kill(2)), and neither of these two can be ignored.
    let _ = kill_process(getpid(), signal);
}

impl Rule {
    fn parse(rule: &str) -> Result<Self, TestkitError> {
        let wrong = |why: &str| TestkitError::Fault { rule: rule.to_owned(), why: why.to_owned() };
        let (place, action) = rule.split_once('=').ok_or_else(|| wrong("no ="))?;
        let (point, nth) = place.split_once('@').unwrap_or((place, "1"));
        let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(|| wrong("nth must be 1 or more"))?;
        let action = match action {
            "kill" => Action::Kill,
            "stop" => Action::Stop,
            "panic" => Action::Panic,
            "hang" => Action::Hang,
            other => {
                let code = other.strip_prefix("exit(").and_then(|rest| rest.strip_suffix(')'));
                Action::Exit(code.and_then(|code| code.parse().ok()).ok_or_else(|| wrong("unknown action"))?)
            }
        };
        Ok(Self { point: point.to_owned(), nth, action, passed: AtomicU64::new(0) })
    }
}
