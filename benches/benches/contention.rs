//! What does it cost that threads count into one place? Two threads, each way in turn; ratios within a round.

use std::{
    env,
    hint::black_box,
    sync::{
        Mutex, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use crossbeam_utils::CachePadded;
use lesson::measure::{gain, in_turn, ratio};

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, times) = if quick { (5, 500_000) } else { (11, 5_000_000) };
    println!("two threads; a pure kernel gains {:.2}x on them", gain(2));
    let (mutex, rwlock, atomic) = (Mutex::new(0_u64), RwLock::new(0_u64), AtomicU64::new(0));
    // Two words in one cache line, whatever the allocator does: the array is aligned to it.
    let beside = CachePadded::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let padded = [CachePadded::new(AtomicU64::new(0)), CachePadded::new(AtomicU64::new(0))];
    let samples = in_turn(
        rounds,
        [
            &mut || both(|_| repeat(times, || *mutex.lock().expect("no panic") += 1)),
            &mut || both(|_| repeat(times, || *rwlock.write().expect("no panic") += 1)),
            &mut || {
                both(|_| {
                    repeat(times, || {
                        _ = atomic.fetch_add(1, Relaxed);
                    })
                })
            },
            &mut || {
                both(|me| {
                    repeat(times, || {
                        _ = beside[me].fetch_add(1, Relaxed);
                    })
                })
            },
            &mut || {
                both(|me| {
                    repeat(times, || {
                        _ = padded[me].fetch_add(1, Relaxed);
                    })
                })
            },
            &mut || {
                both(|_| {
                    let mut own = 0_u64;
                    repeat(times, || own = black_box(own + 1));
                    atomic.fetch_add(own, Relaxed);
                });
            },
        ],
    );
    let names = [
        "one mutex",
        "one rwlock, writing",
        "one atomic",
        "an atomic each, in one cache line",
        "an atomic each, padded",
        "a local each, merged",
    ];
    let padded = &samples[4];
    for (name, own) in names.iter().zip(&samples) {
        let each = own.median() / times as f64 * 1e9;
        println!("{name:35} {each:7.2} ns an increment, {:.2}x of padded", ratio(own, padded));
    }
}

fn both(count: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        scope.spawn(|| count(1));
        count(0);
    });
}

fn repeat(times: u64, mut one: impl FnMut()) {
    for _ in 0..times {
        one();
    }
}
