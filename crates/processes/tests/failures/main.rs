//! Whatever happens to a worker, the caller gets the right answer or a clear error, and nothing is left: no process,
//! no zombie, no descriptor.

mod deaths;
mod hostile;
mod pieces;
mod programs;
mod scenes;
#[path = "../support/mod.rs"]
mod support;

use std::{sync::OnceLock, time::Duration};

use libtest_mimic::Trial;
use processes::{
    Program,
    process_dynamic::{self, Chunks},
    process_static,
    worker::{self, Point},
};
use testkit::{
    Faults,
    trials::{self, guarded},
};
use workload::{RunError, Timeline, Workers};

use scenes::play;
use support::Numbers;

fn main() {
    // A scene is another program: this one, playing a part that would end or spoil the tests' own process.
    if let Some(part) = trials::part() {
        return play(&part);
    }
    worker::enter_watched(&[worker::job::<Numbers>()], Some(planned_faults));
    let _hang = testkit::watchdog(Duration::from_secs(300));
    let trials = vec![
        trial("killed_at_each_point_nothing_is_lost", deaths::killed_at_each_point),
        trial("large_parts_cut_in_half_nothing_is_lost", deaths::large_parts_cut_in_half),
        trial("killed_while_it_starts_nothing_is_lost", deaths::killed_while_it_starts),
        trial("pieces_that_kill_all_are_poison", deaths::poison),
        trial("a_worker_that_cannot_be_replaced_is_an_error", deaths::no_replacement),
        trial("failures_are_not_tried_again", deaths::failures_are_not_tried_again),
        trial("a_failing_piece_has_its_index", pieces::failing_piece),
        trial("behind_a_failing_piece_nothing_is_done", pieces::first_of_two),
        trial("a_piece_that_ends_its_worker_is_poison", deaths::ending_piece),
        trial("a_hung_worker_does_not_outlive_the_failure_of_another", pieces::hung_and_failed),
        trial("a_killed_caller_leaves_no_worker", programs::killed_caller),
        trial("a_program_without_the_line_is_named", programs::without_the_line),
        trial("a_program_without_the_line_does_not_multiply", programs::no_fork_bomb),
        trial("an_unknown_job_is_named", programs::unknown_job),
        trial("a_hostile_worker_is_a_protocol_error", hostile::hostile),
        trial("no_descriptors_left", programs::no_descriptors),
        trial("a_program_that_is_not_there", programs::not_there),
        trial("a_part_that_is_too_long", pieces::too_long),
        trial("panics_are_not_printed_by_workers", pieces::silent_panics),
        trial("a_deleted_program_still_starts_workers", programs::deleted),
    ];
    trials::one_at_a_time(trials);
}

fn planned_faults(point: Point) {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults::from_env().expect("a plan that can be read")).at(point.name());
}

fn trial(name: &str, test: fn()) -> Trial {
    guarded("processes-test", name, test)
}

pub(crate) fn two() -> Workers {
    Workers::new(2).unwrap()
}

/// Static and dynamic, on `program`.
pub(crate) fn both(program: &Program, work: &Numbers) -> [Result<Vec<u64>, RunError>; 2] {
    let timeline = Timeline::off();
    [
        process_static::with_program(program, work, two(), &timeline),
        process_dynamic::with_program(program, Chunks::Measured, work, two(), &timeline),
    ]
}

type Form = fn(&Program, &Numbers) -> Result<Vec<u64>, RunError>;

/// The mechanisms, with their chunks.
pub(crate) const FORMS: [(&str, Form); 3] = [
    ("static", |program, work| process_static::with_program(program, work, two(), &Timeline::off())),
    ("dynamic", |program, work| {
        process_dynamic::with_program(program, Chunks::Measured, work, two(), &Timeline::off())
    }),
    ("single", |program, work| {
        process_dynamic::with_program(program, Chunks::Single, work, two(), &Timeline::off())
    }),
];
