//! The process that measures: the user's program again, which [`enter`] turns into this.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, BufRead, Write},
    panic, process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::measure::cores;
use processes::worker;
use rustix::{
    process::getppid,
    time::{ClockId, clock_gettime},
};
use workload::{Job, Timeline, Workers, Workload, now};

use super::{
    mechanisms,
    order::{Figures, Order, Said, Traced, What, Wrong},
    sampled::Sampled,
};
use crate::{
    measure::{MeasureError, Scale, measure_workload},
    plan::Rounds,
};

/// Work that this program can measure.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    name: &'static str,
    serve: fn(&OsStr) -> io::Result<()>,
    worker: worker::Job,
}

/// Makes `W` known to [`enter_any`].
pub fn kind<W: Workload>() -> Kind {
    Kind { name: W::NAME, serve: serve::<W>, worker: worker::job::<Sampled<W>>() }
}

/// The first line of a program that calls [`advise`](super::advise): the processes that measure, and their workers, are
/// this program, and never come back from here. In any other process it does nothing.
pub fn enter<W: Workload>() {
    enter_any(&[kind::<W>()]);
}

/// [`enter`], for a program that asks about several kinds of work.
pub fn enter_any(kinds: &[Kind]) {
    worker::enter(&kinds.iter().map(|kind| kind.worker).collect::<Vec<_>>());
    let mut arguments = env::args_os().skip(1);
    let first = arguments.next();
    let parent = getppid().map_or(0, |pid| pid.as_raw_pid());
    if first.is_none_or(|first| first != *mark(parent)) {
        return;
    }
    let (name, report) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let Some(kind) = kinds.iter().find(|kind| name == *kind.name) else {
        eprintln!("cannot measure: {} is none of the kinds that main begins with", name.display());
        process::exit(2);
    };
    process::exit(match (kind.serve)(&report) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("cannot measure: {error}");
            2
        }
    })
}

/// The argument that makes a process measure, if `parent` is its parent.
pub(super) fn mark(parent: i32) -> String {
    format!("choose-measure:{parent}")
}

/// Where it is told what happens: a file, as standard output may be written to by anyone.
#[derive(Clone)]
struct Report(Arc<Mutex<File>>);

impl Report {
    fn say(&self, said: &Said) {
        let Ok(mut line) = serde_json::to_vec(said) else { return };
        line.push(b'\n');
        // If it cannot be written, the one who reads it says that nothing came.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }
}

fn serve<W: Workload>(report: &OsStr) -> io::Result<()> {
    let report = Report(Arc::new(Mutex::new(File::options().append(true).open(report)?)));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let Order { work, every, what } = serde_json::from_str::<Order<W>>(&line)?;
    // A piece's panic is told by whoever asked.
    panic::set_hook(Box::new(|_| {}));
    let work = Sampled { work, every };
    let said = match what {
        What::Trace { limit, time } => trace(&work, limit, time, &report),
        What::Measure { mechanisms, workers, time } => measure(work, &mechanisms, &workers, time, &report),
    };
    report.say(&said.unwrap_or_else(Said::Wrong));
    Ok(())
}

fn trace<W: Workload>(work: &W, limit: Duration, time: Duration, report: &Report) -> Result<Said, Wrong> {
    let timeline = Timeline::off();
    let job = Job::cut(work, &timeline).map_err(|error| Wrong::Failed(error.to_string()))?;
    if job.is_empty() {
        return Err(Wrong::Nothing);
    }
    let watch = watch(limit, report.clone())?;
    let directory = env::current_dir();
    let (before, queued) = (resident(), queued());
    let (mut walls, mut cpu, mut dearest) = (Vec::new(), 0.0, 0.0_f64);
    let mut whole = W::Part::default();
    let began = now();
    for index in 0..job.len() {
        // Telling costs a microsecond: nothing for a few pieces, much for a million tiny ones.
        if job.len() <= 10_000 {
            report.say(&Said::Piece(index));
        }
        watch.begin(index);
        let (start, cpu_start) = (now(), thread_cpu());
        let part = job.run(0, index).map_err(|error| Wrong::Failed(error.to_string()))?;
        job.combine(&mut whole, part, index).map_err(|error| Wrong::Failed(error.to_string()))?;
        let wall = (now() - start) as f64 / 1e9;
        cpu += thread_cpu() - cpu_start;
        dearest = dearest.max(wall);
        walls.push(wall);
        if env::current_dir().ok() != directory.as_ref().ok().cloned() {
            return Err(Wrong::Directory(index));
        }
        if u128::from(now() - began) > time.as_nanos() {
            break;
        }
    }
    watch.end();
    Ok(Said::Traced(Traced {
        pieces: job.len(),
        done: walls.len(),
        wall: walls.iter().sum(),
        cpu,
        queued: self::queued() - queued,
        dearest,
        uneven: uneven(&walls, cores().max(2)),
        memory: most_resident().saturating_sub(before),
    }))
}

/// The dearest of `shares` equal stretches, in terms of their mean.
fn uneven(walls: &[f64], shares: usize) -> f64 {
    let mut costs = vec![0.0; shares];
    walls.iter().enumerate().for_each(|(index, wall)| costs[index * shares / walls.len()] += wall);
    let all: f64 = walls.iter().sum();
    if all > 0.0 { costs.iter().copied().fold(0.0, f64::max) * shares as f64 / all } else { 1.0 }
}

/// Which piece is being done, and since when; 0 between pieces.
#[derive(Clone)]
struct Watch(Arc<(AtomicUsize, AtomicU64)>);

impl Watch {
    fn begin(&self, piece: usize) {
        self.0.0.store(piece, Ordering::Relaxed);
        // Release: pairs with the Acquire below, so that a time is never seen with an older piece.
        self.0.1.store(now(), Ordering::Release);
    }

