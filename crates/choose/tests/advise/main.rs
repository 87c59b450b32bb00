//! Advice on work that does everything wrong, one thing at a time. No harness of the standard library's: the processes
//! that measure are this program, whose main has to begin with `choose::enter`.

mod foreseen;
mod left_behind;
mod machine;
mod strange;
mod wrong;

use std::{env, sync::OnceLock, time::Duration};

use choose::{
    advise::{Settings, advise_with, enter_any, kind},
    calibrate::Calibration,
};
use libtest_mimic::{Arguments, Failed, Trial};

use strange::{Habit, Many, Once, Strange, Unreadable, strange};

/// A test.
type Test = (&'static str, fn() -> Result<(), Failed>);

/// Little time for everything.
fn quick() -> Settings {
    Settings { calibration: Some(machine()), ..quick_on_a_new_machine() }
}

fn quick_on_a_new_machine() -> Settings {
    Settings {
        limit: Duration::from_secs(2),
        time: [Duration::from_secs(1), Duration::ZERO],
        ..Settings::default()
    }
}

/// This one, measured once for all tests: as somebody would who asks about several kinds of work.
fn machine() -> Calibration {
    static MACHINE: OnceLock<Calibration> = OnceLock::new();
    let find = || advise_with(strange(Habit::Counts), &quick_on_a_new_machine()).expect("advice").calibration;
    MACHINE.get_or_init(find).clone()
}

fn only(mechanisms: &[&str]) -> Settings {
    Settings { mechanisms: mechanisms.iter().map(|name| (*name).to_owned()).collect(), ..quick() }
}

fn check(holds: bool, what: impl std::fmt::Display) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(what.to_string().into()) }
}

/// What this program is told when it is to be somebody else.
const ROLES: [(&str, fn()); 3] = [
    (left_behind::ASKS, left_behind::ask_for_ever),
    (wrong::ASKS, wrong::ask_with_little_memory),
    (machine::BURNS, machine::burn),
];

fn main() {
    enter_any(&[kind::<Strange>(), kind::<Many>(), kind::<Unreadable>(), kind::<Once>()]);
    let role = env::args().nth(1);
    if let Some((_, play)) = ROLES.into_iter().find(|(name, _)| role.as_deref() == Some(name)) {
        return play();
    }
    let mut arguments = Arguments::from_args();
    // Each starts processes on all cores.
    arguments.test_threads.get_or_insert(2);
    let tests = [wrong::TESTS, foreseen::TESTS, machine::TESTS, left_behind::TESTS].concat();
    let trials = tests.into_iter().map(|(name, test)| Trial::test(name, test)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
