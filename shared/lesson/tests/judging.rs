//! What counts as held: not a search that was cut off, nor a bug that was not found, nor a ratio on the wrong side.

use std::{
    io::{self, Write},
    time::Duration,
};

use lesson::{Bound, Lesson, Story, python, search, tell};
use model::schedule::{Atomic, Bounds, Program};

const fn lesson(run: fn(&mut Story) -> lesson::Result) -> Lesson {
    Lesson { name: "one", question: "Does it?", python: &[], run, scenes: &[] }
}

/// What became of the claims, in order, and what was seen.
fn judged(run: fn(&mut Story) -> lesson::Result, args: &str) -> Vec<(Option<bool>, String)> {
    let mut out = Vec::new();
    let args = ["crate", "--json"].into_iter().chain(args.split_whitespace());
    tell("crate", &[lesson(run)], args, &mut out);
    let told: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let claims = told["claims"].as_array().unwrap();
    claims
        .iter()
        .map(|claim| (claim["holds"].as_bool(), claim["observed"].as_str().unwrap().to_owned()))
        .collect()
}

fn holds(run: fn(&mut Story) -> lesson::Result) -> Vec<Option<bool>> {
    judged(run, "").into_iter().map(|(holds, _)| holds).collect()
}

/// Two add one each; where that is two steps, an update can be lost, if one is taken off between them.
fn adds(program: &mut Program, in_one_step: bool) {
    let count = Atomic::new("count", 0);
    for name in ["A", "B"] {
        let count = count.clone();
        program.thread(name, move || {
            if in_one_step {
                count.fetch_add(1);
            } else {
                let seen = count.load();
                count.store(seen + 1);
            }
        });
    }
    program.expect("count", 2, move || count.load());
}

#[test]
fn only_all_schedules_are_a_proof() {
    let verdicts = holds(|story| {
        search::fixed(story, "in one step", &Bounds::all(), |program| adds(program, true));
        search::fixed(story, "up to a bound", &Bounds::preemptions(1), |program| adds(program, true));
        search::fixed(story, "the first of them", &Bounds::all().schedules(1), |program| adds(program, true));
        search::fixed(story, "in two steps", &Bounds::all(), |program| adds(program, false));
        Ok(())
    });
    assert_eq!(verdicts, [true, true, false, false].map(Some));
}

#[test]
fn a_bug_is_found_with_the_preemptions_that_it_needs_or_the_claim_fails() {
    let verdicts = holds(|story| {
        search::broken(story, "lost", "one is lost", 1, &Bounds::all(), |program| adds(program, false))?;
        search::broken(story, "lost", "with two", 2, &Bounds::all(), |program| adds(program, false))?;
        search::broken(story, "none", "there is none", 1, &Bounds::all(), |program| adds(program, true))?;
        Ok(())
    });
    assert_eq!(verdicts, [true, false, false].map(Some));
}

#[test]
fn a_ratio_has_to_lie_on_its_own_side_of_its_own_bound() {
    let verdicts = holds(|story| {
        story.timed("little", Bound::AtMost(2.0), 0, || 1.0);
        story.timed("not so little", Bound::AtMost(2.0), 0, || 3.0);
        let claims =
            [("much".to_owned(), Bound::AtLeast(2.0)), ("not so much".to_owned(), Bound::AtLeast(2.0))];
        story.timed_all(claims, 0, || [3.0, 1.0]);
        Ok(())
    });
    assert_eq!(verdicts, [true, false, true, false].map(Some));
}

#[test]
fn what_fails_is_measured_once_more_and_both_are_told() {
    let seen = judged(
        |story| {
            let mut tries = [1.0, 5.0].into_iter();
            story.timed("much", Bound::AtLeast(2.0), 0, || tries.next().unwrap_or(0.0));
            Ok(())
        },
        "",
    );
    assert_eq!(seen, [(Some(true), "5.00x (at the first try 1.00x)".to_owned())]);
}

#[test]
fn on_too_few_cores_nothing_is_measured() {
    let seen = judged(
        |story| {
            story.timed("much", Bound::AtLeast(2.0), 100_000, || panic!("nothing to measure here"));
            Ok(())
        },
        "",
    );
    assert!(seen[0].0.is_none() && seen[0].1.contains("needs 100000 cores"), "{seen:?}");
}

#[test]
fn options_reach_the_lesson() {
    let seen = judged(
        |story| {
            let given = format!("{} {} {}", story.workers(), story.seed(), story.is_timed());
            story.claim("options", "", given, true);
            Ok(())
        },
        "--workers 7 --seed 9 --untimed",
    );
    assert_eq!(seen[0].1, "7 9 false");
}

#[test]
fn python_that_takes_too_long_is_no_answer() {
    let why = python("while True: pass", Duration::from_millis(100)).unwrap_err();
    assert!(why.contains("took more than 0.1 s") || why.contains("cannot be run here"), "{why}");
}

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_cannot_be_written_is_no_success() {
    let fine = lesson(|story| {
        story.equal("one is one", 1, 1);
        Ok(())
    });
    assert_eq!(tell("crate", &[fine], ["crate"], &mut Full), 1);
}
