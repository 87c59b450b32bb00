//! Whatever the mechanism, the number of workers, and whoever is killed when: the answer is the sequential one.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use contract::{Usual, each_piece_once, same_as_sequential};
use libtest_mimic::{Arguments, Trial};
use processes::{Program, worker};
use rustix::process::{Signal, getpid, kill_process};
use shared_memory::mechanisms::{self, JOBS, in_place, job, mechanisms, one_table, shared_ring};
use workload::{
    Empty, Fetch, Mandelbrot, Primes, RunError, Size, Timeline, Words, Workers, Workload, sequential,
};

fn main() {
    mechanisms::watch(die_here);
    worker::enter(&[JOBS.as_slice(), &[job::<Numbers>()]].concat());
    let trials = vec![
        trial("mandelbrot", || {
            let work = Mandelbrot::sized(Size::Test);
            same_as_sequential(&work, &mechanisms(), &[1, 2, 3, 8]);
            same_as_sequential(&work, &[mechanisms::in_place()], &[1, 2, 3, 8]);
        }),
        trial("words", || same_as_sequential(&Words::sized(Size::Test), &mechanisms(), &[1, 2, 3, 8])),
        trial("primes", || same_as_sequential(&Primes::sized(Size::Test), &mechanisms(), &[1, 2, 3, 8])),
        trial("empty", || same_as_sequential(&Empty { pieces: 1_000 }, &mechanisms(), &[1, 2])),
        trial("fetch", || {
            let (work, _server) = Fetch::local_sized(Size::Test).unwrap();
            same_as_sequential(&work, &mechanisms(), &[1, 2, 8]);
        }),
        trial("few_pieces_or_none", || {
            for pieces in [0, 1, 2, 7] {
                same_as_sequential(&Numbers::plain(pieces), &mechanisms(), &[1, 2, 3, 8]);
            }
        }),
        trial("many_pieces", || same_as_sequential(&Numbers::plain(10_000), &mechanisms(), &[1, 2, 8])),
        trial("parts_of_many_portions", || {
            let large = Usual::Large(3 << 20);
            same_as_sequential(
                &Numbers::with(9, [(0, large), (1, large), (5, large), (8, large)]),
                &mechanisms(),
                &[1, 2, 3],
            );
        }),
        trial("a_piece_that_fails_or_panics_says_so", failures),
        trial("a_piece_that_kills_each_worker_is_reported", poison),
        trial("killed_at_each_point_with_a_ring", killed_with_a_ring),
        trial("killed_at_each_point_in_place", killed_in_place),
        trial("killed_at_each_point_with_one_table", killed_with_one_table),
        trial("one_table", one_table_is_sequential),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

type Numbers = contract::Numbers<Usual>;

fn two() -> Workers {
    Workers::new(2).unwrap()
}

fn failures() {
    let fails = shared_ring::run(&Numbers::with(100, [(40, Usual::Fail)]), two(), &Timeline::off());
    assert_eq!(fails.unwrap_err().to_string(), "numbers: piece 40: 40 is bad");
    let panics = shared_ring::run(&Numbers::with(100, [(70, Usual::Panic)]), two(), &Timeline::off());
    assert_eq!(panics.unwrap_err().to_string(), "numbers: piece 70 panicked: 70 is worse");
}

fn poison() {
    let error = shared_ring::run(&Numbers::with(100, [(40, Usual::Kill)]), two(), &Timeline::off());
    let error = error.unwrap_err();
    assert!(
        matches!(&error, RunError::WorkerDied { how, .. } if how.matches("signal 9").count() == 3),
        "{error}"
    );
}

// ---- kills

/// In the environment of workers: which point, at which passage, and a file that the one makes who dies.
const DIE: &str = "SHARED_MEMORY_TEST_DIE";

fn die_here(point: &'static str) {
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let Ok(plan) = env::var(DIE) else { return };
    let (planned, rest) = plan.split_once(' ').unwrap();
    let (nth, token) = rest.split_once(' ').unwrap();
    if planned == point
        && PASSED.fetch_add(1, Relaxed) + 1 == nth.parse::<u32>().unwrap()
        && fs::File::create_new(token).is_ok()
    {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
}

/// Runs `test` with workers of which the first that gets there is killed at the `nth` passage of `point`.
fn killed_at(point: &str, nth: u32, test: impl FnOnce(&Program)) {
    static TOKENS: AtomicU32 = AtomicU32::new(0);
    let number = TOKENS.fetch_add(1, Relaxed);
    let token = env::temp_dir().join(format!("shared-memory-{}-{number}", process::id()));
    let guard = Token(token.clone());
    let plan = format!("{point} {nth} {}", token.display());
    let program = Program::new(move || {
        let mut command = Command::new("/proc/self/exe");
        command.env(DIE, &plan);
        command
    });
    test(&program);
    assert!(guard.0.exists(), "nobody was killed at passage {nth} of {point}");
}

/// Removes the file.
struct Token(PathBuf);

impl Drop for Token {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn killed_with_a_ring() {
    // Pieces in runs, parts in portions: each kind of half-done work.
    let work = Numbers::with(40, [(3, Usual::Large(2 << 20)), (30, Usual::Large(1 << 20))]);
    let expected = sequential(&work, &Timeline::off()).unwrap();
    for point in ["taken", "worked", "reserved", "published", "done"] {
        for nth in [1, 2, 3, 5, 9] {
            killed_at(point, nth, |program| {
                let timeline = Timeline::on();
                let answer = shared_ring::with_program(program, &work, Workers::ONE, &timeline).unwrap();
                assert!(answer == expected, "killed at passage {nth} of {point}");
                each_piece_once(&timeline, 40, 1);
            });
        }
    }
}

fn killed_in_place() {
    let work = Mandelbrot::sized(Size::Test);
    let expected = sequential(&work, &Timeline::off()).unwrap();
    for point in ["taken", "worked", "drawn", "done"] {
        for nth in [1, 2, 20] {
            killed_at(point, nth, |program| {
                let timeline = Timeline::on();
                let canvas = in_place::draw(program, &work, two(), &timeline).unwrap();
                let areas = work.pieces().unwrap();
                assert!(canvas.tiles(&areas).unwrap() == expected, "killed at passage {nth} of {point}");
                each_piece_once(&timeline, areas.len(), 2);
            });
        }
    }
}

fn words_of(counted: &one_table::Counted) -> Vec<(String, u64)> {
    let mut words = Vec::new();
    counted
        .table
        .for_each(|word, times| words.push((String::from_utf8(word.to_vec()).unwrap(), times)))
        .unwrap();
    words.sort();
    words
}

fn sequential_words(work: &Words) -> (Vec<(String, u64)>, u64) {
    let tally = sequential(work, &Timeline::off()).unwrap();
    let mut words = Vec::new();
    tally.counts.for_each(|word, times| words.push((word.to_owned(), times)));
    words.sort();
    (words, tally.files)
}

fn one_table_is_sequential() {
    let work = Words::sized(Size::Test);
    let expected = sequential_words(&work);
    for workers in [1, 2, 3, 8] {
        let timeline = Timeline::on();
        let workers = Workers::new(workers).unwrap();
        let counted = one_table::count(&Program::this(), &work, workers, 1 << 14, &timeline).unwrap();
        assert!((words_of(&counted), counted.read.files) == expected, "{workers:?}");
        assert_eq!(counted.again, 0);
        each_piece_once(&timeline, work.pieces().unwrap().len(), workers.get());
    }
    // Too small a table is begun again with a larger one.
    let counted = one_table::count(&Program::this(), &work, two(), 16, &Timeline::off()).unwrap();
    assert!((words_of(&counted), counted.read.files) == expected && counted.again > 0);
}

fn killed_with_one_table() {
    let work = Words::sized(Size::Test);
    let expected = sequential_words(&work);
    for (point, passages) in [
        ("taken", [1, 2, 4]),
        ("worked", [1, 2, 4]),
        ("written", [1, 2, 100]),
        ("published", [1, 2, 100]),
        ("added", [1, 2, 500]),
        ("done", [1, 2, 4]),
    ] {
        for nth in passages {
            killed_at(point, nth, |program| {
                let counted = one_table::count(program, &work, two(), 1 << 14, &Timeline::off()).unwrap();
                assert!(
                    (words_of(&counted), counted.read.files) == expected,
                    "killed at passage {nth} of {point}"
                );
            });
        }
    }
}
