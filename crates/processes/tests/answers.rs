//! Whatever the mechanism and the number of workers, the answer is the sequential one and each piece is done once.

mod support;

use contract::{each_piece_once, same_as_sequential};
use libtest_mimic::{Arguments, Trial};
use processes::{Program, mechanisms, process_dynamic, worker};
use support::{Numbers, Special};
use workload::{Empty, Fetch, Mandelbrot, Primes, Size, Timeline, Words, Workers, Workload};

fn main() {
    worker::enter(&[
        worker::job::<Numbers>(),
        worker::job::<Empty>(),
        worker::job::<Mandelbrot>(),
        worker::job::<Primes>(),
        worker::job::<Words>(),
        worker::job::<Fetch>(),
    ]);
    let trials = vec![
        trial("mandelbrot", || for_all(&Mandelbrot::sized(Size::Test), &[1, 2, 3, 8])),
        trial("words", || for_all(&Words::sized(Size::Test), &[1, 2, 3, 8])),
        trial("primes", || for_all(&Primes::sized(Size::Test), &[1, 2, 3, 8])),
        trial("fetch", || {
            let (work, _server) = Fetch::local_sized(Size::Test).unwrap();
            for_all(&work, &[1, 2, 8]);
        }),
        trial("few_pieces_or_none", || {
            for pieces in [0, 1, 2, 7] {
                for_all(&Numbers::plain(pieces), &[1, 2, 3, 5, 8]);
            }
        }),
        trial("many_pieces", || for_all(&Numbers::plain(10_000), &[1, 2, 8])),
        trial("single_pieces", single_pieces),
        trial("large_parts", || {
            let large = Special::Large(3 << 20);
            for_all(&Numbers::with(9, [(0, large), (1, large), (5, large), (8, large)]), &[1, 2, 3]);
        }),
        trial("prints_do_not_reach_the_frames", || {
            for_all(&Numbers::with(6, [(0, Special::Print), (5, Special::Print)]), &[1, 2]);
        }),
        trial("runs_side_by_side", runs_side_by_side),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

fn for_all<W: Workload>(work: &W, workers: &[usize]) {
    same_as_sequential(work, &mechanisms(), workers);
}

fn single_pieces() {
    let (work, timeline) = (Numbers::plain(1_000), Timeline::on());
    let (this, two) = (Program::this(), Workers::new(2).unwrap());
    let answer =
        process_dynamic::with_program(&this, process_dynamic::Chunks::Single, &work, two, &timeline).unwrap();
    assert_eq!(answer, (0..1_000).collect::<Vec<u64>>());
    each_piece_once(&timeline, 1_000, 2);
    // One order and one answer a piece.
    assert_eq!(timeline.exchanges().len(), 1_000);
}

/// Workers of one pool must not hold open the pipes of another one: neither would see its end.
fn runs_side_by_side() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| for_all(&Numbers::plain(50), &[3]));
        }
    });
}
