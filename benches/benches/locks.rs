//! What does it cost to take a lock and give it back, alone and with others? Ratios, all locks in turn in each round.
//!
//! The critical section is one addition. Every lock does the same number of turns with the same number of threads.

use std::{
    cell::UnsafeCell,
    env,
    hint::black_box,
    sync::{Barrier, Mutex, PoisonError},
    thread,
    time::Instant,
};

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use lesson::measure::{Samples, ratio};
use synchronization::spin::{McsLock, SpinLock, TicketLock};

/// A lock and its value in one cache line of their own: where the stack would put them by chance, one of the locks may
/// stand across two lines, and be a fifth slower than it is.
#[repr(align(128))]
struct InOneLine<T>(T);

/// Adds one to what the lock guards.
type AddOne<'a> = &'a (dyn Fn() + Sync);

fn main() {
    // `cargo bench` hands over `--bench`; `--quick` after `--` is the one that counts here.
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, turns) = if quick { (5, 100_000) } else { (15, 1_000_000) };
    for threads in [1, 2, 4, 8] {
        compare(threads, rounds, turns);
    }
}

fn compare(threads: usize, rounds: usize, turns: usize) {
    let theirs = InOneLine(Mutex::new(0_u64));
    let posix = PosixMutex::new();
    let spin = InOneLine(SpinLock::new(0_u64));
    let tickets = InOneLine(TicketLock::new(0_u64));
    let queue = InOneLine(McsLock::new(0_u64));
    let (std_mutex, pthread): (AddOne, AddOne) =
        (&|| *theirs.0.lock().unwrap_or_else(PoisonError::into_inner) += 1, &|| posix.add_one());
    let mut locks: Vec<(&str, AddOne)> = vec![("std::sync::Mutex", std_mutex), ("pthread_mutex", pthread)];
    #[cfg(target_os = "linux")]
    let ours = InOneLine(synchronization::futex::Mutex::new(0_u64));
    #[cfg(target_os = "linux")]
    let add_under_ours = || *ours.0.lock() += 1;
    #[cfg(target_os = "linux")]
    locks.push(("futex::Mutex", &add_under_ours));
    let add_spinning = || *spin.0.lock() += 1;
    let add_in_turn = || *tickets.0.lock() += 1;
    let add_in_queue = || queue.0.with(|total| *total += 1);
    locks.push(("SpinLock", &add_spinning));
    // Handed over in turn, a lock that spins takes minutes when there are more threads than cores.
    if threads <= lesson::measure::cores() {
        locks.push(("TicketLock", &add_in_turn));
        locks.push(("McsLock", &add_in_queue));
    }
    let mut samples = vec![Samples::default(); locks.len()];
    for _ in 0..rounds {
        for ((_, add_one), samples) in locks.iter().zip(&mut samples) {
            samples.push(nanoseconds(threads, turns, *add_one));
        }
    }
    print(threads, &locks, &samples);
}

/// Nanoseconds for one turn; the threads have started before the clock does.
fn nanoseconds(threads: usize, turns: usize, add_one: AddOne) -> f64 {
    let (begin, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    let share = turns / threads;
    let start = thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                begin.wait();
                for turn in 0..share {
                    black_box(turn);
                    add_one();
                }
                end.wait();
            });
        }
        begin.wait();
        let start = Instant::now();
        end.wait();
        start.elapsed()
    });
    start.as_nanos() as f64 / (share * threads) as f64
}

fn print(threads: usize, locks: &[(&str, AddOne)], samples: &[Samples]) {
    let mut table = Table::new();
    let title = format!("locks, {threads} thread{}", if threads == 1 { "" } else { "s" });
    let speed = "as fast as";
    table.load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'))).set_header([
        title.as_str(),
        "median ns",
        "quartiles",
        &format!("{speed} std's"),
        &format!("{speed} pthread's"),
    ]);
    for ((name, _), own) in locks.iter().zip(samples) {
        table.add_row([
            (*name).to_owned(),
            format!("{:.1}", own.median()),
            format!("{:.1} to {:.1}", own.quantile(0.25), own.quantile(0.75)),
            format!("{:.2}x", ratio(&samples[0], own)),
            format!("{:.2}x", ratio(&samples[1], own)),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("\n{table}");
}

/// The mutex of C, as it comes: `PTHREAD_MUTEX_INITIALIZER`.
struct PosixMutex {
    // In a box: it must not move while it is in use.
    inner: Box<InOneLine<(UnsafeCell<libc::pthread_mutex_t>, UnsafeCell<u64>)>>,
}

// SAFETY: the total is reached under the mutex only, which is made for threads.
unsafe impl Sync for PosixMutex {}

impl PosixMutex {
    fn new() -> Self {
        let mutex = UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER);
        Self { inner: Box::new(InOneLine((mutex, UnsafeCell::new(0)))) }
    }

    fn add_one(&self) {
        let (mutex, total) = &self.inner.0;
        // SAFETY: the mutex is initialised, and is locked and unlocked by one thread; between the two nobody else
        // reaches the total.
        unsafe {
            let locked = libc::pthread_mutex_lock(mutex.get());
            debug_assert_eq!(locked, 0);
            *total.get() += 1;
            libc::pthread_mutex_unlock(mutex.get());
        }
    }
}
