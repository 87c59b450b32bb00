//! Whatever happens, no process is left.

use std::{
    fs,
    io::{self, BufRead},
    process::{Command, Stdio},
    time::Duration,
};

use choose::advise::{Settings, advise_with};
use libtest_mimic::Failed;
use processes::ended::ended_within;

use crate::{
    Test, check, quick_on_a_new_machine,
    strange::{Habit, strange},
};

pub(crate) const TESTS: &[Test] = &[
    ("nothing_is_left_of_what_hangs", nothing_is_left_of_what_hangs),
    ("who_asks_and_is_killed_leaves_nobody", who_asks_and_is_killed_leaves_nobody),
];

fn nothing_is_left_of_what_hangs() -> Result<(), Failed> {
    let outcome = advise_with(strange(Habit::Hangs), &quick_on_a_new_machine());
    check(outcome.is_err(), "it hangs")?;
    nothing_is_left()
}

/// Of those that this thread has started (proc_tid_children(5)).
pub(crate) fn nothing_is_left() -> Result<(), Failed> {
    let thread = rustix::thread::gettid().as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/self/task/{thread}/children"))?;
    check(children.is_empty(), format!("left: {children}"))
}

fn who_asks_and_is_killed_leaves_nobody() -> Result<(), Failed> {
    // What a piece prints comes out on standard error.
    let mut asks = Command::new("/proc/self/exe").arg(ASKS).stderr(Stdio::piped()).spawn()?;
    let said = io::BufReader::new(asks.stderr.take().expect("a pipe"));
    let measures = said.lines().next().expect("a line")?.parse()?;
    check(!ended_within(measures, Duration::ZERO)?, "the process that measures hangs")?;
    asks.kill()?;
    asks.wait()?;
    check(ended_within(measures, Duration::from_secs(60))?, "the process that measures goes on")
}

pub(crate) const ASKS: &str = "asks-for-ever";

/// For advice on a piece that hangs, and has time for it.
pub(crate) fn ask_for_ever() {
    let limit = Duration::from_secs(10_000);
    let _ = advise_with(strange(Habit::SaysAndHangs), &Settings { limit, ..Settings::default() });
}
