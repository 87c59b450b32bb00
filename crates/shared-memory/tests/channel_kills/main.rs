//! Processes are killed (SIGKILL) at every named point and at random moments while they use a ring, a queue, a snapshot: the
//! others get an error or go on, and no message that was accepted is lost, none comes twice, none is torn.
//!
//! A short form runs with the other tests; `just chaos` runs the full one, 1,000 kills of each kind. What is random comes
//! from a seed, which a failure names. The victims play scenes of the lessons.

mod mpmc;
mod ring;
mod seqlock;

use std::{hint::spin_loop, os::unix::process::ExitStatusExt, process::Command, time::Duration};

use shared_memory::{
    Memfd,
    peer::{Cast, Peer},
};

/// Nobody needs so long: who does, hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs `body` so often, each time with other random numbers.
fn times(kills: u64, name: &str, body: impl Fn(&mut Random, &str)) {
    let _hang = testkit::watchdog(Duration::from_secs(900));
    for seed in 1..=kills {
        body(&mut Random(seed.wrapping_mul(0x5851_f42d_4c95_7f2d)), &format!("{name}, seed {seed}"));
    }
    println!("{name}: {kills} kills");
}

/// A short and a full form of each kind.
macro_rules! kinds {
    ($($name:ident: $body:path;)*) => {
        $(
            #[test]
            fn $name() {
                times(6, stringify!($name), $body);
            }
        )*
        mod in_full {
            use super::*;
            $(
                #[test]
                #[ignore = "ten minutes, all of them together: `just chaos`"]
                fn $name() {
                    times(1_000, stringify!($name), $body);
                }
            )*
        }
    };
}

kinds! {
    ring_producer_at_named_points: ring::producer_named;
    ring_producer_at_random_moments: ring::producer_random;
    ring_consumer_at_named_points: ring::consumer_named;
    ring_consumer_at_random_moments: ring::consumer_random;
    queue_producer_at_named_points: mpmc::producer_named;
    queue_producer_at_random_moments: mpmc::producer_random;
    queue_consumer_at_named_points: mpmc::consumer_named;
    queue_consumer_at_random_moments: mpmc::consumer_random;
    snapshot_writer_at_named_points: seqlock::named;
    snapshot_writer_at_random_moments: seqlock::random;
}

/// This crate's program, playing a scene on this memory.
fn cast(scene: &str, memory: &Memfd) -> Cast {
    let program = Command::new(env!("CARGO_BIN_EXE_shared-memory"));
    Cast::program(program, &["--scene", scene]).with_memory(memory).unwrap()
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

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// Lets some time pass, so that the next step comes at any point of what another process does.
    fn dawdle(&mut self) {
        for _ in 0..self.below(20_000) {
            spin_loop();
        }
    }
}
