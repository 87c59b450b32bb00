//! The process that measures: the user's program again, which [`enter`] turns into this.

use std::{
    env,
    ffi::OsStr,
    fs::File,
    io::{self, BufRead, Write},
    panic, process,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use processes::worker;
use rustix::process::getppid;
use workload::{Empty, Mechanism, Workers, Workload};

use super::{
    mechanisms, once,
    order::{Order, Said, What, Wrong},
    sampled::Sampled,
    sent::{Figures, Foresight, Machine},
};
use crate::{
    calibrate::{Calibration, calibrate},
    foresee::{Checking, foresee},
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
    let mut jobs: Vec<_> = kinds.iter().map(|kind| kind.worker).collect();
    // What mechanisms cost beside the pieces is found with pieces in which nothing is to be done.
    jobs.push(worker::job::<Empty>());
    worker::enter(&jobs);
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
pub(super) struct Report(Arc<Mutex<File>>);

impl Report {
    pub(super) fn say(&self, said: &Said) {
        let Ok(mut line) = serde_json::to_vec(said) else { return };
        line.push(b'\n');
        // If it cannot be written, the one who reads it says that nothing came.
        let _ = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line);
    }

    /// Says what comes next: "empty runs: rayon", "check 1, rayon x 2", "round 1, rayon x 2" is at a mechanism, all
    /// else is at none.
    fn tell(&self, next: &str) {
        let empty = next.strip_prefix("empty runs: ").map(|name| (name, "0"));
        let run = || next.rsplit_once(", ").and_then(|(_, run)| run.rsplit_once(" x "));
        let (name, count) = empty.or_else(run).unwrap_or_default();
        self.say(&Said::Run(name.to_owned(), count.parse().unwrap_or(0)));
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
        What::Trace { limit, time } => once::trace(&work, limit, time, &report),
        What::Calibrate { without } => Ok(machine(&without, &report)),
        What::Foresee { mechanisms, machine, most, time } => {
            let wanted = named(&mechanisms);
            let tell = |next: &str| report.tell(next);
            let checking = Checking { server: None, time, most, all: false };
            foresee(&work, &wanted, &Calibration::from(*machine), &checking, &tell)
                .map(|foreseen| Said::Foreseen(Box::new(Foresight::from(foreseen))))
                .map_err(wrong)
        }
        What::Measure { mechanisms, workers, time } => measure(work, &mechanisms, &workers, time, &report),
    };
    report.say(&said.unwrap_or_else(Said::Wrong));
    Ok(())
}

fn machine(without: &[String], report: &Report) -> Said {
    let possible: Vec<Mechanism<Empty>> = mechanisms()
        .into_iter()
        .filter(|mechanism| without.iter().all(|name| name != mechanism.name))
        .collect();
    let found = calibrate(&possible, &|next| report.tell(next));
    Said::Calibrated(Box::new(Machine::from(&found)))
}

fn measure<W: Workload>(
    work: W,
    names: &[String],
    workers: &[usize],
    time: Duration,
    report: &Report,
) -> Result<Said, Wrong> {
    let workers = workers.iter().filter_map(|count| Workers::new(*count).ok()).collect();
    let scale = Scale { work, workers, rounds: Rounds::Within(time) };
    let measured = measure_workload(&[scale], &named(names), &|next| report.tell(next)).map_err(wrong)?;
    Ok(Said::Rows(measured.rows.into_iter().map(Figures::from).collect()))
}

fn named<W: Workload>(names: &[String]) -> Vec<Mechanism<W>> {
    mechanisms().into_iter().filter(|mechanism| names.iter().any(|name| name == mechanism.name)).collect()
}

fn wrong(error: MeasureError) -> Wrong {
    match error {
        MeasureError::NothingToDo => Wrong::Nothing,
        MeasureError::Sequential(why) => Wrong::Failed(why.to_string()),
        other => Wrong::Failed(other.to_string()),
    }
}
