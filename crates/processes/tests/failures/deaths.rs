//! Workers are killed at each point of their loop and while they start: nothing is lost, and what ends all is poison.

use std::{
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use processes::{Program, process_static, worker::Point};
use testkit::{FaultPlan, trials::scene};
use workload::{RunError, Timeline, sequential};

use crate::{
    FORMS,
    support::{Numbers, Special},
    two,
};

/// This program with these faults, and a count of how often it was started.
fn with_faults(plan: FaultPlan) -> (Program, Arc<AtomicUsize>) {
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let program = Program::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let mut command = Command::new("/proc/self/exe");
        plan.apply(&mut command);
        command
    });
    (program, started)
}

/// Both mechanisms, dynamic also with single pieces, on workers of which `deaths` die, each at its first passage of
/// `point`. Each gives the sequential answer, and all the deaths did happen.
fn lose_nothing(point: Point, deaths: usize, work: &Numbers) {
    let expected = sequential(work, &Timeline::off()).unwrap();
    for (name, run) in FORMS {
        let struck = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
        // The first rule strikes in the first process that passes, the second one in another, and so on.
        let plan =
            (0..deaths).fold(FaultPlan::new().once_in(struck.path()), |plan, _| plan.kill(point.name(), 1));
        let (program, started) = with_faults(plan);
        let context = format!("{name}, {}", point.name());
        let answer = run(&program, work).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(answer == expected, "{context}: another answer");
        assert_eq!(fs::read_dir(struck.path()).unwrap().count(), deaths, "{context}: not all have died");
        let started = started.load(Ordering::Relaxed);
        // Who dies after its last answer needs no other in its place.
        let needed = if point == Point::AfterWrite { 2..=2 + deaths } else { 2 + deaths..=2 + deaths };
        assert!(needed.contains(&started), "{context}: {started} workers for {deaths} deaths");
    }
}

pub(crate) fn killed_at_each_point() {
    for point in Point::ALL {
        for deaths in [1, 2] {
            lose_nothing(point, deaths, &Numbers::plain(40));
        }
    }
}

pub(crate) fn large_parts_cut_in_half() {
    // Far more than a pipe holds: half of it stands here when its worker dies.
    let large = Special::Large(3 << 20);
    for point in [Point::MidWrite, Point::AfterWrite] {
        lose_nothing(point, 2, &Numbers::with(6, [(0, large), (3, large), (5, large)]));
    }
}

pub(crate) fn poison() {
    for point in Point::ALL {
        for (name, run) in FORMS {
            let (everyone, started) = with_faults(FaultPlan::new().kill(point.name(), 1));
            let context = format!("{name}, {}", point.name());
            match run(&everyone, &Numbers::plain(40)) {
                // The first order of one of the two: a share, or a single piece.
                Err(RunError::Poison { workload: "numbers", pieces, deaths }) => {
                    let firsts = if name == "static" { [0..20, 20..40] } else { [0..1, 1..2] };
                    assert!(firsts.contains(&pieces), "{context}: {pieces:?}");
                    assert_eq!(deaths.len(), 3, "{context}");
                    for how in deaths {
                        assert!(how.contains("signal 9 (SIGKILL"), "{context}: {how}");
                        let cut = how.contains("middle of a message");
                        assert_eq!(cut, point == Point::MidWrite, "{context}: {how}");
                    }
                    assert!((4..=6).contains(&started.load(Ordering::Relaxed)), "{context}: {started:?}");
                }
                // Each worker answers once before it dies, so there is an end.
                Ok(answer) => {
                    assert_eq!(point, Point::AfterWrite, "{context}");
                    assert_eq!(answer, (0..40).collect::<Vec<_>>(), "{context}");
                }
                other => panic!("{context}: {other:?}"),
            }
        }
    }
}

pub(crate) fn killed_while_it_starts() {
    // Of the first three workers, two at most stand in the same place.
    for doomed in [1, 3, usize::MAX] {
        for (name, run) in FORMS {
            let number = AtomicUsize::new(0);
            let program = Program::new(move || match number.fetch_add(1, Ordering::Relaxed) {
                first if first < doomed => scene("killed"),
                _ => Command::new("/proc/self/exe"),
            });
            match run(&program, &Numbers::plain(40)) {
                Ok(answer) => {
                    assert!(doomed <= 3 && answer == (0..40).collect::<Vec<_>>(), "{name}, {doomed}");
                }
                Err(RunError::Poison { deaths, .. }) => {
                    assert!(doomed == usize::MAX && deaths.len() == 3, "{name}, {doomed}: {deaths:?}");
                    assert!(deaths[0].contains("signal 9") && deaths[0].contains("without a word"), "{name}");
                }
                other => panic!("{name}, {doomed}: {other:?}"),
            }
        }
    }
}

pub(crate) fn no_replacement() {
    for (name, run) in FORMS {
        let number = AtomicUsize::new(0);
        let plan = FaultPlan::new().kill(Point::MidWork.name(), 1);
        let program = Program::new(move || {
            let first = number.fetch_add(1, Ordering::Relaxed) < 2;
            let mut command = Command::new(if first { "/proc/self/exe" } else { "/no/such/program" });
            plan.apply(&mut command);
            command
        });
        match run(&program, &Numbers::plain(40)) {
            Err(RunError::Start { what, .. }) => assert!(what.ends_with(" of 2"), "{name}: {what}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

pub(crate) fn failures_are_not_tried_again() {
    for special in [Special::Fail, Special::Panic] {
        for (name, run) in FORMS {
            let (program, started) = with_faults(FaultPlan::new());
            let error = run(&program, &Numbers::with(40, [(17, special)])).unwrap_err();
            assert_eq!(error.piece(), Some(17), "{name}");
            assert_eq!(started.load(Ordering::Relaxed), 2, "{name}");
        }
    }
}

pub(crate) fn ending_piece() {
    for (special, words) in
        [(Special::Exit(0), "exited with code 0"), (Special::Exit(3), "code 3"), (Special::Abort, "SIGABRT")]
    {
        for (name, run) in FORMS {
            match run(&Program::this(), &Numbers::with(40, [(13, special)])) {
                Err(RunError::Poison { pieces, deaths, .. }) => {
                    assert!(pieces.contains(&13), "{name}: {pieces:?}");
                    assert!(name != "single" || pieces.len() == 1, "{name}: {pieces:?}");
                    assert!(deaths.len() == 3 && deaths.iter().all(|how| how.contains(words)), "{deaths:?}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    let text = process_static::with_program(
        &Program::this(),
        &Numbers::with(2, [(1, Special::Exit(3))]),
        two(),
        &Timeline::off(),
    );
    let text = text.unwrap_err().to_string();
    let all = ["exited with code 3"; 3].join("; ");
    assert_eq!(text, format!("numbers: piece 1 ended all 3 workers that tried: {all}"));
}
