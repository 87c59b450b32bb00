//! Work on which there is advice: recorded, predicted, checked; with whatever is in the way left out and told.

use std::{thread, time::Duration};

use choose::{
    advise::{Advice, Settings, advise_with},
    foresee::Foreseen,
};
use libtest_mimic::Failed;

use crate::{
    Test, check, only, quick,
    strange::{Habit, Strange, Unreadable, many, strange},
};

pub(crate) const TESTS: &[Test] = &[
    ("every_mechanism_is_predicted_and_some_are_checked", every_mechanism_is_predicted),
    ("what_is_not_worth_a_thread_is_told", what_is_not_worth_a_thread_is_told),
    ("one_piece_cannot_be_shared", one_piece_cannot_be_shared),
    ("a_million_tiny_pieces_are_thinned_out_or_done", a_million_tiny_pieces_are_thinned_out_or_done),
    ("of_work_that_takes_long_some_pieces_are_looked_at", of_work_that_takes_long_some_pieces_are_looked_at),
    ("pieces_that_take_too_long_are_predicted_unchecked", pieces_that_take_too_long_are_predicted_unchecked),
    ("printing_does_no_harm", printing_does_no_harm),
    ("one_worker_s_memory_leaves_no_choice", one_worker_s_memory_leaves_no_choice),
    ("memory_bounds_what_is_predicted_and_run", memory_bounds_what_is_predicted_and_run),
    ("work_that_waits_is_tried_with_more_workers_than_cores", work_that_waits),
    ("a_mechanism_that_hangs_is_left_out_and_told", a_mechanism_that_hangs_is_left_out_and_told),
    ("a_mechanism_that_is_not_possible_is_left_out_and_told", a_mechanism_that_is_not_possible),
    ("a_lock_that_one_thread_never_meets_is_found_out", a_lock_is_found_out),
    ("what_cannot_be_recorded_is_measured", what_cannot_be_recorded_is_measured),
];

fn found(advice: &Advice) -> Result<&Foreseen, Failed> {
    advice.foreseen.as_ref().ok_or_else(|| format!("it was not foreseen: {advice}").into())
}

fn every_mechanism_is_predicted() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::Waits, 40), &quick())?;
    let (text, foreseen) = (advice.to_string(), found(&advice)?);
    let threads = ["static", "scoped", "dynamic", "pool", "stealing", "rayon"];
    for name in [&threads[..], &["process-static", "process-dynamic"]].concat() {
        check(foreseen.outlook.of(name, 4).is_some(), name)?;
    }
    // 40 times 3 ms.
    check(foreseen.recorded.count() == 40 && foreseen.outlook.alone >= 0.12, &text)?;
    check(!foreseen.checks.is_empty() && advice.measured.all_right(), &text)?;
    for one in &foreseen.checks {
        let row = advice.measured.row(one.mechanism, one.workers).ok_or("what is checked is measured")?;
        check(row.median(|shot| shot.seconds) == Some(one.measured_s), &text)?;
        check((one.measured_s / one.predicted_s - 1.0 - one.error).abs() < 1e-9, &text)?;
        check(one.kind.is_some() == (one.error.abs() > 0.15), &text)?;
    }
    for part in ["This machine: ", "This work: 40 pieces", "predicted", "measured", "Take "] {
        check(text.contains(part), &text)?;
    }
    let last = format!("many: {} x {}", advice.mechanism, advice.workers);
    check(text.ends_with(&last) || advice.file.is_none(), &text)
}

fn what_is_not_worth_a_thread_is_told() -> Result<(), Failed> {
    let advice = advise_with(strange(Habit::Counts), &quick())?;
    let text = advice.to_string();
    check(advice.mechanism == "sequential" && text.ends_with("A loop over the pieces is all it takes."), text)
}

fn one_piece_cannot_be_shared() -> Result<(), Failed> {
    let advice = advise_with(Strange { habit: Habit::Waits, pieces: 1, at: 0 }, &quick())?;
    check(advice.mechanism == "sequential" && advice.to_string().contains("one piece"), advice)
}

fn a_million_tiny_pieces_are_thinned_out_or_done() -> Result<(), Failed> {
    let settings = only(&["dynamic", "process-dynamic"]);
    let advice = advise_with(Strange { habit: Habit::Counts, pieces: 1_000_000, at: 0 }, &settings)?;
    check(advice.trace.pieces == 1_000_000 && advice.measured.all_right(), &advice)?;
    check(found(&advice)?.recorded.count() == 1_000_000_usize.div_ceil(advice.every), advice)
}

fn of_work_that_takes_long_some_pieces_are_looked_at() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::Waits, 640), &only(&["dynamic"]))?;
    // Two seconds at least, of which a quarter of one is to be done.
    let pieces = 640_usize.div_ceil(advice.every);
    check(advice.every >= 8 && advice.measured.rows.iter().all(|row| row.pieces == pieces), &advice)?;
    check(advice.to_string().contains(&format!("one piece of {}.", advice.every)), advice)
}

