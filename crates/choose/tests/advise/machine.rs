//! Machines about which, for the moment, nothing can be said.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use choose::{
    advise::{Settings, advise_with},
    calibrate::Calibration,
};
use libtest_mimic::Failed;
use processes::parent_death::die_with_parent;

use crate::{
    Test, check, machine, only, quick,
    strange::{Habit, many, strange},
};

pub(crate) const TESTS: &[Test] = &[
    ("a_machine_whose_cores_give_nothing_is_told", a_machine_whose_cores_give_nothing_is_told),
    ("others_on_the_cores_are_told", others_on_the_cores_are_told),
    ("what_is_known_of_the_machine_is_used_again", what_is_known_of_the_machine_is_used_again),
];

fn a_machine_whose_cores_give_nothing_is_told() -> Result<(), Failed> {
    let calibration = Some(Calibration { gains: vec![1.0, 1.05], ..machine() });
    let advice = advise_with(strange(Habit::Counts), &Settings { calibration, ..quick() })?;
    check(advice.to_string().contains("too busy to say anything about several cores"), advice)
}

fn what_is_known_of_the_machine_is_used_again() -> Result<(), Failed> {
    let calibration = Calibration { thread: 12.5, ..machine() };
    let settings = Settings { calibration: Some(calibration.clone()), ..quick() };
    let advice = advise_with(strange(Habit::Counts), &settings)?;
    check(
        advice.calibration == calibration && advice.to_string().contains("a thread starts in 12.50 s"),
        advice,
    )
}

/// Processes that compute for nobody, on all cores, until this goes away.
struct Burners(Vec<Child>);

impl Burners {
    fn start() -> Result<Self, Failed> {
        let mut all = Self(Vec::new());
        for _ in 0..thread::available_parallelism()?.get() {
            let mut command = Command::new("/proc/self/exe");
            let child = die_with_parent(command.arg(BURNS).stdout(Stdio::piped())).spawn()?;
            all.0.push(child);
        }
        for child in &mut all.0 {
            let stdout = child.stdout.take().ok_or("a pipe")?;
            let said = BufReader::new(stdout).lines().next().ok_or("it says that it burns")??;
            check(said == BURNS, said)?;
        }
        Ok(all)
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may be gone by itself; then there is nothing to end.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) const BURNS: &str = "burns";

pub(crate) fn burn() {
    println!("{BURNS}");
    loop {
        std::hint::spin_loop();
    }
}

fn others_on_the_cores_are_told() -> Result<(), Failed> {
    let settings = only(&["dynamic"]);
    let burners = Burners::start()?;
    // They leave the cores to it for as long as it waits, which is nearly always.
    let advice = advise_with(many(Habit::Waits, 40), &settings);
    drop(burners);
    let advice = advice?;
    let disturbed = advice.foreseen.as_ref().is_some_and(|found| found.disturbed);
    check(disturbed && advice.to_string().contains("Other processes used the cores"), advice)
}
