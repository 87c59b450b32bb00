//! Runs one model under the world's checker, counts the executions itself, and fails if they are too few.

use std::{
    env, fmt,
    fs::File,
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{CHECKER, watch::Watch, world};

/// How far to explore one model.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "each world reads its own part of the plan")]
pub struct Explore {
    pub(crate) name: String,
    pub(crate) floor: u64,
    pub(crate) preemptions: Option<usize>,
    pub(crate) branches: usize,
    pub(crate) iterations: usize,
    pub(crate) small: bool,
    pub(crate) seed: u64,
}

impl Explore {
    /// A plan for the model `name` (such as `pool: future`): in loom all schedules with up to 3 preemptions, in
    /// shuttle 2,000 by each strategy. The variables `MODEL_ITERATIONS` and `MODEL_SEED` change shuttle's for
    /// one run.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            floor: 2,
            preemptions: Some(3),
            branches: 1_000,
            iterations: 2_000,
            small: false,
            seed: number("MODEL_SEED").unwrap_or(0x5eed),
        }
    }

    /// loom must complete at least this many executions, else the exploration fails: a checker that stops early
    /// reports success. Set it to about half of what the model takes today. Other worlds have floors of their
    /// own (shuttle what was asked for, std 1).
    pub fn floor(mut self, executions: u64) -> Self {
        self.floor = executions;
        self
    }

    /// loom: how often a schedule may take a thread off that could go on. Most bugs need 1 or 2.
    pub fn preemptions(mut self, bound: usize) -> Self {
        self.preemptions = Some(bound);
        self
    }

    /// loom: no bound on preemptions. For models of two threads and a few steps.
    pub fn exhaustive(mut self) -> Self {
        self.preemptions = None;
        self
    }

    /// loom: how many steps one execution may take before it counts as endless (1,000 unless told).
    pub fn branches(mut self, steps: usize) -> Self {
        self.branches = steps;
        self
    }

    /// shuttle: how many schedules by each strategy.
    pub fn iterations(mut self, each: usize) -> Self {
        self.iterations = each;
        self
    }

    /// shuttle: search depth first as well. For small models only, and never for one that spins: that search
    /// lets the spinner go on for ever and reports it as a failure.
    pub fn small(mut self) -> Self {
        self.small = true;
        self
    }
}

/// What was explored. Its `Display` is the line that [`explore`] prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explored {
    /// The model.
    pub name: String,
    /// `loom`, `shuttle` or `std`.
    pub checker: &'static str,
    /// Complete executions, each under a schedule of its own (shuttle may draw one twice).
    pub executions: u64,
    /// How the schedules were chosen.
    pub how: String,
}

impl fmt::Display for Explored {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, checker, executions, how } = self;
        let plural = if *executions == 1 { "" } else { "s" };
        write!(out, "model: {name}: {} schedule{plural} ({checker}: {how})", thousands(*executions))
    }
}

/// Runs `body` under the schedules that `plan` asks for and prints how many there were; with `MODEL_REPORT` set
/// to a path, also appends the line to that file.
///
/// # Panics
/// When a schedule makes `body` fail: an assertion, a deadlock, in loom also a data race or a leaked `Arc`. The
/// number of the execution is printed, by shuttle also the schedule (run again with `MODEL_REPLAY=<schedule>`).
/// And when fewer executions were complete than the floor. loom may abort the process instead, after a deadlock.
pub fn explore(plan: &Explore, body: impl Fn() + Send + Sync + 'static) -> Explored {
    let mut plan = plan.clone();
    plan.iterations = number("MODEL_ITERATIONS").map_or(plan.iterations, |each| each as usize);
    let (started, complete) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let how = {
        let (begun, done) = (Arc::clone(&started), Arc::clone(&complete));
        let _watch = Watch::begin(&plan.name, Arc::clone(&started));
        world::run(
            &plan,
            Arc::new(move || {
                begun.fetch_add(1, Ordering::Relaxed);
                body();
                done.fetch_add(1, Ordering::Relaxed);
            }),
        )
    };
    let explored = Explored {
        name: plan.name.clone(),
        checker: CHECKER,
        executions: complete.load(Ordering::Relaxed),
        how,
    };
    let floor = world::floor(&plan);
    assert!(explored.executions >= floor, "too few schedules, the floor is {floor}: {explored}");
    println!("{explored}");
    append(&explored);
    explored
}

fn append(explored: &Explored) {
    let Some(path) = env::var_os("MODEL_REPORT") else { return };
    let line = format!("{explored}\n");
    let outcome = File::options().create(true).append(true).open(&path);
    if let Err(why) = outcome.and_then(|mut file| file.write_all(line.as_bytes())) {
        panic!("MODEL_REPORT={}: {why}", path.display());
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a whole number")))
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
