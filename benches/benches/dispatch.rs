//! What does it cost to hand out a piece in which nothing is to be done? Two workers; the start of the workers
//! is spread over so many pieces that it does not count.

use std::time::Duration;

use benches::mechanisms;
use criterion::{Criterion, SamplingMode, Throughput};
use workload::{Empty, Timeline, Workers};

fn main() {
    benches::run(dispatch);
}

fn dispatch(criterion: &mut Criterion) {
    let workers = Workers::new(2).expect("two is a number of workers");
    let mut group = criterion.benchmark_group("dispatch");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    for mechanism in mechanisms::<Empty>() {
        let pieces = if ["processes", "ipc"].contains(&mechanism.concept) { 100_000 } else { 1_000_000 };
        let empty = Empty { pieces };
        group.throughput(Throughput::Elements(pieces as u64));
        group.bench_function(mechanism.name, |bencher| {
            bencher.iter(|| (mechanism.run)(&empty, workers, &Timeline::off()).expect("nothing can fail"));
        });
    }
    group.finish();
}
