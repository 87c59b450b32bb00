//! Advice from made-up figures: a clear win, ties, noise, one core, work that waits.

use choose::{
    recommend::recommend,
    row::{Measured, Row, Shot},
};

/// A row whose runs took `seconds`, one a round, where the work alone takes a second.
fn row(mechanism: &'static str, workers: usize, ceiling: f64, seconds: &[f64]) -> Row {
    let mut row = Row::new(mechanism, workers, 200);
    row.shots = (seconds.iter().enumerate())
        .map(|(round, &seconds)| Shot { round, seconds, alone: 1.0, ceiling, cpu: 1.0 })
        .collect();
    row
}

fn measured(waits: bool, rows: Vec<Row>) -> Measured {
    let mut all = vec![row("sequential", 1, 1.0, &[1.0, 1.0, 1.0])];
    all.extend(rows);
    Measured { workload: "made-up", waits, rows: all, uneven: Some(1.7), traces: Vec::new() }
}

/// Steady rows of two workers, below a ceiling of 2.
fn steady(figures: &[(&'static str, f64)]) -> Measured {
    measured(false, figures.iter().map(|&(name, seconds)| row(name, 2, 2.0, &[seconds; 5])).collect())
}

/// Mechanism, workers and reason.
fn advice(measured: &Measured, cores: usize) -> (&'static str, usize, String) {
    let advice = recommend(measured, cores).expect("there are figures");
    (advice.mechanism, advice.workers, advice.why)
}

#[test]
fn a_clear_win_is_taken_however_complicated() {
    let (mechanism, workers, why) =
        advice(&steady(&[("rayon", 0.8), ("dynamic", 0.7), ("static", 0.9), ("process-dynamic", 0.51)]), 2);
    assert_eq!((mechanism, workers), ("process-dynamic", 2), "{why}");
    assert!(why.contains("Nothing else comes close"), "{why}");
    assert!(why.contains("static takes 1.8 times as long"), "{why}");
}

#[test]
fn of_equals_the_simplest_is_taken_whichever_is_ahead() {
    for (rayon, dynamic, pool) in [(0.52, 0.50, 0.51), (0.50, 0.52, 0.51), (0.51, 0.51, 0.50)] {
        let (mechanism, _, why) =
            advice(&steady(&[("pool", pool), ("dynamic", dynamic), ("rayon", rayon)]), 2);
        assert_eq!(mechanism, "dynamic", "{why}");
        assert!(why.contains("Within 8 % of it are"), "{why}");
    }
}

#[test]
fn what_a_static_split_loses_is_explained_by_its_uneven_shares() {
    let (_, _, why) = advice(&steady(&[("rayon", 0.52), ("static", 0.88)]), 2);
    assert!(
        why.contains("static takes 1.7 times as long, as equal numbers of pieces are not equal work"),
        "{why}"
    );
}

#[test]
fn the_first_sentence_says_what_it_takes_what_it_saves_and_how_much_of_what_was_possible() {
    let (_, _, why) = advice(&steady(&[("rayon", 0.625)]), 2);
    let said = "Take rayon with 2 workers: 625 ms instead of 1.00 s, 1.6 times as fast, and 80 % of what this machine gave";
    assert!(why.starts_with(said), "{why}");
}

#[test]
fn what_takes_more_processor_time_is_slow_for_that_reason() {
    let mut rows = steady(&[("rayon", 0.5), ("process-dynamic", 0.9)]);
    rows.rows[2].shots.iter_mut().for_each(|shot| shot.cpu = 3.0);
    let (_, _, why) = advice(&rows, 2);
    assert!(why.contains("takes 1.8 times as long, with 3.0 times the processor time"), "{why}");
    rows.rows[2].shots.iter_mut().for_each(|shot| shot.cpu = 0.5);
    let (_, _, why) = advice(&rows, 2);
    assert!(!why.contains("processor time"), "{why}");
}

#[test]
fn every_advice_is_two_sentences() {
    for measured in [steady(&[("rayon", 0.5), ("static", 0.9)]), steady(&[("pool", 0.99)]), steady(&[])] {
        let (_, _, why) = advice(&measured, 2);
        assert_eq!(why.matches(". ").count(), 1, "{why}");
        assert!(why.ends_with('.'), "{why}");
    }
}

#[test]
fn runs_too_far_apart_to_decide_are_told_and_the_simplest_is_taken() {
    let noisy = |name, shift: f64| row(name, 2, 2.0, &[0.5, 0.9 + shift, 0.55, 0.8, 0.6 - shift]);
    let (mechanism, _, why) = advice(
        &measured(false, vec![noisy("stealing", 0.05), noisy("dynamic", 0.0), noisy("pool", 0.02)]),
        2,
    );
    assert_eq!(mechanism, "dynamic");
    assert!(why.contains("too far apart"), "{why}");
}

#[test]
fn a_machine_that_drifts_between_rounds_hits_all_alike() {
    // By the clock these overlap; within each round one is 1.4 times as fast.
    let drift = [0.5, 0.9, 0.6, 0.8, 0.7];
    let drifting = |name, factor: f64| {
        let mut row = row(name, 2, 2.0, &drift.map(|seconds| seconds * factor));
        // The work alone takes longer in the same rounds.
        row.shots.iter_mut().zip(drift).for_each(|(shot, seconds)| shot.alone = 2.0 * seconds);
        row
    };
    assert_eq!(advice(&measured(false, vec![drifting("rayon", 1.4), drifting("pool", 1.0)]), 2).0, "pool");
}

#[test]
fn a_busy_machine_tells_only_large_differences() {
    let busy = |name, seconds| row(name, 2, 1.1, &[seconds; 5]);
    let (mechanism, _, why) = advice(&measured(false, vec![busy("rayon", 0.9), busy("pool", 0.6)]), 2);
    assert_eq!(mechanism, "rayon");
    assert!(why.contains("machine this busy"), "{why}");
    let mut rows = vec![busy("rayon", 1.5), busy("pool", 0.6)];
    assert_eq!(advice(&measured(false, rows.clone()), 2).0, "pool");
    // Three rounds are too few to say so.
    rows.iter_mut().for_each(|row| row.shots.truncate(3));
    assert_eq!(advice(&measured(false, rows), 2).0, "rayon");
}

#[test]
fn two_cores_that_share_one_do_not_make_it_pointless() {
    // By the clock next to nothing is gained, but it is all that there was to gain.
    let (mechanism, workers, why) = advice(&measured(false, vec![row("rayon", 2, 1.06, &[0.95; 5])]), 2);
    assert_eq!((mechanism, workers), ("rayon", 2));
    assert!(why.contains("a pure kernel gained 1.06 times"), "{why}");
}

#[test]
fn what_gains_nothing_is_not_taken() {
    let (mechanism, workers, why) = advice(&steady(&[("rayon", 0.97), ("dynamic", 0.95)]), 2);
    assert_eq!((mechanism, workers), ("sequential", 1));
    assert!(why.contains("not worth a second thread"), "{why}");
}

#[test]
fn one_core_concludes_nothing() {
    let (mechanism, _, why) = advice(&measured(false, vec![row("rayon", 1, 1.0, &[1.0; 5])]), 1);
    assert_eq!(mechanism, "sequential");
    assert!(why.contains("one core") && why.contains("cannot be concluded"), "{why}");
}

#[test]
fn work_that_waits_takes_many_workers_even_on_one_core() {
    let rows = vec![
        row("rayon", 64, 50.0, &[0.024; 3]),
        row("dynamic", 64, 50.0, &[0.022; 3]),
        row("rayon", 200, 200.0, &[0.0101; 5]),
        row("dynamic", 200, 200.0, &[0.0105; 5]),
        row("process-dynamic", 200, 200.0, &[0.05; 5]),
    ];
    for cores in [1, 2] {
        let (mechanism, workers, why) = advice(&measured(true, rows.clone()), cores);
        assert_eq!((mechanism, workers), ("dynamic", 200), "{why}");
        assert!(why.contains("with 64 workers it takes 22.0 ms"), "{why}");
    }
}

#[test]
fn as_few_workers_as_do() {
    let rows = vec![row("dynamic", 64, 50.0, &[0.0205; 5]), row("dynamic", 200, 200.0, &[0.02; 5])];
    assert_eq!(advice(&measured(true, rows), 2).1, 64);
}

#[test]
fn a_wrong_answer_is_never_taken() {
    let mut rows = vec![row("rayon", 2, 2.0, &[0.1; 5]), row("pool", 2, 2.0, &[0.5; 5])];
    rows[0].error = Some("WRONG ANSWER".to_owned());
    assert_eq!(advice(&measured(false, rows.clone()), 2).0, "pool");
    rows[1].error = Some("it died".to_owned());
    let (mechanism, _, why) = advice(&measured(false, rows), 2);
    assert_eq!(mechanism, "sequential");
    assert!(why.contains("2 of the other ways failed"), "{why}");
}

#[test]
fn without_any_figure_there_is_no_advice() {
    let mut none = measured(false, Vec::new());
    none.rows[0].error = Some("it failed".to_owned());
    assert_eq!(recommend(&none, 2), None);
}
