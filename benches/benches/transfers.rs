//! How many transfers a second do the banks of the crate `deadlock` do, with and without work inside the lock?
//!
//! Eight clients, 64 accounts, the same transfers for all; the balances at the end are compared with those of one client
//! on every run. The goal: with work inside (about 20 us) ordered locks do at least 1.5 times as much as one lock on two
//! cores. Without work the locks themselves are measured, and the one lock may win.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput};
use deadlock::bank::{
    Bank, Refused, Transfer, Work, alone, one_lock::OneLock, ordered::Ordered, orders, owners::Owners, serve,
};
use lesson::measure;

const CLIENTS: usize = 8;
const OPENING: [u64; 64] = [1_000_000; 64];

type Open = fn(Work) -> Result<Arc<dyn Bank>, Refused>;

const BANKS: [(&str, Open); 3] = [
    ("one lock", |work| Ok(Arc::new(OneLock::new(&OPENING, work)?))),
    ("ordered", |work| Ok(Arc::new(Ordered::new(&OPENING, work)?))),
    ("owners", |work| Ok(Arc::new(Owners::new(&OPENING, 2, work)?))),
];

/// Seconds for all transfers, by a bank that was opened before; its answer is checked.
fn once(open: Open, work: Work, transfers: &[Transfer], expected: &[u64]) -> Duration {
    let bank = open(work).expect("little money");
    let start = Instant::now();
    let refused = serve(&bank, transfers, CLIENTS);
    let took = start.elapsed();
    assert!(refused.is_empty());
    assert_eq!(bank.balances().expect("nobody panicked"), expected);
    took
}

fn benches(criterion: &mut Criterion) {
    for (name, work, count) in
        [("transfers, no work", Work::NONE, 20_000), ("transfers, 20 us of work", Work(10_000), 4_000)]
    {
        let transfers = orders(OPENING.len(), count, 1);
        let expected = alone(&OPENING, &transfers);
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(count as u64)).sample_size(10);
        for (bank, open) in BANKS {
            group.bench_function(bank, |bencher| {
                bencher
                    .iter_custom(|rounds| (0..rounds).map(|_| once(open, work, &transfers, &expected)).sum());
            });
        }
        group.finish();
    }
    goal();
}

/// Ordered against one lock in turn, round by round, with what two threads gain on this machine just now.
fn goal() {
    let transfers = orders(OPENING.len(), 4_000, 2);
    let expected = alone(&OPENING, &transfers);
    let [(_, one), (_, by_order), _] = BANKS;
    let [one, by_order] = measure::in_turn(
        11,
        [
            &mut || {
                once(one, Work(10_000), &transfers, &expected);
            },
            &mut || {
                once(by_order, Work(10_000), &transfers, &expected);
            },
        ],
    );
    println!(
        "\nordered against one lock, 20 us of work, {CLIENTS} clients: {:.2}x (goal 1.5x); a pure kernel gains {:.2}x on 2 threads",
        measure::ratio(&one, &by_order),
        measure::gain(2),
    );
}

fn main() {
    benches::run(benches);
}
