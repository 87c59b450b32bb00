//! The explorer of schedules, against numbers that can be counted otherwise.

mod counting;
mod drawing;
mod locks;
mod runs;
mod wake_ups;

use model::schedule::{Atomic, Outcome, Program, Schedule, Searched};

/// Two threads that each add one to a count, and lose one if the other comes between.
fn two_increments(program: &mut Program) {
    let count = Atomic::new("count", 0);
    for name in ["A", "B"] {
        let count = count.clone();
        program.thread(name, move || {
            let seen = count.load();
            count.store(seen + 1);
        });
    }
    program.expect("count", 2, move || count.load());
}

fn found(outcome: Outcome) -> (Schedule, u64, u64, Searched) {
    match outcome {
        Outcome::Found { schedule, after, failing, searched } => (*schedule, after, failing, searched),
        Outcome::None(searched) => panic!("nothing found in {searched}"),
    }
}

fn none(outcome: Outcome) -> Searched {
    match outcome {
        Outcome::None(searched) => searched,
        Outcome::Found { schedule, .. } => panic!("\n{schedule}"),
    }
}

/// Threads that take `steps` steps each and never fail.
fn independent(threads: usize, steps: usize) -> impl Fn(&mut Program) {
    move |program| {
        for thread in 0..threads {
            let mine = Atomic::new("mine", 0);
            program.thread(thread.to_string(), move || (0..steps).for_each(|step| mine.store(step)));
        }
    }
}
