//! Whatever carries the messages, however many workers there are, and whoever is killed when: the answer is the sequential
//! one, and nothing is left: no process, no descriptor, no socket, no directory.
//!
//! A short form runs with the other tests; `just chaos` runs the full one. What is random comes from a seed, which a failure
//! names.

#[path = "../alone/mod.rs"]
mod alone;
mod answers;
mod kills;

use std::{env, time::Duration};

use answers::{failures, for_all, knock, no_worker, poison, strangers};
use contract::Usual;
use ipc::mechanisms::{self, JOBS, job};
use kills::{caller, die_as_planned, killed_caller, named_points, random_moments};
use libtest_mimic::Trial;
use processes::worker;
use serde::{Deserialize, Serialize};
use testkit::trials::{self, guarded};
use workload::{Empty, Fetch, Mandelbrot, PieceError, Primes, Size, Words};

fn main() {
    mechanisms::watch(die_as_planned);
    worker::enter(&[JOBS.as_slice(), &[job::<Numbers>()]].concat());
    if trials::part().as_deref() == Some("caller") {
        return caller(&env::args().nth(2).unwrap());
    }
    alone::be_alone();
    let _hang = testkit::watchdog(Duration::from_secs(900));
    let trials = vec![
        trial("mandelbrot", || for_all(&Mandelbrot::sized(Size::Test), &[1, 2, 3, 8])),
        trial("words", || for_all(&Words::sized(Size::Test), &[1, 2, 3, 8])),
        trial("primes", || for_all(&Primes::sized(Size::Test), &[1, 2, 3, 8])),
        // Without a look at descriptors: the client that it is compared with keeps a connection of this process open.
        Trial::test("fetch", || {
            let (work, _server) = Fetch::local_sized(Size::Test).unwrap();
            for_all(&work, &[1, 2, 8]);
            Ok(())
        }),
        trial("empty", || for_all(&Empty { pieces: 1_000 }, &[1, 2])),
        trial("few_pieces_or_none", || {
            for pieces in [0, 1, 2, 7] {
                for_all(&Numbers::plain(pieces), &[1, 2, 3, 8]);
            }
        }),
        trial("many_pieces", || for_all(&Numbers::plain(10_000), &[1, 2, 8])),
        trial("long_parts", || for_all(&long(), &[1, 2, 3])),
        trial("a_piece_that_fails_or_panics_says_so", failures),
        trial("a_piece_that_kills_each_worker_is_reported", poison),
        trial("a_program_that_is_no_worker_is_reported", no_worker),
        trial("strangers_at_the_door_change_nothing", strangers),
        trial("killed_at_each_point", || named_points(&[1, 2])),
        trial("killed_at_random_moments", || random_moments(10)),
        trial("a_killed_caller_leaves_nothing", || killed_caller(2)),
        trial("in_full_killed_at_each_point", || named_points(&[1, 2, 3, 5, 8, 13])).with_ignored_flag(true),
        trial("in_full_killed_at_random_moments", || random_moments(170)).with_ignored_flag(true),
        trial("in_full_a_killed_caller_leaves_nothing", || killed_caller(30)).with_ignored_flag(true),
    ];
    trials::one_at_a_time(trials);
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    guarded("", name, test)
}

type Numbers = contract::Numbers<Special>;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Special {
    Usual(Usual),
    /// Knocks at all doors that can be seen, without a key.
    Knock,
}

impl contract::Special for Special {
    fn act(self, piece: usize) -> Result<Option<Vec<u64>>, PieceError> {
        match self {
            Special::Usual(usual) => usual.act(piece),
            Special::Knock => {
                knock();
                Ok(None)
            }
        }
    }
}

/// Parts that no buffer holds.
fn long() -> Numbers {
    let long = Special::Usual(Usual::Large(3 << 20));
    Numbers::with(40, [(0, long), (1, long), (5, long), (39, long)])
}
