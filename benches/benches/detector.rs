//! What does it cost to know who waits for whom? Locks that detect deadlocks against std's, in turn in each round, and
//! how long it takes to see a ring that closes while 1,000 threads stand.
//!
//! Whether `parking_lot` detects is decided when it is compiled, for all that is built with it. So its row is one or
//! the other: `cargo bench -p benches --bench detector --features parking-lot-detection` has it with. `tracing-mutex`
//! looks at orders of locking only, here without taking backtraces. `--load` after `--` adds 10 million operations of
//! 1,000 threads on 1,000 locks.

use std::{
    env,
    hint::black_box,
    sync::{self, Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use deadlock::detector::{Detector, LockError, Mutex, Recovery};
use lesson::measure::{Samples, ratio};
use tracing_mutex::stdsync::tracing;

/// How `parking_lot` was built.
const PARKING_LOT: &str = if cfg!(feature = "parking-lot-detection") {
    "parking_lot, detection on"
} else {
    "parking_lot, detection off"
};

/// A lock in cache lines of its own, so that none is slower for where it stands.
#[repr(align(128))]
struct InOneLine<T>(T);

/// Adds one under the lock, or under two.
type AddOne<'a> = &'a dyn Fn();

fn main() {
    // `cargo bench` hands over `--bench`; `--quick` after `--` is the one that counts here.
    let has = |wanted: &str| env::args().any(|argument| argument == wanted);
    let (rounds, turns) = if has("--quick") { (5, 100_000) } else { (15, 1_000_000) };
    one_lock(rounds, turns);
    two_nested(rounds, turns);
    for threads in [10, 1_000] {
        latency(threads, rounds);
    }
    if has("--load") {
        load(1_000, 1_000, 10_000_000);
    }
}

fn one_lock(rounds: usize, turns: usize) {
    let plain = InOneLine(sync::Mutex::new(0_u64));
    let ours = InOneLine(Mutex::new(0_u64));
    let parking = InOneLine(parking_lot::Mutex::new(0_u64));
    let traced = InOneLine(tracing::Mutex::new(0_u64));
    let locks: [(&str, AddOne); 4] = [
        ("std::sync::Mutex", &|| *plain.0.lock().expect("not poisoned") += 1),
        ("detector::Mutex", &|| *ours.0.lock().expect("not poisoned") += 1),
        (PARKING_LOT, &|| *parking.0.lock() += 1),
        ("tracing-mutex", &|| *traced.0.lock().expect("not poisoned") += 1),
    ];
    compare("one lock, uncontended", &locks, rounds, turns);
}

fn two_nested(rounds: usize, turns: usize) {
    let plain = [0; 2].map(|zero| InOneLine(sync::Mutex::new(zero)));
    let ours = [0; 2].map(|zero| InOneLine(Mutex::new(zero)));
    let parking = [0; 2].map(|zero| InOneLine(parking_lot::Mutex::new(zero)));
    let traced = [0; 2].map(|zero| InOneLine(tracing::Mutex::new(zero)));
    let locks: [(&str, AddOne); 4] = [
        ("std::sync::Mutex", &|| {
            let _outer = plain[0].0.lock().expect("not poisoned");
            *plain[1].0.lock().expect("not poisoned") += 1_u64;
        }),
        ("detector::Mutex", &|| {
            let _outer = ours[0].0.lock().expect("not poisoned");
            *ours[1].0.lock().expect("not poisoned") += 1_u64;
        }),
        (PARKING_LOT, &|| {
            let _outer = parking[0].0.lock();
            *parking[1].0.lock() += 1_u64;
        }),
        ("tracing-mutex", &|| {
            let _outer = traced[0].0.lock().expect("not poisoned");
            *traced[1].0.lock().expect("not poisoned") += 1_u64;
        }),
    ];
    compare("one lock inside another", &locks, rounds, turns);
}

fn compare(title: &str, locks: &[(&str, AddOne)], rounds: usize, turns: usize) {
    let mut samples = vec![Samples::default(); locks.len()];
    for _ in 0..rounds {
        for ((_, add_one), samples) in locks.iter().zip(&mut samples) {
            let start = Instant::now();
            for turn in 0..turns {
                black_box(turn);
                add_one();
            }
            samples.push(start.elapsed().as_nanos() as f64 / turns as f64);
        }
    }
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));
    table.load_style(style).set_header([title, "median ns", "quartiles", "times std's"]);
    for ((name, _), own) in locks.iter().zip(&samples) {
        table.add_row([
            (*name).to_owned(),
            format!("{:.1}", own.median()),
            format!("{:.1} to {:.1}", own.quantile(0.25), own.quantile(0.75)),
            format!("{:.2}x", 1.0 / ratio(&samples[0], own)),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{table}");
}

/// Each of `threads` holds a lock and waits for the next one's; then the ring is closed.
fn latency(threads: usize, rounds: usize) {
    let mut told = Vec::new();
    for _ in 0..rounds {
        told.push(close_a_ring(threads));
    }
    told.sort_unstable();
    let (median, worst) = (told[told.len() / 2], told[told.len() - 1]);
    println!(
        "\na ring of {threads} threads that stand: reported {median:.1?} after it closed, at worst {worst:.1?}"
    );
}

fn close_a_ring(threads: usize) -> Duration {
    let detector = Detector::new(Recovery::Break);
    let locks: Arc<Vec<Mutex<()>>> =
        Arc::new((0..=threads).map(|lock| detector.mutex(lock.to_string(), ())).collect());
    let all_hold = Arc::new(Barrier::new(threads + 1));
    let standing: Vec<_> = (1..=threads)
        .map(|own| {
            let (locks, all_hold) = (Arc::clone(&locks), Arc::clone(&all_hold));
            detector.spawn(own.to_string(), move || {
                let _own = locks[own].lock().expect("it is free");
                all_hold.wait();
                drop(locks[own - 1].lock().expect("this closes nothing"));
            })
        })
        .collect();
    let first = locks[0].lock().expect("it is free");
    all_hold.wait();
    while detector.waiting().len() < threads {
        thread::yield_now();
    }
    let start = Instant::now();
    let Err(LockError::WouldDeadlock(report)) = locks[threads].lock() else { panic!("a ring was closed") };
    let took = start.elapsed();
    assert_eq!(report.threads().len(), threads + 1);
    assert!(report.is_cycle());
    drop(first);
    for thread in standing {
        thread.join().expect("the ring was broken");
    }
    took
}

/// All threads at once on all locks, up to three held, always in the same order: no alarm may be raised.
fn load(threads: usize, locks: usize, operations: usize) {
    let detector = Detector::new(Recovery::Break);
    let table: Arc<Vec<Mutex<u64>>> =
        Arc::new((0..locks).map(|lock| detector.mutex(lock.to_string(), 0)).collect());
    let before = resident();
    let start = Instant::now();
    let each = operations / threads / 3;
    let running: Vec<_> = (0..threads)
        .map(|seed| {
            let table = Arc::clone(&table);
            detector.spawn(seed.to_string(), move || {
                let mut random = seed as u64;
                for _ in 0..each {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    // Neighbours: the orders that can be seen are limited, as in a program.
                    let at = (random >> 33) as usize % (table.len() - 2);
                    let mut first = table[at].lock().expect("no alarm");
                    let mut second = table[at + 1].lock().expect("no alarm");
                    *table[at + 2].lock().expect("no alarm") += 1;
                    (*first, *second) = (*first + 1, *second + 1);
                }
            })
        })
        .collect();
    for thread in running {
        thread.join().expect("no alarm");
    }
    let took = start.elapsed();
    let total: u64 = table.iter().map(|lock| *lock.lock().expect("no alarm")).sum();
    assert_eq!(total as usize, each * threads * 3, "no turn was lost");
    assert!(detector.reports().is_empty() && detector.potential().is_empty(), "a false alarm");
    println!(
        "\nload: {total} operations of {threads} threads on {locks} locks in {took:.1?}, no alarm; memory grew by {} \
         KiB",
        resident().saturating_sub(before)
    );
}

/// The memory of this process that is in use, in KiB; 0 where there is no `/proc`.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
