//! What this machine is worth just now, in about two seconds: cores, waking, starting, memory, copying, limits.
//!
//! Cores are measured and not counted: two virtual cores may be two threads of one real core for minutes at a time,
//! and a limit on processor time lets all run at once and then none.

mod copy;
mod limits;
mod overhead;
mod start;

use std::fmt;

use lesson::measure;
use serde::Serialize;
use workload::{Empty, Mechanism};

pub use limits::Limits;

use crate::{predict::Costs, show};

/// What was found. Times in seconds, rates in bytes a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// What 1, 2, ... threads that only compute get done at once, in terms of what one does.
    pub gains: Vec<f64>,
    /// From waking a thread that sleeps until it runs.
    pub wake: f64,
    /// Starting a thread and joining it.
    pub thread: f64,
    /// Starting a process (this program, as a worker with nothing to do) and waiting for its end; `None` where this
    /// program cannot be a worker.
    pub process: Option<f64>,
    /// fork(2) of this process as it is, and the end of the child.
    pub fork: Option<f64>,
    /// Reading memory that no cache holds: one thread, and as many threads as there are cores.
    pub reading: [f64; 2],
    /// Copying through a pipe from one thread to another.
    pub pipe: Option<f64>,
    /// Copying into memory that processes share.
    pub shared: Option<f64>,
    /// What the system lets this process have.
    pub limits: Limits,
    /// What each mechanism costs beside the pieces.
    #[serde(skip)]
    pub costs: Vec<(&'static str, Costs)>,
    /// Mechanisms that are not possible here, and why.
    pub impossible: Vec<(&'static str, String)>,
}

/// Below this share of the cores a machine is busy with other things, or its cores are not real (1.7 of 2).
const QUIET: f64 = 0.85;
/// Below this nothing can be said that has to do with several cores.
const HOPELESS: f64 = 0.6;

/// Measures this machine and `mechanisms`. `tell` hears what comes next.
pub fn calibrate(mechanisms: &[Mechanism<Empty>], tell: &dyn Fn(&str)) -> Calibration {
    tell("what cores get done at once");
    let gains = gains();
    tell("waking and starting");
    let (wake, thread, fork) = (start::wake(), start::thread(), start::fork());
    tell("memory");
    let reading = copy::reading(gains.len());
    let (pipe, shared) = (copy::pipe_rate(), copy::shared_rate());
    let mut found = Calibration {
        gains,
        wake,
        thread,
        fork,
        reading,
        pipe,
        shared,
        limits: Limits::here(),
        ..Calibration::default()
    };
    for mechanism in mechanisms {
        tell(&format!("empty runs: {}", mechanism.name));
        match overhead::costs(mechanism, &found) {
            Ok(costs) => found.costs.push((mechanism.name, costs)),
            Err(error) => found.impossible.push((mechanism.name, error.to_string())),
        }
    }
    same_start(&mut found.costs, mechanisms);
    let processes = found.costs.iter().filter(|(name, _)| name.starts_with("process"));
    found.process = processes.map(|(_, costs)| costs.fixed + costs.serial + costs.parallel).reduce(f64::min);
    found
}

/// Mechanisms that start their threads in the same way (all but `rayon`, which has a library for it) start equally
/// fast: what differs is noise, of which there is least in the smallest.
fn same_start(costs: &mut [(&'static str, Costs)], mechanisms: &[Mechanism<Empty>]) {
    let alike = |name: &str| {
        name != "rayon" && mechanisms.iter().any(|one| one.name == name && one.concept == "threads")
    };
    let all: Vec<Costs> = costs.iter().filter(|(name, _)| alike(name)).map(|(_, costs)| *costs).collect();
    let start = |costs: &Costs| costs.fixed + 8.0 * costs.serial + costs.parallel;
    let Some(least) = all.into_iter().min_by(|a, b| start(a).total_cmp(&start(b))) else { return };
    for (_, costs) in costs.iter_mut().filter(|(name, _)| alike(name)) {
        (costs.fixed, costs.serial, costs.parallel) = (least.fixed, least.serial, least.parallel);
    }
}

/// What one, two, four, ... and all cores get done at once; those between on a straight line.
fn gains() -> Vec<f64> {
    let cores = measure::cores();
    let mut gains = vec![1.0];
    while gains.len() < cores {
        let (from, to) = (gains.len(), (2 * gains.len()).min(cores));
        // The best of three: others can only take away. Never more than there are, nor less than fewer get done.
        let most = (0..3).map(|_| measure::gain(to)).fold(0.0, f64::max).clamp(gains[from - 1], to as f64);
        let step = (most - gains[from - 1]) / (to - from) as f64;
        let before = gains[from - 1];
        gains.extend((1..=to - from).map(|place| before + step * place as f64));
    }
    gains
}

impl Calibration {
    /// What all cores get done at once: at best as much as their number.
    pub fn gain(&self) -> f64 {
        self.gains.last().copied().unwrap_or(1.0)
    }

    /// The same with cores measured anew: what they get done at once changes within minutes.
    pub fn refreshed(&self) -> Self {
        Self { gains: gains(), ..self.clone() }
    }

    /// What 1, 2, ... threads get done at once when all of them get `gain` done.
    pub(crate) fn gains_at(&self, gain: f64) -> Vec<f64> {
        let (then, cores) = (self.gain(), self.gains.len() as f64);
        let share = if then > 1.0 { (gain.clamp(1.0, cores) - 1.0) / (then - 1.0) } else { 1.0 };
        self.gains.iter().map(|one| 1.0 + (one - 1.0) * share).collect()
    }

    /// What to warn of: a machine that is not quiet. `None` on a quiet one.
    pub fn noise(&self) -> Option<String> {
        let (gain, cores) = (self.gain(), self.gains.len());
        if gain >= QUIET * cores as f64 {
            return None;
        }
        let what = format!("a pure kernel gains only {gain:.2} times on {cores} threads just now");
        Some(if gain < HOPELESS * cores as f64 {
            format!(
                "This machine is too busy to say anything about several cores: {what}. What follows about work that computes \
                 is what it gives at this moment; try again when nothing else runs."
            )
        } else {
            format!("This machine is not quiet: {what}. Predictions count with that.")
        })
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = show::seconds;
        let rate = |rate: f64| format!("{:.1} GB/s", rate / 1e9);
        let cores = self.gains.len();
        writeln!(
            f,
            "cores        {cores} that run at once, worth {:.2} (a pure kernel on {cores} threads)",
            self.gain()
        )?;
        writeln!(f, "limits       {}", self.limits)?;
        writeln!(f, "wake-up      {} until a sleeping thread runs", seconds(self.wake))?;
        writeln!(f, "start        thread {}", seconds(self.thread))?;
        if let Some(process) = self.process {
            writeln!(
                f,
                "             process {} ({:.0} threads' worth)",
                seconds(process),
                process / self.thread
            )?;
        }
        if let Some(fork) = self.fork {
            writeln!(f, "             fork of this process {}", seconds(fork))?;
        }
        let [one, all] = self.reading;
        write!(
            f,
            "memory       {} read by one thread, {} by {cores} ({:.2} times)",
            rate(one),
            rate(all),
            all / one
        )?;
        for (what, copied) in [("pipe", self.pipe), ("shared memory", self.shared)] {
            if let Some(copied) = copied {
                write!(f, "\ncopy         {} through {what}", rate(copied))?;
            }
        }
        for (name, why) in &self.impossible {
            write!(f, "\nnot here     {name}: {why}")?;
        }
        Ok(())
    }
}
