//! Whatever the mechanism, the answer is the sequential one; and so is what is said when there is none.

mod support;

use support::Probe;
use threads::mechanisms::mechanisms;
use workload::{
    Mandelbrot, Mechanism, Primes, RunError, Size, Timeline, Words, Workers, Workload, sequential,
};

fn workers(count: usize) -> Workers {
    Workers::new(count).unwrap()
}

/// Runs `probe` and returns what the answer was and which pieces were done, as (piece, worker).
fn run(mechanism: &Mechanism<Probe>, probe: &Probe, count: usize) -> Result<String, RunError> {
    (mechanism.run)(probe, workers(count), &Timeline::off()).map(|part| part.text)
}

fn answers_as_sequential<W: Workload>(work: &W) {
    let expected = sequential(work, &Timeline::off()).unwrap();
    for mechanism in mechanisms::<W>() {
        for count in [1, 2, 3, 8] {
            let whole = (mechanism.run)(work, workers(count), &Timeline::off()).unwrap();
            assert!(whole == expected, "{} on {count} differs from sequential", mechanism.name);
        }
    }
}

#[test]
fn names_are_unique_and_files_are_there() {
    let mut names: Vec<&str> = mechanisms::<Probe>().iter().map(|mechanism| mechanism.name).collect();
    assert_eq!(names, ["static", "scoped", "dynamic", "pool", "stealing", "rayon"]);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 6);
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for mechanism in mechanisms::<Probe>() {
        assert!(top.join(mechanism.file).is_file(), "{}", mechanism.file);
        assert_eq!(mechanism.concept, "threads");
    }
}

#[test]
fn the_order_of_the_pieces_is_kept_for_any_number_of_them() {
    for pieces in [0, 1, 2, 3, 7, 8, 100, 1_000] {
        let expected: String = (0..pieces).map(|piece| format!("{piece},")).collect();
        for mechanism in mechanisms() {
            for count in 1..=8 {
                let probe = Probe { pieces, ..Probe::default() };
                let answer = run(&mechanism, &probe, count).unwrap();
                assert_eq!(answer, expected, "{} with {count} workers", mechanism.name);
                assert_eq!(probe.seen.counts().begun, pieces, "{} begins a piece twice", mechanism.name);
                assert_eq!(probe.seen.counts().alive, 0, "{} keeps a part", mechanism.name);
            }
        }
    }
}

#[test]
fn the_timeline_shows_each_piece_once_and_workers_that_exist() {
    for mechanism in mechanisms() {
        for (pieces, count) in [(50, 3), (2, 8)] {
            let timeline = Timeline::on();
            (mechanism.run)(&Probe { pieces, ..Probe::default() }, workers(count), &timeline).unwrap();
            let mut done: Vec<usize> = timeline.spans().iter().map(|span| span.piece).collect();
            done.sort_unstable();
            assert_eq!(done, (0..pieces).collect::<Vec<_>>(), "{}", mechanism.name);
            let most = count.min(pieces);
            assert!(timeline.spans().iter().all(|span| span.worker < most), "{}", mechanism.name);
        }
    }
}

#[test]
fn real_work_gives_the_sequential_answer() {
    answers_as_sequential(&Mandelbrot::sized(Size::Test));
    answers_as_sequential(&Primes::sized(Size::Test));
    answers_as_sequential(&Words::sized(Size::Test));
}

#[test]
fn an_error_comes_back_with_its_place_and_ends_the_others() {
    const PIECES: usize = 100_000;
    for mechanism in mechanisms() {
        for count in [1, 2, 4] {
            // The one that surely begins, whatever the order: every worker of `static` and `stealing` has another
            // first piece, and all wait for this one to fail.
            let probe = Probe { pieces: PIECES, errors: vec![0], ..Probe::default() };
            let error = run(&mechanism, &probe, count).unwrap_err();
            assert_eq!(error.to_string(), "probe: piece 0: told to fail", "{}", mechanism.name);
            let begun = probe.seen.counts().begun;
            // Not even what was dealt to one worker of four: the others did not just come to the end of theirs.
            assert!(begun < PIECES / 4, "{} with {count} workers goes on after an error", mechanism.name);
        }
    }
}

#[test]
fn alone_nothing_is_begun_after_an_error() {
    for mechanism in mechanisms() {
        let probe = Probe { pieces: 100, errors: vec![0, 1], ..Probe::default() };
        let error = run(&mechanism, &probe, 1).unwrap_err();
        assert_eq!((error.piece(), probe.seen.counts().begun), (Some(0), 1), "{}", mechanism.name);
    }
}

#[test]
fn of_many_errors_each_worker_makes_at_most_one_and_the_lowest_is_told() {
    const PIECES: usize = 200;
    for mechanism in mechanisms() {
        for count in 1..=4 {
            let timeline = Timeline::on();
            let probe = Probe { pieces: PIECES, errors: (0..PIECES).collect(), ..Probe::default() };
            let error = (mechanism.run)(&probe, workers(count), &timeline).unwrap_err();
            let lowest = timeline.spans().iter().map(|span| span.piece).min();
            assert_eq!(error.piece(), lowest, "{}", mechanism.name);
            assert!(timeline.spans().len() <= count, "{}: {:?}", mechanism.name, timeline.spans());
        }
    }
}

#[test]
fn a_panic_in_a_piece_is_an_error_like_any_other() {
    for mechanism in mechanisms() {
        for count in [1, 2, 4] {
            let probe = Probe { pieces: 1_000, panics: vec![0], ..Probe::default() };
            let error = run(&mechanism, &probe, count).unwrap_err();
            let told = "probe: piece 0 panicked: piece 0 was told to panic";
            assert_eq!(error.to_string(), told, "{}", mechanism.name);
            assert_eq!(probe.seen.counts().alive, 0, "{}", mechanism.name);
        }
    }
}

/// While one worker is held up at the first piece, the others do half of the rest: their parts must not pile up.
#[test]
fn parts_held_do_not_grow_with_the_number_of_pieces() {
    const PIECES: usize = 4_000;
    for count in [2, 4] {
        for mechanism in mechanisms() {
            let probe = Probe { pieces: PIECES, first_waits_for: PIECES / 2, ..Probe::default() };
            run(&mechanism, &probe, count).unwrap();
            let held = probe.seen.counts().most_alive;
            let (bound, why) = match mechanism.name {
                "static" => (2 * count, "the whole and the next, each"),
                "dynamic" => (4 * count, "in hand, joined with, and one for each gap"),
                "stealing" => (6 * count, "as before, and a gap for each steal under way"),
                "pool" => (8 * count, "batches under way, and one for each gap"),
                "rayon" => (32 * count, "one for each level of splitting"),
                // Dealt like cards: what one worker is ahead of another cannot be put together. It says so.
                "scoped" => {
                    assert!(held >= PIECES / 8, "the meter does not count: {held}");
                    continue;
                }
                other => panic!("how many parts may {other} hold?"),
            };
            assert!(held <= bound, "{} with {count} workers holds {held} > {bound} ({why})", mechanism.name);
        }
    }
}

#[test]
fn what_cannot_be_cut_is_told() {
    for mechanism in mechanisms() {
        let work = workload::Empty { pieces: usize::MAX };
        let error = (mechanism.run)(&work, Workers::ONE, &Timeline::off()).unwrap_err();
        assert!(matches!(error, RunError::Cut { workload: "empty", .. }), "{}: {error}", mechanism.name);
    }
}
