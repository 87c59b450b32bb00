//! The shared harness of the lessons about locks: a crowd of threads that all want one lock, and what came of it.

use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Runs its argument with a lock held.
pub(super) type Locked<'a> = &'a (dyn Fn(&mut dyn FnMut()) + Sync);

/// What a crowd has seen.
pub(super) struct Seen {
    /// How often each thread had the lock.
    pub(super) turns: Vec<u64>,
    /// Nanoseconds that each waited for it, turn by turn, of all threads.
    pub(super) waits: Vec<f64>,
    /// Whether a counter under the lock, raised by a load and a store, agrees: it does only if the lock excludes.
    pub(super) right: bool,
}

impl Seen {
    pub(super) fn total(&self) -> u64 {
        self.turns.iter().sum()
    }
}

/// Each of `threads` takes the lock `rounds` times.
pub(super) fn rounds(threads: usize, rounds: u64, locked: Locked) -> Seen {
    crowd(threads, locked, |turns| turns < rounds, |_| {})
}

/// Each of `threads` takes the lock over and over for `time`. A time and not a number of rounds: some locks take
/// minutes on a busy machine for what others do in milliseconds. It begins when each has had one turn.
pub(super) fn for_a_time(threads: usize, time: Duration, locked: Locked) -> Seen {
    let over = AtomicBool::new(false);
    crowd(
        threads,
        locked,
        |_| !over.load(Ordering::Relaxed),
        |begun| {
            while begun.load(Ordering::Relaxed) < threads {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(time);
            over.store(true, Ordering::Relaxed);
        },
    )
}

fn crowd(
    threads: usize,
    locked: Locked,
    go_on: impl Fn(u64) -> bool + Sync,
    meanwhile: impl FnOnce(&AtomicUsize),
) -> Seen {
    let (counter, begun, all_here) = (AtomicU64::new(0), AtomicUsize::new(0), Barrier::new(threads));
    let take_turns = || {
        let mut waits = Vec::new();
        all_here.wait();
        let mut turns = 0;
        while go_on(turns) {
            let asked = Instant::now();
            let mut waited = Duration::ZERO;
            locked(&mut || {
                waited = asked.elapsed();
                counter.store(black_box(counter.load(Ordering::Relaxed)) + 1, Ordering::Relaxed);
            });
            waits.push(waited.as_nanos() as f64);
            turns += 1;
            if turns == 1 {
                // The first to start would be alone for a while, and seem to be the favourite.
                begun.fetch_add(1, Ordering::Relaxed);
                while begun.load(Ordering::Relaxed) < threads {
                    thread::yield_now();
                }
            }
        }
        (turns, waits)
    };
    let each: Vec<(u64, Vec<f64>)> = thread::scope(|scope| {
        let crowd: Vec<_> = (0..threads).map(|_| scope.spawn(take_turns)).collect();
        meanwhile(&begun);
        let ends = crowd.into_iter().map(|thread| thread.join());
        ends.map(|end| end.unwrap_or_else(|payload| std::panic::resume_unwind(payload))).collect()
    });
    let turns: Vec<u64> = each.iter().map(|(turns, _)| *turns).collect();
    let right = counter.into_inner() == turns.iter().sum::<u64>();
    Seen { turns, waits: each.into_iter().flat_map(|(_, waits)| waits).collect(), right }
}