    fn end(&self) {
        self.0.1.store(0, Ordering::Release);
    }
}

/// Ends this process when a piece takes too long: a thread cannot be ended, a process can.
fn watch(limit: Duration, report: Report) -> Result<Watch, Wrong> {
    let watch = Watch(Arc::new((AtomicUsize::new(0), AtomicU64::new(0))));
    let watched = watch.clone();
    match thread::Builder::new().name("watch".to_owned()).spawn(move || look(&watched, limit, &report)) {
        Ok(_) => Ok(watch),
        Err(error) => Err(Wrong::Failed(format!("no thread to watch over the pieces: {error}"))),
    }
}

fn look(watched: &Watch, limit: Duration, report: &Report) {
    loop {
        thread::sleep((limit / 8).clamp(Duration::from_millis(1), Duration::from_millis(100)));
        let began = watched.0.1.load(Ordering::Acquire);
        if began > 0 && u128::from(now().saturating_sub(began)) > limit.as_nanos() {
            report.say(&Said::Wrong(Wrong::Late(watched.0.0.load(Ordering::Relaxed))));
            signal_hook::low_level::exit(0);
        }
    }
}

fn measure<W: Workload>(
    work: W,
    names: &[String],
    workers: &[usize],
    time: Duration,
    report: &Report,
) -> Result<Said, Wrong> {
    let all = mechanisms::<W>();
    let wanted: Vec<_> =
        all.into_iter().filter(|mechanism| names.iter().any(|name| name == mechanism.name)).collect();
    let workers = workers.iter().filter_map(|count| Workers::new(*count).ok()).collect();
    let tell = |what: &str| {
        // "round 1, rayon x 2"
        let run = what.rsplit_once(", ").and_then(|(_, run)| run.rsplit_once(" x "));
        let (name, count) = run.unwrap_or(("", "0"));
        report.say(&Said::Run(name.to_owned(), count.parse().unwrap_or(0)));
    };
    match measure_workload(&[Scale { work, workers, rounds: Rounds::Within(time) }], &wanted, &tell) {
        Ok(measured) => Ok(Said::Rows(measured.rows.into_iter().map(Figures::from).collect())),
        Err(MeasureError::NothingToDo) => Err(Wrong::Nothing),
        Err(error) => Err(Wrong::Failed(error.to_string())),
    }
}

/// Processor time of this thread, in seconds.
fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds that this thread could have gone on and got no core (second field of `schedstat`, proc(5)).
fn queued() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split_whitespace().nth(1).and_then(|field| field.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// Bytes that are in memory now, and the most that ever were (`VmRSS`, `VmHWM` in proc_pid_status(5)); 0 where the
/// system does not say.
fn resident() -> u64 {
    status("VmRSS:")
}

fn most_resident() -> u64 {
    status("VmHWM:")
}

fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::uneven;

    #[test]
    fn shares_are_stretches_of_neighbours() {
        assert_eq!(uneven(&[1.0, 1.0, 3.0, 3.0], 2), 1.5);
        assert_eq!(uneven(&[1.0, 3.0, 1.0, 3.0], 2), 1.0);
        assert_eq!(uneven(&[0.0, 0.0], 2), 1.0);
    }
}
