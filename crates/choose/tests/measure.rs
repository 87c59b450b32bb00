//! Measuring with mechanisms made for the purpose: one that is right, one that lies, one that fails.

use std::time::Duration;

use choose::{
    dispatch,
    measure::{MeasureError, Scale, measure_workload},
    plan::Rounds,
    row::Shot,
};
use workload::{
    Empty, Fetch, Mechanism, Primes, RunError, Size, Timeline, Workers, Workload, fetch::Server, sequential,
};

fn named<W: Workload>(name: &'static str, run: workload::Run<W>) -> Mechanism<W> {
    Mechanism { name, concept: "test", about: "made for a test", file: file!(), run }
}

fn right<W: Workload>(work: &W, _: Workers, timeline: &Timeline) -> Result<W::Part, RunError> {
    sequential(work, timeline)
}

/// Leaves out the last piece.
fn lies(work: &Primes, _: Workers, timeline: &Timeline) -> Result<<Primes as Workload>::Part, RunError> {
    sequential(&Primes { below: work.below / 2, ..*work }, timeline)
}

fn fails<W: Workload>(_: &W, _: Workers, _: &Timeline) -> Result<W::Part, RunError> {
    Err(RunError::WorkerDied { worker: 1, pid: 77, how: "was killed by signal 9".to_owned(), unfinished: 3 })
}

fn scale(work: Primes, rounds: usize) -> Scale<Primes> {
    let workers = [1, 2].map(|count| Workers::new(count).unwrap()).to_vec();
    Scale { work, workers, rounds: Rounds::Exactly(rounds) }
}

#[test]
fn a_lie_and_a_failure_are_rows_of_their_own_and_the_others_go_on() {
    let mechanisms = [named("lies", lies), named("fails", fails), named("right", right)];
    let measured = measure_workload(&[scale(Primes::sized(Size::Test), 3)], &mechanisms, &|_| ()).unwrap();
    assert!(!measured.all_right());
    for workers in [1, 2] {
        let row = |name| measured.row(name, workers).unwrap();
        assert!(row("lies").error.as_ref().unwrap().starts_with("WRONG ANSWER"));
        assert!(row("fails").error.as_ref().unwrap().contains("killed by signal 9"));
        assert!(!row("lies").counts() && !row("fails").counts());
        assert_eq!(row("right").error, None);
        assert_eq!(row("right").shots.len(), 3);
        assert_eq!(row("right").answer["count"], 9592);
    }
}

#[test]
fn speedups_stand_against_the_sequential_run_of_the_same_round() {
    let measured =
        measure_workload(&[scale(Primes::sized(Size::Test), 2)], &[named("right", right)], &|_| ()).unwrap();
    let alone = measured.row("sequential", 1).unwrap();
    assert!(alone.shots.iter().all(|shot| shot.speedup() == 1.0 && shot.share() == 1.0));
    for workers in [1, 2] {
        let shots = &measured.row("right", workers).unwrap().shots;
        let against: Vec<f64> = shots.iter().map(|shot| shot.alone).collect();
        assert_eq!(against, alone.shots.iter().map(|shot| shot.seconds).collect::<Vec<_>>());
        assert!(shots.iter().all(|Shot { cpu, ceiling, .. }| *cpu >= 0.0 && *ceiling > 0.0));
    }
}

#[test]
fn work_that_cannot_be_done_at_all_is_an_error() {
    let none = scale(Primes { below: 100, pieces: 0 }, 1);
    let outcome = measure_workload(&[none], &[named("right", right)], &|_| ());
    assert!(matches!(outcome, Err(MeasureError::NothingToDo | MeasureError::Sequential(_))), "{outcome:?}");
}

#[test]
fn pieces_that_get_lost_on_the_way_have_no_cost() {
    let half =
        named("half", |work: &Empty, _, timeline| sequential(&Empty { pieces: work.pieces / 2 }, timeline));
    assert!(matches!(dispatch::cost(&half, Workers::ONE, 1), Err(RunError::Incomplete { .. })));
    assert!(dispatch::cost(&named("right", right), Workers::ONE, 1).unwrap() >= 0.0);
}

#[test]
fn work_that_waits_is_done_alone_once_to_warm_up_and_once_to_be_measured() {
    let server = Server::start(Duration::ZERO).unwrap();
    let work = Fetch::new(server.url(), 4);
    let scale = Scale { work, workers: vec![Workers::ONE], rounds: Rounds::Exactly(3) };
    let measured = measure_workload(&[scale], &[named("right", right)], &|_| ()).unwrap();
    // Of what is shown as one piece after the other there is one run, and three of the mechanism.
    assert_eq!(measured.row("sequential", 1).unwrap().shots.len(), 1);
    assert_eq!(server.requests(), 4 * (2 + 3));
}
