//! What does the supervised pool of processes cost: to hand out a piece, to start, to recover, and in memory?
//!
//! | group | to compare |
//! |---|---|
//! | `pool: an empty piece` | one by one, and in chunks |
//! | `pool: mandelbrot on two` | processes, and threads doing the same pieces |
//! | `pool: start` | a pool of one worker until its first answer, and this program started as a plain child |
//! | `pool: recovery` | from the death of the only worker to the answer of its piece; a worker's start until its first answer |
//!
//! At the end the same in turn, as ratios, which a machine that is busy with something else spoils less; and the
//! private memory of a worker, from `/proc/PID/smaps_rollup` (proc(5)).

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use criterion::{Criterion, SamplingMode, Throughput};
use lesson::measure::{self, Samples};
use processes::{
    child::{Child, Handle},
    pool::{Pool, Task, TaskError},
    worker,
};
use rustix::process::{Signal, getpid, kill_process};
use workload::{Mandelbrot, Size, Timeline, Workers, Workload};

type Piece = <Mandelbrot as Workload>::Piece;
type Part = <Mandelbrot as Workload>::Part;

/// Nothing to do.
static EMPTY: Task<(), ()> = Task::new("nothing", Ok);

/// A part of the image; the worker gets the image's measures once.
static ROWS: Task<<Mandelbrot as Workload>::Piece, <Mandelbrot as Workload>::Part, Mandelbrot, Mandelbrot> =
    Task::with_state("rows", Ok, |image, piece| image.run(&piece).map_err(TaskError::from));

/// Kills its worker, unless that is not the worker with this process id.
static DIE: Task<u32, u32> = Task::new("die", |pid| {
    let own = std::process::id();
    if own == pid {
        kill_process(getpid(), Signal::KILL)?;
    }
    Ok(own)
});

fn main() {
    // This very program as a process that has nothing to do.
    if std::env::args().nth(1).as_deref() == Some("--nothing") {
        return;
    }
    worker::enter(&[EMPTY.job(), ROWS.job(), DIE.job()]);
    benches::run(|criterion| {
        dispatch(criterion);
        mandelbrot(criterion);
        start(criterion);
        recovery(criterion);
    });
    // Not with `--list` or a filter of names.
    if std::env::args().all(|argument| argument.starts_with("--bench") || !argument.starts_with('-')) {
        side_by_side();
        memory();
    }
}

fn dispatch(criterion: &mut Criterion) {
    const PIECES: usize = 100_000;
    let mut group = criterion.benchmark_group("pool: an empty piece");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(PIECES as u64));
    for (name, settings) in [
        ("one by one", Pool::of(&EMPTY).workers(2).chunk(1)),
        ("in chunks, measured", Pool::of(&EMPTY).workers(2)),
        ("in chunks of 100", Pool::of(&EMPTY).workers(2).chunk(100)),
    ] {
        let pool = settings.start().expect("two workers");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let answers = pool.map(std::iter::repeat_n((), PIECES));
                assert_eq!(answers.filter(Result::is_ok).count(), PIECES);
            });
        });
    }
    group.finish();
}

/// The image on two workers of a pool that is there already.
fn by_processes(image: &Mandelbrot, pieces: &[Piece], pool: &Pool<Piece, Part>) -> Part {
    let mut whole = Part::default();
    for part in pool.map(pieces.iter().cloned()) {
        image.combine(&mut whole, part.expect("a part"));
    }
    whole
}

/// The image on two threads.
fn by_threads(image: &Mandelbrot, name: &str) -> Part {
    let threads = threads::mechanisms::mechanisms::<Mandelbrot>();
    let mechanism =
        threads.iter().find(|mechanism| mechanism.name == name).expect("a mechanism of this name");
    let two = Workers::new(2).expect("two is a number of workers");
    (mechanism.run)(image, two, &Timeline::off()).expect("an image")
}