fn pieces_that_take_too_long_are_predicted_unchecked() -> Result<(), Failed> {
    // Six or so of the pieces; of sixteen there is no question.
    let settings = Settings { time: [Duration::from_millis(20), Duration::ZERO], ..only(&["dynamic"]) };
    let advice = advise_with(many(Habit::Waits, 100), &settings)?;
    let foreseen = found(&advice)?;
    check(foreseen.recorded.count() == 100 && foreseen.outlook.alone >= 0.3, &advice)?;
    check(foreseen.checks.is_empty() && advice.measured.rows.len() == 1, &advice)?;
    check(advice.mechanism == "dynamic" && advice.to_string().contains("was not checked"), advice)
}

fn printing_does_no_harm() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::Prints, 20), &only(&["dynamic", "process-dynamic"]))?;
    check(advice.measured.all_right() && advice.measured.rows.len() > 2, advice)
}

fn one_worker_s_memory_leaves_no_choice() -> Result<(), Failed> {
    let settings = Settings { memory: Some(100 << 20), ..quick() };
    let advice = advise_with(many(Habit::NeedsMemory, 4), &settings)?;
    let alone = advice.mechanism == "sequential" && advice.measured.rows.iter().all(|row| row.workers == 1);
    check(advice.trace.memory >= 60 << 20 && advice.room == 1 && alone, &advice)?;
    check(advice.to_string().contains("Memory bounds it"), advice)
}

fn memory_bounds_what_is_predicted_and_run() -> Result<(), Failed> {
    let settings = Settings { memory: Some(200 << 20), ..only(&["dynamic", "process-dynamic"]) };
    let advice = advise_with(many(Habit::NeedsMemory, 8), &settings)?;
    let most = advice.room;
    check((2..=3).contains(&most) && advice.workers <= most, &advice)?;
    let predicted = &found(&advice)?.outlook.all;
    check(predicted.iter().any(|one| one.workers == 2), &advice)?;
    check(predicted.iter().all(|one| one.workers <= most), &advice)?;
    check(advice.measured.rows.iter().all(|row| row.workers <= most), advice)
}

fn work_that_waits() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::Waits, 40), &only(&["dynamic"]))?;
    let most = advice.measured.rows.iter().map(|row| row.workers).max();
    check(advice.measured.waits && most > Some(thread::available_parallelism()?.get().min(39)), advice)
}

/// Whether `mechanism` is in the advice as one that failed, with `why`.
fn is_told(advice: &Advice, mechanism: &str, why: &str) -> bool {
    let told = format!("Left out: {mechanism} with ");
    let row = advice.measured.rows.iter().find(|row| row.mechanism == mechanism && row.error.is_some());
    row.and_then(|row| row.error.as_deref()).is_some_and(|error| error.contains(why))
        && advice.to_string().contains(&told)
        && advice.mechanism != mechanism
}

fn a_mechanism_that_hangs_is_left_out_and_told() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::HangsInCompany, 40), &only(&["scoped", "process-static"]))?;
    let others = advice.measured.rows.iter().any(|row| row.mechanism == "process-static" && row.counts());
    check(is_told(&advice, "scoped", "killed") && others && found(&advice).is_ok(), advice)?;
    // Also the one that had to be killed was waited for.
    crate::left_behind::nothing_is_left()
}

fn a_mechanism_that_is_not_possible() -> Result<(), Failed> {
    let advice = advise_with(Unreadable(40), &only(&["dynamic", "process-dynamic"]))?;
    let others = advice.measured.rows.iter().any(|row| row.mechanism == "dynamic" && row.counts());
    check(is_told(&advice, "process-dynamic", "worker") && others, advice)
}

fn a_lock_is_found_out() -> Result<(), Failed> {
    // Not too little of it, so that processes gain although they take long to start.
    let advice = advise_with(many(Habit::WaitsLocked, 100), &only(&["dynamic", "process-dynamic"]))?;
    let foreseen = found(&advice)?;
    let threads: Vec<_> = foreseen.checks.iter().filter(|one| one.mechanism == "dynamic").collect();
    // Predicted is what several could do at once, and one at a time is let in.
    let found_out = threads.iter().all(|one| one.error > 0.15 && one.kind.is_some());
    check(!threads.is_empty() && found_out, &advice)?;
    // Where others use the cores, what was measured has no say.
    check(foreseen.disturbed || advice.mechanism == "process-dynamic", advice)
}

fn what_cannot_be_recorded_is_measured() -> Result<(), Failed> {
    let advice = advise_with(many(Habit::DiesInThreads, 8), &only(&["scoped", "process-static"]))?;
    let others = advice.measured.rows.iter().any(|row| row.mechanism == "process-static" && row.counts());
    check(is_told(&advice, "scoped", "signal: 6") && others && advice.foreseen.is_none(), &advice)?;
    check(advice.to_string().contains("every mechanism was measured"), advice)
}
