//! All schedules up to a bound, those with the fewest preemptions first, each exactly once.

use std::fmt;

use super::{Program, Schedule, choices::Choices, execution, state::Limits};

/// How far to search.
#[derive(Clone, Debug)]
pub struct Bounds {
    preemptions: usize,
    schedules: u64,
    spurious: usize,
    steps: usize,
    until_found: bool,
}

impl Bounds {
    /// All schedules there are, but not more than 50,000.
    pub fn all() -> Self {
        Self { preemptions: usize::MAX, schedules: 50_000, spurious: 0, steps: 500, until_found: false }
    }

    /// All schedules that take a thread off, while it could go on, at most this often.
    pub fn preemptions(most: usize) -> Self {
        Self { preemptions: most, ..Self::all() }
    }

    /// Not more schedules than this.
    pub fn schedules(mut self, most: u64) -> Self {
        self.schedules = most;
        self
    }

    /// In each schedule a condition variable may wake a thread for nothing this often. Each counts as a preemption.
    pub fn spurious(mut self, wakes: usize) -> Self {
        self.spurious = wakes;
        self
    }

    /// A run of more steps than this has failed: it is endless (500 unless told).
    pub fn steps(mut self, most: usize) -> Self {
        self.steps = most;
        self
    }

    /// Ends the search at a failure, once it is known that none with as few preemptions has fewer context
    /// switches. How many schedules there are in all, and how many fail, is then not known.
    pub fn until_found(mut self) -> Self {
        self.until_found = true;
        self
    }
}

/// How far a search came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every schedule that there is.
    All,
    /// Every schedule with at most this many preemptions.
    Preemptions(usize),
    /// Not all: it was ended by the bound on schedules, or by a failure.
    Some,
}

/// How many schedules were run, and how far that reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    /// Each ran once.
    pub schedules: u64,
    /// What they are all of.
    pub reach: Reach,
}

impl fmt::Display for Searched {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.schedules == 1 { "" } else { "s" };
        let counted = format!("{} schedule{plural}", self.schedules);
        match self.reach {
            Reach::All => write!(out, "all {counted}"),
            Reach::Preemptions(1) => write!(out, "all {counted} with at most 1 preemption"),
            Reach::Preemptions(most) => write!(out, "all {counted} with at most {most} preemptions"),
            Reach::Some => write!(out, "{counted} of more"),
        }
    }
}

/// What became of a search.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// At least one schedule fails.
    Found {
        /// Of those that fail, one with the fewest preemptions, and of these one with the fewest context switches.
        schedule: Box<Schedule>,
        /// How many schedules had run when the first failed.
        after: u64,
        /// How many fail.
        failing: u64,
        /// How many there are.
        searched: Searched,
    },
    /// None fails.
    None(Searched),
}

impl Outcome {
    /// How far the search came.
    pub fn searched(&self) -> Searched {
        match self {
            Outcome::Found { searched, .. } | Outcome::None(searched) => *searched,
        }
    }

    /// The schedule that fails, if one does.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Outcome::Found { schedule, .. } => Some(schedule),
            Outcome::None(_) => None,
        }
    }
}

/// Beginnings of schedules that are still to be run: at `[n]` those with n preemptions.
type Frontier = Vec<Vec<Vec<u8>>>;

/// Runs the program that `build` makes under every schedule within `bounds`; among those with equally many
/// preemptions in an order that comes from `seed`.
///
/// # Panics
/// If the program does not do the same under the same schedule (it looks at a clock, or at what an earlier run left
/// behind), or has no threads, or more than 16. And as `build` and the program's checks do.
pub fn explore(bounds: &Bounds, seed: u64, build: impl Fn(&mut Program)) -> Outcome {
    let limits = Limits { steps: bounds.steps, spurious: bounds.spurious };
    let mut random = Random(seed);
    // One schedule begins the search: nothing given, so no preemption.
    let mut frontier: Frontier = vec![vec![Vec::new()]];
    let (mut ran, mut failing, mut after, mut best) = (0, 0, 0, None::<Schedule>);
    let mut preemptions = 0;
    while preemptions < frontier.len() && preemptions <= bounds.preemptions && ran < bounds.schedules {
        if frontier[preemptions].is_empty() {
            if bounds.until_found && best.is_some() {
                break;
            }
            preemptions += 1;
            continue;
        }
        let next = random.below(frontier[preemptions].len());
        let given = frontier[preemptions].swap_remove(next);
        let mut program = Program::default();
        build(&mut program);
        let names = program.threads.iter().map(|(name, _)| name.clone()).collect();
        let run = execution::run(program, Choices::given(given), limits);
        ran += 1;
        for (at, option, cost) in run.choices.others {
            if frontier.len() <= cost {
                frontier.resize(cost + 1, Vec::new());
            }
            frontier[cost].push(run.choices.taken[..at].iter().copied().chain([option]).collect());
        }
        if let Some(failure) = run.failure {
            assert!(
                failure != super::Failure::Unrepeatable,
                "the program did something else under the same schedule"
            );
            failing += 1;
            if best.is_none() {
                after = ran;
            }
            let schedule = Schedule::new(names, run.steps, run.choices.cost, failure);
            if best.as_ref().is_none_or(|best| schedule.size() < best.size()) {
                best = Some(schedule);
            }
        }
    }
    let left = frontier.iter().position(|level| !level.is_empty());
    let reach = match left {
        None => Reach::All,
        Some(level) if level > bounds.preemptions => Reach::Preemptions(bounds.preemptions),
        Some(_) => Reach::Some,
    };
    let searched = Searched { schedules: ran, reach };
    match best {
        None => Outcome::None(searched),
        Some(mut schedule) => {
            let of = if reach == Reach::Some { String::new() } else { format!(" of {ran}") };
            let plural = if ran == 1 { "" } else { "s" };
            schedule.found = format!("found after {after}{of} schedule{plural}; seed {seed} repeats it");
            Outcome::Found { schedule: Box::new(schedule), after, failing, searched }
        }
    }
}

/// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }
}
