//! A test program with a `main` of its own, which plays other programs too, and whose trials leave nothing behind.
//!
//! That is what tests of workers and peers need (`harness = false`): the other program is this one, so `main` first
//! asks whether a [`part`] is to be played, and only then runs its trials, each [`guarded`], [`one_at_a_time`].

use std::{env, process::Command, time::Duration};

use libtest_mimic::{Arguments, Trial};

use crate::LeakGuard;

/// Passing it means "hangs": far above what any part or trial takes on the slowest machine.
pub const LIMIT: Duration = Duration::from_secs(60);

/// How the first argument of a program begins that is to play a part; the part's name follows.
pub const PART: &str = "scene-";

/// This program, to play the part `name`. It may be given more arguments, which begin at the second.
pub fn scene(name: &str) -> Command {
    // The very file that runs, whatever has been put in its place.
    let mut command = Command::new("/proc/self/exe");
    command.arg(format!("{PART}{name}"));
    command
}

/// The part that this program was started to play by [`scene`], or nothing: then it is the test.
pub fn part() -> Option<String> {
    env::args().nth(1)?.strip_prefix(PART).map(str::to_owned)
}

/// A trial that fails if `test` panics, or if anything is left behind that a [`LeakGuard`] of `prefix` sees.
///
/// What it sees is the whole process's: see [`one_at_a_time`].
pub fn guarded(prefix: &'static str, name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new(prefix);
        test();
        Ok(guard.check()?)
    })
}

/// Runs `trials` as the arguments say, which are those of any test program, and ends this program.
///
/// One at a time: what a trial leaves behind is looked for in the whole process.
pub fn one_at_a_time(trials: Vec<Trial>) -> ! {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit()
}
