//! Workers are killed and stopped at every point of their loop, and at random moments: each piece is answered once
//! and rightly, and nothing stays.
//!
//! A short form runs with the other tests; `just chaos` runs the full one: 1,000 faults at named points and 300
//! kills at random moments, over 100,000 pieces. What is random comes from a seed, which a failure names.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use libtest_mimic::Trial;
use processes::{
    Program,
    pool::{Pool, Report, Task},
    worker::{self, Point},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};
use testkit::{
    FaultPlan, Faults, mix,
    trials::{self, guarded, scene},
};

/// A number, and now and then an answer of many times what a pipe holds.
static HASH: Task<u64, Vec<u64>> = Task::new("hash", |x| Ok(hash(x)));

fn hash(x: u64) -> Vec<u64> {
    let length = if x.is_multiple_of(997) { 40_000 } else { 1 };
    vec![mix(x); length]
}

/// How much is done.
#[derive(Clone, Copy)]
struct Extent {
    seeds: u64,
    pieces: u64,
    /// Faults at named points for each seed.
    planned: u64,
    /// Kills at random moments for each seed.
    random: u64,
}

const SHORT: Extent = Extent { seeds: 2, pieces: 4_000, planned: 40, random: 12 };
const FULL: Extent = Extent { seeds: 20, pieces: 5_000, planned: 50, random: 15 };

fn main() {
    if trials::part().is_some() {
        return parent();
    }
    worker::enter_watched(&[HASH.job()], Some(planned_faults));
    let _hang = testkit::watchdog(Duration::from_secs(600));
    let trials = vec![
        trial("faults_at_named_points", || named_points(SHORT)),
        trial("kills_at_random_moments", || random_moments(SHORT)),
        trial("a_killed_parent_leaves_nothing", || killed_parent(3)),
        trial("in_full_faults_at_named_points", || named_points(FULL)).with_ignored_flag(true),
        trial("in_full_kills_at_random_moments", || random_moments(FULL)).with_ignored_flag(true),
        trial("in_full_a_killed_parent_leaves_nothing", || killed_parent(100)).with_ignored_flag(true),
    ];
    trials::one_at_a_time(trials);
}

fn trial(name: &str, test: fn()) -> Trial {
    guarded("processes-chaos", name, test)
}

fn planned_faults(point: Point) {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults::from_env().expect("a plan that can be read")).at(point.name());
}

/// What workers are given to die of, and what they were given.
#[derive(Default)]
struct Plans {
    given: Mutex<BTreeMap<&'static str, u64>>,
    stops: AtomicU64,
}

/// Each worker that is started dies at a point of its loop, in turn, at a passage drawn from the seed; one in ten stops
/// instead. After `count` of them workers live.
fn doomed(seed: u64, count: u64, plans: &Arc<Plans>) -> Program {
    let (plans, number) = (Arc::clone(plans), AtomicU64::new(0));
    Program::new(move || {
        let mut command = Command::new("/proc/self/exe");
        let number = number.fetch_add(1, Ordering::Relaxed);
        if number < count {
            let point = Point::ALL[(number + seed) as usize % 6];
            let drawn = mix(seed << 32 | number);
            let plan = if drawn.is_multiple_of(10) {
                plans.stops.fetch_add(1, Ordering::Relaxed);
                FaultPlan::new().stop(point.name(), 1 + drawn / 10 % 5)
            } else {
                FaultPlan::new().kill(point.name(), 1 + drawn / 10 % 5)
            };
            *plans.given.lock().unwrap().entry(point.name()).or_default() += 1;
            plan.apply(&mut command);
        }
        command
    })
}

/// Runs all pieces and judges each answer: this one comes once, and is right.
fn all_right(seed: u64, pieces: u64, pool: &Pool<u64, Vec<u64>>) {
    // Half of the seeds take answers in order, half as they come.
    let mut seen = BTreeSet::new();
    let mut judge = |x: u64, answer: Vec<u64>| {
        assert!(answer == hash(x), "seed {seed}: piece {x}");
        assert!(seen.insert(x), "seed {seed}: piece {x} was answered twice");
    };
    if seed.is_multiple_of(2) {
        for (answer, x) in pool.map(0..pieces).zip(0..) {
            judge(x, answer.unwrap_or_else(|failed| panic!("seed {seed}: {failed}")));
        }
    } else {
        for (at, answer) in pool.map_unordered(0..pieces) {
            judge(at as u64, answer.unwrap_or_else(|failed| panic!("seed {seed}: {failed}")));
        }
    }
    assert_eq!(seen.len() as u64, pieces, "seed {seed}");
}

