//! What does it cost to take a lock or a permit and give it back, alone and with others, and to wake another thread?
//! Ratios, all kinds in turn in each round.
//!
//! All threads take turns for a fixed time, each on a core that it is confined to. A fixed number of turns would
//! measure something else: with an unfair lock some threads are done early, and leave the others without contention.
//! And a scheduler that leaves all threads on one core for the first milliseconds hides the contention altogether.

mod event;
mod mutex;
mod semaphore;

use std::{
    env,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use benches::own_core;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use lesson::measure::{Samples, cores, ratio};

/// What is measured: takes and gives back, once.
type Turn<'a> = &'a (dyn Fn() + Sync);

/// How long, and how often.
#[derive(Clone, Copy)]
struct Plan {
    rounds: usize,
    time: Duration,
}

fn main() {
    // `cargo bench` hands over `--bench`; `--quick` after `--` is the one that counts here.
    let quick = env::args().any(|argument| argument == "--quick");
    let plan = if quick {
        Plan { rounds: 5, time: Duration::from_millis(5) }
    } else {
        Plan { rounds: 15, time: Duration::from_millis(20) }
    };
    for threads in [1, 2, 4, 8] {
        mutex::compare(threads, plan);
    }
    for threads in [1, 2, 4] {
        semaphore::compare(threads, plan);
    }
    event::compare(plan);
}

/// A lock and its value in one cache line of their own: where the stack would put them by chance, one of the locks may
/// stand across two lines, and be a fifth slower than it is.
#[repr(align(128))]
struct InOneLine<T>(T);

/// Measures each in turn in each round, and prints them beside the first `peers` of them.
fn compare(title: &str, plan: Plan, kinds: &[(&str, Turn)], threads: usize, peers: usize) {
    let mut samples = vec![Samples::default(); kinds.len()];
    for _ in 0..plan.rounds {
        for ((_, turn), samples) in kinds.iter().zip(&mut samples) {
            samples.push(nanoseconds(threads, plan.time, *turn));
        }
    }
    let names: Vec<_> = kinds.iter().map(|(name, _)| *name).collect();
    print(title, &names, &samples, peers);
}

/// Nanoseconds for one turn when `threads` threads take turns for so long; all have started before the clock does.
fn nanoseconds(threads: usize, time: Duration, turn: Turn) -> f64 {
    // So many that the look at `stop` costs nothing beside them.
    const BATCH: u64 = 64;
    let (begin, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let takers: Vec<_> = (0..threads)
            .map(|number| {
                let (begin, stop) = (&begin, &stop);
                scope.spawn(move || {
                    own_core(number % cores());
                    begin.wait();
                    let mut turns = 0;
                    while !stop.load(Relaxed) {
                        (0..BATCH).for_each(|_| turn());
                        turns += BATCH;
                    }
                    turns
                })
            })
            .collect();
        begin.wait();
        let start = Instant::now();
        thread::sleep(time);
        stop.store(true, Relaxed);
        let elapsed = start.elapsed().as_nanos() as f64;
        let turns: u64 = takers.into_iter().map(|taker| taker.join().expect("no panic")).sum();
        elapsed / turns as f64
    })
}

/// One row for each, with how many times as fast it is as each of the first `peers`.
fn print(title: &str, names: &[&str], samples: &[Samples], peers: usize) {
    let mut table = Table::new();
    let mut header = vec![title.to_owned(), "median ns".to_owned(), "quartiles".to_owned()];
    header.extend(names[..peers].iter().map(|peer| format!("as fast as {peer}")));
    table
        .load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─')))
        .set_header(header);
    for (name, own) in names.iter().zip(samples) {
        let mut row = vec![
            (*name).to_owned(),
            format!("{:.1}", own.median()),
            format!("{:.1} to {:.1}", own.quantile(0.25), own.quantile(0.75)),
        ];
        row.extend(samples[..peers].iter().map(|peer| format!("{:.2}x", ratio(peer, own))));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{table}");
}

fn threads_of(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}
