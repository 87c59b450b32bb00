//! What does it cost to start a worker and wait for its end, from a closure that may be stolen to a process?

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use criterion::Criterion;

fn main() {
    // This very program as the process that is started: it has nothing to do.
    if std::env::args().nth(1).as_deref() == Some("--nothing") {
        return;
    }
    benches::run(spawn);
}

fn spawn(criterion: &mut Criterion) {
    let program = std::env::current_exe().expect("this program has a path");
    let mut group = criterion.benchmark_group("spawn");
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1)).sample_size(20);
    group.bench_function("rayon::join", |bencher| {
        let pool = rayon::ThreadPoolBuilder::new().build().expect("a pool");
        // From within the pool: coming from outside costs a hand-over, which is another question.
        pool.install(|| bencher.iter(|| rayon::join(|| (), || ())));
    });
    group.bench_function("rayon::scope, one spawn", |bencher| {
        let pool = rayon::ThreadPoolBuilder::new().build().expect("a pool");
        pool.install(|| bencher.iter(|| rayon::scope(|scope| scope.spawn(|_| ()))));
    });
    group.bench_function("thread::spawn and join", |bencher| bencher.iter(|| thread::spawn(|| ()).join()));
    group.bench_function("thread::scope, one thread", |bencher| {
        bencher.iter(|| {
            thread::scope(|scope| {
                scope.spawn(|| ());
            });
        });
    });
    group.bench_function("thread with a stack of 64 KiB", |bencher| {
        bencher
            .iter(|| thread::Builder::new().stack_size(64 << 10).spawn(|| ()).map(thread::JoinHandle::join));
    });
    group.bench_function("process: /bin/true", |bencher| bencher.iter(|| run(Command::new("/bin/true"))));
    group.bench_function("process: this program", |bencher| {
        bencher.iter(|| {
            let mut command = Command::new(&program);
            command.arg("--nothing");
            run(command)
        });
    });
    group.finish();
}

fn run(mut command: Command) {
    let status =
        command.stdin(Stdio::null()).stdout(Stdio::null()).status().expect("the program can be started");
    assert!(status.success(), "it ended with {status}");
}