fn named_points(extent: Extent) {
    let plans = Arc::new(Plans::default());
    let mut sum = Report::default();
    for seed in 0..extent.seeds {
        let chunk = 1 + mix(seed) as usize % 12;
        // A piece may have the bad luck of many workers; only a poisonous one has it each time.
        let settings = Pool::of(&HASH).workers(2 + seed as usize % 3).chunk(chunk).tries(100);
        let pool = settings
            .limit(Duration::from_millis(60))
            .program(doomed(seed, extent.planned, &plans))
            .start()
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        all_right(seed, extent.pieces, &pool);
        let report = pool.close();
        // A stop is seen as a worker that is late; a machine that is busy may make others late, too.
        assert!(report.died >= extent.planned, "seed {seed}: only {report:?}");
        assert_eq!(report.started, report.died + 2 + seed % 3, "seed {seed}: {report:?}");
        sum = Report {
            started: sum.started + report.started,
            died: sum.died + report.died,
            late: sum.late + report.late,
            answered: sum.answered + report.answered,
            ..sum
        };
    }
    let stops = plans.stops.load(Ordering::Relaxed);
    assert!(sum.late >= stops && stops > 0, "{sum:?}, {stops} stops");
    assert_eq!(sum.answered, extent.seeds * extent.pieces);
    let given = plans.given.lock().unwrap();
    assert_eq!(given.values().sum::<u64>(), extent.seeds * extent.planned);
    eprintln!("{} pieces, {} workers died, {} of them stopped: {given:?}", sum.answered, sum.died, sum.late);
}

fn random_moments(extent: Extent) {
    let mut killed = 0;
    for seed in 0..extent.seeds {
        let pool = Pool::of(&HASH).workers(3).chunk(1 + mix(seed) as usize % 50).tries(100).start().unwrap();
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            let killer = scope.spawn(|| {
                let (mut kills, mut before) = (0, 0);
                for draw in 0.. {
                    if kills == extent.random || ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let drawn = mix(seed << 32 | draw);
                    thread::sleep(Duration::from_micros(drawn % 3_000));
                    // Not again before something was done: who kills all workers while they start proves that no
                    // pool can work so, and it says so.
                    let answered = pool.report().answered;
                    if answered == before {
                        continue;
                    }
                    let workers = pool.workers();
                    // Those that have ended meanwhile refuse, and do not count.
                    let Some(worker) = workers.get(drawn as usize % workers.len().max(1)) else { continue };
                    if worker.is_alive() && worker.kill().is_ok() {
                        kills += 1;
                        before = answered;
                    }
                }
                kills
            });
            // Again until all kills were done: how far a run gets in between is up to the machine.
            let mut round = seed;
            while !killer.is_finished() {
                all_right(round, extent.pieces, &pool);
                round += 2;
            }
            ended.store(true, Ordering::Relaxed);
            killed += killer.join().unwrap();
        });
        all_right(seed, extent.pieces, &pool);
        let report = pool.close();
        assert!(report.died <= extent.random && report.died > 0, "seed {seed}: {report:?}");
    }
    assert_eq!(killed, extent.seeds * extent.random);
    eprintln!("{killed} kills at random moments");
}

/// A parent whose pool is busy is killed; its workers, named by it before, end. Seen from outside.
fn killed_parent(times: u64) {
    for round in 0..times {
        let mut parent = scene("parent").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines().map(Result::unwrap);
        let workers: Vec<_> = lines
            .by_ref()
            .take(3)
            .map(|pid| pidfd_open(Pid::from_raw(pid.parse().unwrap()).unwrap(), PidfdFlags::empty()).unwrap())
            .collect();
        thread::sleep(Duration::from_micros(mix(round) % 2_000));
        parent.kill().unwrap();
        parent.wait().unwrap();
        for worker in workers {
            let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
            let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&limit)).unwrap();
            assert_eq!(ended, 1, "round {round}: a worker outlives its caller");
        }
        // Nobody holds the pipe of its output any more: not even a worker that nobody has named.
        assert_eq!(lines.count(), 0);
    }
}

fn parent() {
    let own = Program::new(|| Command::new("/proc/self/exe"));
    let pool = Pool::of(&HASH).workers(3).program(own).start().unwrap();
    for worker in pool.workers() {
        println!("{}", worker.pid());
    }
    pool.map(0..).for_each(drop);
}
