//! Processes are killed (SIGKILL) at every named point and at random moments while they use a lock, a semaphore, an event, a
//! condition, a barrier, a table: those who live go on, and what the lock guards is repaired.
//!
//! A short form runs with the other tests; `just chaos` runs the full one, 1,000 kills of each kind. What is random
//! comes from a seed, which a failure names.

#[path = "kills/ledger.rs"]
mod ledger;
#[path = "kills/locks.rs"]
mod locks;
#[path = "kills/sync.rs"]
mod sync;
#[path = "kills/table.rs"]
mod table;

use std::{env, os::unix::process::ExitStatusExt, process::Command, time::Duration};

use libtest_mimic::{Arguments, Failed, Trial};
use shared_memory::{
    Memfd,
    peer::{self, Cast, Peer},
};
use testkit::LeakGuard;

/// Nobody needs so long: who does, hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Kills for each kind, and seeds among which they are divided.
#[derive(Clone, Copy)]
struct Extent {
    seeds: u64,
    kills: u64,
}

const SHORT: Extent = Extent { seeds: 2, kills: 24 };
const FULL: Extent = Extent { seeds: 20, kills: 1_000 };

type Body = fn(&mut Random, u64);

fn main() {
    if let Some("victim" | "survivor") = env::args().nth(1).as_deref() {
        peer::leave_no_core();
        return match peer::word(0).as_deref() {
            Some("own" | "pthread") => locks::play(),
            Some("table") => table::play(),
            _ => sync::victim(),
        };
    }
    let _hang = testkit::watchdog(Duration::from_secs(900));
    let kinds: [(&str, Body); 10] = [
        ("own_lock_at_named_points", |random, kills| locks::named("own", random, kills)),
        ("own_lock_at_random_moments", |random, kills| locks::random("own", random, kills)),
        ("pthread_lock_at_named_points", |random, kills| locks::named("pthread", random, kills)),
        ("pthread_lock_at_random_moments", |random, kills| locks::random("pthread", random, kills)),
        ("semaphore", sync::semaphore),
        ("event", sync::event),
        ("condition", sync::condition),
        ("barrier", sync::barrier),
        ("table_at_named_points", table::named),
        ("table_at_random_moments", table::random),
    ];
    let short = kinds.map(|(name, body)| trial(name.into(), body, SHORT));
    let full = kinds.map(|(name, body)| trial(format!("in_full_{name}"), body, FULL).with_ignored_flag(true));
    // One at a time: what a test leaves behind is looked for in the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, short.into_iter().chain(full).collect()).exit();
}

fn trial(name: String, body: Body, extent: Extent) -> Trial {
    let told = name.clone();
    Trial::test(name, move || {
        let guard = LeakGuard::new("rust-");
        for seed in 1..=extent.seeds {
            eprintln!("{told}: seed {seed}");
            body(&mut Random(seed), extent.kills / extent.seeds);
        }
        println!("{told}: {} kills", extent.kills);
        guard.check().map_err(|left| Failed::from(left.to_string()))
    })
}

/// Another process on this memory, with these words.
fn cast(role: &str, memory: &Memfd, words: &[&str]) -> Cast {
    let program = Command::new(env::current_exe().unwrap());
    let cast = Cast::program(program, &[role]).with_memory(memory).unwrap();
    words.iter().fold(cast, |cast, word| cast.with_word(word))
}

/// It must end by SIGKILL, as planned.
fn must_die(victim: &mut Peer, told: &str) {
    let status = victim.end(LIMIT).unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(status.signal(), Some(9), "{told}: {status}");
}

/// Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014 (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % bound
    }
}
