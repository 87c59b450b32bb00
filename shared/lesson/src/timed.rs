//! Claims about time: ratios only, and only where the machine lets them be judged.

use std::{fmt, thread, time::Duration};

use crate::measure;

/// How far a ratio may go for its claim to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
}

impl Bound {
    /// Whether `ratio` keeps to it.
    pub fn holds(self, ratio: f64) -> bool {
        match self {
            Bound::AtLeast(least) => ratio >= least,
            Bound::AtMost(most) => ratio <= most,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(least) => write!(f, "at least {least}x"),
            Bound::AtMost(most) => write!(f, "at most {most}x"),
        }
    }
}

/// What came of measuring.
pub(crate) enum Judged<const N: usize> {
    /// Nothing can be said, and why.
    Skipped(String),
    /// The ratios; and those of a first try, if that one failed.
    Measured { ratios: [f64; N], first: Option<[f64; N]> },
}

/// The share of the full gain below which cores do not really run at once: 1.85 of 2.
const QUIET: f64 = 0.925;

/// The share of a core below which one thread is not alone on it.
const WHOLE: f64 = 0.9;

pub(crate) fn judge<const N: usize>(
    bounds: [Bound; N],
    cores: usize,
    mut measure: impl FnMut() -> [f64; N],
) -> Judged<N> {
    if let Err(why) = wait_for_quiet(cores) {
        return Judged::Skipped(why);
    }
    let all_hold = |ratios: &[f64; N]| bounds.iter().zip(ratios).all(|(bound, ratio)| bound.holds(*ratio));
    let first = measure();
    if all_hold(&first) {
        return Judged::Measured { ratios: first, first: None };
    }
    // Other work came in between, or the claim is wrong: a second try tells them apart.
    if let Err(why) = wait_for_quiet(cores) {
        return Judged::Skipped(why);
    }
    let ratios = measure();
    if !all_hold(&ratios)
        && let Err(why) = quiet(cores)
    {
        return Judged::Skipped(why);
    }
    Judged::Measured { ratios, first: Some(first) }
}

fn wait_for_quiet(cores: usize) -> Result<(), String> {
    let mut last = quiet(cores);
    for _ in 0..3 {
        if last.is_ok() || measure::cores() < cores {
            break;
        }
        thread::sleep(Duration::from_millis(100));
        last = quiet(cores);
    }
    last
}

fn quiet(cores: usize) -> Result<(), String> {
    if cores == 0 {
        return Ok(());
    }
    if cores == 1 {
        let share = measure::share();
        if share < WHOLE {
            return Err(format!("machine not quiet: a thread alone gets {:.0} % of its core", share * 100.0));
        }
        return Ok(());
    }
    let here = measure::cores();
    if here < cores {
        return Err(format!("it needs {cores} cores, and this machine gives {here}"));
    }
    let gain = measure::gain(cores);
    if gain < QUIET * cores as f64 {
        return Err(format!("machine not quiet: a pure kernel gains {gain:.2}x on {cores} threads"));
    }
    Ok(())
}
