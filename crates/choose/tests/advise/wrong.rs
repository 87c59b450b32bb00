//! Work on which there is no advice: which of its pieces is to blame, and why.

use std::{
    env,
    process::{Command, Stdio},
};

use choose::advise::{AdviseError, Settings, advise_with};
use libtest_mimic::Failed;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{
    Test, check, quick, quick_on_a_new_machine,
    strange::{Habit, Once, Strange, strange},
};

pub(crate) const TESTS: &[Test] = &[
    ("no_pieces", no_pieces),
    ("failures_and_panics_name_the_piece", failures_and_panics_name_the_piece),
    ("what_hangs_is_ended_and_named", what_hangs_is_ended_and_named),
    ("what_ends_its_process_is_named", what_ends_its_process_is_named),
    ("a_change_of_directory_is_found", a_change_of_directory_is_found),
    ("what_needs_more_memory_than_there_is_is_named", what_needs_more_memory_than_there_is_is_named),
    ("a_mechanism_that_is_none_is_told_with_those_that_are", a_mechanism_that_is_none),
    ("what_can_be_done_once_only_is_told", what_can_be_done_once_only_is_told),
];

/// None of these gets so far that the machine would have to be known.
fn error(habit: Habit) -> AdviseError {
    advise_with(strange(habit), &quick_on_a_new_machine()).expect_err("no advice is possible")
}

fn no_pieces() -> Result<(), Failed> {
    let outcome = advise_with(Strange { habit: Habit::Counts, pieces: 0, at: 0 }, &quick_on_a_new_machine());
    check(matches!(outcome, Err(AdviseError::NothingToDo)), format!("{outcome:?}"))?;
    let uncut = error(Habit::CannotBeCut).to_string();
    check(uncut.contains("no scissors"), uncut)
}

fn failures_and_panics_name_the_piece() -> Result<(), Failed> {
    let (failed, panicked) = (error(Habit::Fails).to_string(), error(Habit::Panics).to_string());
    check(failed.contains("piece 5: the input is broken"), failed)?;
    check(panicked.contains("piece 5 panicked: out of cheese"), panicked)
}

fn what_hangs_is_ended_and_named() -> Result<(), Failed> {
    let error = error(Habit::Hangs);
    check(matches!(error, AdviseError::Late { piece: 5, .. }), error)
}

fn what_ends_its_process_is_named() -> Result<(), Failed> {
    let last = "; the last that it said was: this cannot be";
    for (habit, part, end) in
        [(Habit::Aborts, "signal: 6", last), (Habit::Exits, "exit status: 7", "in piece 5")]
    {
        let error = error(habit);
        let named = matches!(&error, AdviseError::Died { piece: Some(5), how, .. } if how.contains(part));
        check(named && error.to_string().ends_with(end), error)?;
    }
    Ok(())
}

fn a_change_of_directory_is_found() -> Result<(), Failed> {
    let (before, error) = (env::current_dir()?, error(Habit::ChangesDirectory));
    check(matches!(error, AdviseError::Directory { piece: 5 }) && env::current_dir()? == before, error)
}

fn what_needs_more_memory_than_there_is_is_named() -> Result<(), Failed> {
    let mut asks = Command::new("/proc/self/exe");
    let output = asks.arg(ASKS).stderr(Stdio::null()).output()?;
    let said = String::from_utf8(output.stdout)?;
    check(output.status.success() && said.starts_with("piece 5 needs 4096 MiB of memory at once"), said)
}

pub(crate) const ASKS: &str = "asks-with-little-memory";

/// In a process that, like its children, may have a gibibyte of addresses.
pub(crate) fn ask_with_little_memory() {
    let limit = Some(1 << 30);
    setrlimit(Resource::As, Rlimit { current: limit, maximum: limit }).expect("less is always allowed");
    println!("{}", error(Habit::NeedsTooMuch));
}

fn a_mechanism_that_is_none() -> Result<(), Failed> {
    let settings = Settings { mechanisms: vec!["dynmaic".to_owned()], ..quick_on_a_new_machine() };
    let error = advise_with(strange(Habit::Counts), &settings).expect_err("there is none").to_string();
    check(error.contains("`dynmaic`; there are static, ") && error.contains(", dynamic, "), error)
}

fn what_can_be_done_once_only_is_told() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let error = advise_with(Once(directory.path().to_owned()), &quick()).expect_err("not twice");
    check(matches!(&error, AdviseError::NotAgain { how } if how.contains("signal: 6")), error)
}
