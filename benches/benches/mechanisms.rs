//! Which mechanism does each workload fastest? All workers that the machine has cores for, 64 where work waits.

use std::time::Duration;

use benches::mechanisms;
use criterion::{BenchmarkId, Criterion, SamplingMode};
use workload::{
    Size, Timeline, Workers, Workload, fetch::Fetch, mandelbrot::Mandelbrot, primes::Primes, sequential,
    words::Words,
};

fn main() {
    benches::run(|criterion| {
        compare(criterion, &Mandelbrot::sized(Size::Lesson), Workers::cores());
        compare(criterion, &Primes::sized(Size::Lesson), Workers::cores());
        compare(criterion, &Words::sized(Size::Lesson), Workers::cores());
        match (Fetch::local_sized(Size::Lesson), Workers::new(64)) {
            (Ok((fetch, _server)), Ok(workers)) => compare(criterion, &fetch, workers),
            (Err(error), _) => eprintln!("fetch is left out: no server: {error}"),
            (_, Err(error)) => eprintln!("fetch is left out: {error}"),
        }
    });
}

fn compare<W: Workload>(criterion: &mut Criterion, workload: &W, workers: Workers) {
    let right = sequential(workload, &Timeline::off()).expect("the work can be done");
    let mut group = criterion.benchmark_group(W::NAME);
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    if !W::WAITS {
        group.bench_function(BenchmarkId::new("sequential", 1), |bencher| {
            bencher.iter(|| sequential(workload, &Timeline::off()));
        });
    }
    for mechanism in mechanisms::<W>() {
        let once = || (mechanism.run)(workload, workers, &Timeline::off()).expect("the work can be done");
        assert_eq!(once(), right, "{} gives another answer", mechanism.name);
        group.bench_function(BenchmarkId::new(mechanism.name, workers.get()), |bencher| bencher.iter(once));
    }
    group.finish();
}