fn image() -> (Mandelbrot, Vec<Piece>, Pool<Piece, Part>) {
    let image = Mandelbrot::sized(Size::Measure);
    let pieces = image.pieces().expect("an image can be cut");
    let pool = Pool::with(&ROWS, &image).workers(2).start().expect("two workers");
    assert!(by_processes(&image, &pieces, &pool) == by_threads(&image, "dynamic"), "the same image");
    (image, pieces, pool)
}

fn mandelbrot(criterion: &mut Criterion) {
    let (image, pieces, pool) = image();
    let mut group = criterion.benchmark_group("pool: mandelbrot on two");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(5));
    group.bench_function("processes", |bencher| bencher.iter(|| by_processes(&image, &pieces, &pool)));
    for name in ["dynamic", "pool"] {
        group.bench_function(format!("threads: {name}"), |bencher| bencher.iter(|| by_threads(&image, name)));
    }
    group.finish();
}

fn start_child() {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.arg("--nothing").stdin(Stdio::null()).stdout(Stdio::null());
    Child::spawn(&mut command).expect("it can be started").join();
}

fn start_worker() {
    let pool = Pool::of(&EMPTY).workers(1).start().expect("one worker");
    pool.submit(()).wait().expect("an answer");
    pool.close();
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pool: start");
    group.sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function("this program as a child, until its end", |bencher| bencher.iter(start_child));
    group
        .bench_function("a worker, until its first answer and its end", |bencher| bencher.iter(start_worker));
    group.finish();
}

/// From the start to the first answer, without the end.
fn first_answer() -> Duration {
    let start = Instant::now();
    let pool = Pool::of(&DIE).workers(1).start().expect("one worker");
    pool.submit(0).wait().expect("an answer");
    start.elapsed()
}

/// From the moment when the only worker gets a piece that kills it, to the answer of its successor.
fn recovered(pool: &Pool<u32, u32>) -> Duration {
    let pid = pool.submit(0).wait().expect("an answer");
    let start = Instant::now();
    assert_ne!(pool.submit(pid).wait().expect("an answer"), pid);
    start.elapsed()
}

fn recovery(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pool: recovery");
    group.sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    group.bench_function("a worker's start, until its first answer", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| first_answer()).sum());
    });
    let pool = Pool::of(&DIE).workers(1).start().expect("one worker");
    group.bench_function("the only worker dies, until its piece is answered", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| recovered(&pool)).sum());
    });
    group.finish();
}

fn side_by_side() {
    let (picture, pieces, pool) = image();
    let [processes, threads] = measure::in_turn(
        11,
        [&mut || drop(by_processes(&picture, &pieces, &pool)), &mut || drop(by_threads(&picture, "dynamic"))],
    );
    let [worker, child] = measure::in_turn(101, [&mut start_worker, &mut start_child]);
    let dying = Pool::of(&DIE).workers(1).start().expect("one worker");
    let (mut again, mut first) = (Samples::default(), Samples::default());
    for _ in 0..101 {
        again.push(recovered(&dying).as_secs_f64());
        first.push(first_answer().as_secs_f64());
    }
    println!();
    for (what, ratio) in [
        ("mandelbrot, a pool of 2 processes / 2 threads", measure::ratio(&processes, &threads)),
        ("a worker's start, first answer and end / a plain child", measure::ratio(&worker, &child)),
        ("recovery / start until the first answer", measure::ratio(&again, &first)),
    ] {
        println!("pool, in turn: {what}: {ratio:.2}x");
    }
}

fn memory() {
    let pool = Pool::of(&EMPTY).workers(4).start().expect("four workers");
    let answers = pool.map(std::iter::repeat_n((), 10_000)).filter(Result::is_ok);
    assert_eq!(answers.count(), 10_000);
    let private: Vec<u64> = pool.workers().iter().filter_map(private_kib).collect();
    println!("pool: private memory of {} workers after 10,000 pieces (KiB): {private:?}", private.len());
}

/// What this process has for itself, in KiB.
fn private_kib(worker: &Handle) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", worker.pid())).ok()?;
    let private = rollup.lines().filter(|line| line.starts_with("Private_"));
    private.map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}
