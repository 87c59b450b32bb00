//! The trace: one piece after the other, each watched, so that one that does what it should not is found and named.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use lesson::measure::cores;
use workload::{Job, Timeline, Workload, now};

use super::{
    child::Report,
    order::{Cost, Said, Traced, Wrong},
};
use crate::{cpu, record::thread_cpu};

/// Of more pieces it is not told what each has cost.
const TOLD: usize = 10_000;

/// Does all pieces that there is time for.
pub(super) fn trace<W: Workload>(
    work: &W,
    limit: Duration,
    time: Duration,
    report: &Report,
) -> Result<Said, Wrong> {
    let timeline = Timeline::off();
    let job = Job::cut(work, &timeline).map_err(|error| Wrong::Failed(error.to_string()))?;
    if job.is_empty() {
        return Err(Wrong::Nothing);
    }
    let watch = watch(limit, report.clone())?;
    let directory = env::current_dir();
    let (before, queued) = (resident(), queued());
    let (mut walls, mut costs, mut cpu, mut dearest) = (Vec::new(), Vec::new(), 0.0, 0.0_f64);
    let mut whole = W::Part::default();
    let began = now();
    for index in 0..job.len() {
        // Telling costs a microsecond: nothing for a few pieces, much for a million tiny ones.
        if job.len() <= TOLD {
            report.say(&Said::Piece(index));
        }
        watch.begin(index);
        let (start, used, waits) = (now(), thread_cpu() + cpu::children(), cpu::waits());
        let part = job.run(0, index).map_err(|error| Wrong::Failed(error.to_string()))?;
        job.combine(&mut whole, part, index).map_err(|error| Wrong::Failed(error.to_string()))?;
        let (wall, used) = ((now() - start) as f64 / 1e9, thread_cpu() + cpu::children() - used);
        // Who has never given up the core has not waited, whatever the clock says.
        let wait = if cpu::waits() > waits { (wall - used).max(0.0) } else { 0.0 };
        cpu += used;
        dearest = dearest.max(wall);
        walls.push(wall);
        if job.len() <= TOLD {
            costs.push(Cost { cpu: used, wait });
        }
        if env::current_dir().ok() != directory.as_ref().ok().cloned() {
            return Err(Wrong::Directory(index));
        }
        if u128::from(now() - began) > time.as_nanos() {
            break;
        }
    }
    watch.end();
    let traced = Traced {
        pieces: job.len(),
        done: walls.len(),
        wall: walls.iter().sum(),
        cpu,
        queued: self::queued() - queued,
        dearest,
        uneven: uneven(&walls, cores().max(2)),
        memory: most_resident().saturating_sub(before),
    };
    Ok(Said::Traced(traced, costs))
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
