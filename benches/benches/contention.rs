//! What does it cost that threads count into one place? Two threads, each on a core of its own, each way in turn; ratios within a round.
//!
//! Each step adds a number that is read from memory. It is always 1, but the compiler is not told so: else it would
//! turn the plain loop into one multiplication, and there would be nothing to measure. What it may do, and does, is
//! keep a *local* count in registers and add several numbers at a time; a count that others can see it must not touch
//! like that. That is a part of what sharing costs, so nothing hides it.

use std::{
    env,
    hint::black_box,
    sync::{
        Mutex, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use benches::own_core;
use crossbeam_utils::CachePadded;
use lesson::measure::{Samples, gain, in_turn, ratio};

/// Its name, and how two threads count to so much each.
type Way = (&'static str, fn(usize));

fn main() {
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, times) = if quick { (5, 500_000) } else { (11, 2_000_000) };
    println!("two threads; a pure kernel gains {:.2}x on them", gain(2));
    let ways: [Way; 7] = [
        ("one mutex", mutex),
        ("one rwlock, writing", rwlock),
        ("one atomic", atomic),
        ("an atomic each, in one cache line", beside),
        ("an atomic each, padded", padded),
        ("a local each, merged", local),
        ("a channel to an owner", channel),
    ];
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g] = ways.map(|(_, way)| move || way(times));
    let samples = in_turn(rounds, [&mut a, &mut b, &mut c, &mut d, &mut e, &mut f, &mut g]);
    let padded = &samples[4];
    for ((name, _), own) in ways.iter().zip(&samples) {
        let each = own.median() / times as f64 * 1e9;
        println!("{name:35} {each:7.2} ns an increment, {:.2}x of padded", ratio(own, padded));
    }
    print_gains(&samples);
}

fn print_gains(samples: &[Samples; 7]) {
    let [_, _, _, beside, padded, local, _] = samples;
    println!("padded against one cache line: {:.2}x as fast", ratio(beside, padded));
    println!("a local each, merged, against padded: {:.2}x as fast", ratio(padded, local));
}

fn mutex(times: usize) {
    let total = Mutex::new(0);
    both(|_| repeat(times, |one| *total.lock().expect("no panic") += one));
    check(times, total.into_inner().expect("no panic"));
}

fn rwlock(times: usize) {
    let total = RwLock::new(0);
    both(|_| repeat(times, |one| *total.write().expect("no panic") += one));
    check(times, total.into_inner().expect("no panic"));
}

fn atomic(times: usize) {
    let total = AtomicU64::new(0);
    both(|_| repeat(times, |one| add(&total, one)));
    check(times, total.into_inner());
}

fn beside(times: usize) {
    // Two words in one cache line, whatever the allocator does: the array is aligned to it.
    let totals = CachePadded::new([AtomicU64::new(0), AtomicU64::new(0)]);
    both(|me| repeat(times, |one| add(&totals[me], one)));
    check(times, totals.iter().map(|total| total.load(Relaxed)).sum());
}

fn padded(times: usize) {
    let totals = [CachePadded::new(AtomicU64::new(0)), CachePadded::new(AtomicU64::new(0))];
    both(|me| repeat(times, |one| add(&totals[me], one)));
    check(times, totals.iter().map(|total| total.load(Relaxed)).sum());
}

fn local(times: usize) {
    let total = AtomicU64::new(0);
    both(|_| {
        let mut own = 0;
        repeat(times, |one| own += one);
        add(&total, own);
    });
    check(times, total.into_inner());
}

fn channel(times: usize) {
    let (sender, receiver) = crossbeam_channel::bounded(1024);
    let total = thread::scope(|scope| {
        let owner = scope.spawn(move || receiver.iter().sum());
        both(|_| repeat(times, |one| sender.send(one).expect("the owner is there until the sender goes")));
        drop(sender);
        owner.join().expect("no panic")
    });
    check(times, total);
}

fn add(total: &AtomicU64, one: u64) {
    total.fetch_add(one, Relaxed);
}

fn check(times: usize, total: u64) {
    assert_eq!(total, 2 * times as u64, "a count was lost");
}

fn both(count: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for me in 0..2 {
            let count = &count;
            scope.spawn(move || {
                own_core(me);
                count(me);
            });
        }
    });
}

/// 8 KiB: they stay in the first cache.
static ONES: [u64; 1024] = [1; 1024];

fn repeat(times: usize, mut one: impl FnMut(u64)) {
    let mut left = times;
    while left > 0 {
        // Anew each time: else the sum of one pass would do for all.
        let ones = black_box(&ONES[..left.min(ONES.len())]);
        ones.iter().for_each(|number| one(*number));
        left -= ones.len();
    }
}
