//! Workers are killed at each point of their loop and at random moments, and callers with all that they started.

use std::{
    io::{BufRead, BufReader},
    os::fd::AsFd,
    process::{Command, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use contract::{Usual, each_piece_once};
use ipc::mechanisms::{Carrier, with_program};
use processes::{Program, child::active_children};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
    time::Timespec,
};
use testkit::{FaultPlan, Faults, mix};
use workload::{RunError, Timeline, Workers, sequential};

use super::{Numbers, Special, long};

const POINTS: [&str; 7] = ["started", "connected", "known", "taken", "worked", "half sent", "sent"];

pub(crate) fn die_as_planned(point: &'static str) {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults::from_env().expect("a plan that can be read")).at(point);
}

/// The first `count` workers are killed at the `nth` passage of `point`.
fn doomed(point: &'static str, nth: u64, count: u64) -> Program {
    let number = Arc::new(AtomicU64::new(0));
    Program::new(move || {
        let mut command = Command::new("/proc/self/exe");
        if number.fetch_add(1, Relaxed) < count {
            FaultPlan::new().kill(point, nth).apply(&mut command);
        }
        command
    })
}

pub(crate) fn named_points(passages: &[u64]) {
    let work = long();
    let expected = sequential(&work, &Timeline::off()).unwrap();
    let mut kills = 0;
    for carrier in Carrier::ALL {
        for point in POINTS {
            if carrier == Carrier::IpcChannel && point == "half sent" {
                continue;
            }
            // These are passed once in a worker's life.
            let once = ["started", "connected", "known"].contains(&point);
            for &nth in if once { &[1] } else { passages } {
                let timeline = Timeline::on();
                let began = active_children().len();
                // The one worker that there is dies, and the next one too.
                let program = doomed(point, nth, 2);
                let answer = with_program(carrier, &program, &work, Workers::ONE, &timeline);
                assert!(answer.unwrap() == expected, "{carrier:?}, killed at passage {nth} of {point}");
                each_piece_once(&timeline, 40, 1);
                // Those that were answered: the dead have none.
                assert!(!timeline.exchanges().is_empty());
                let pids: std::collections::BTreeSet<u32> =
                    timeline.spans().iter().map(|span| span.pid).collect();
                assert!(!pids.is_empty() && active_children().len() == began);
                kills += 2;
            }
        }
    }
    eprintln!("{kills} kills at named points");
}

pub(crate) fn random_moments(kills: u64) {
    let work = long();
    let expected = sequential(&work, &Timeline::off()).unwrap();
    for (carrier, seed) in Carrier::ALL.into_iter().zip(1..) {
        let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                for draw in 0.. {
                    if done.load(Relaxed) == kills || over.load(Relaxed) {
                        return;
                    }
                    let drawn = mix(seed << 32 | draw);
                    // Longer than a start on average, or no worker would ever come to work.
                    thread::sleep(Duration::from_micros(drawn % 40_000));
                    let workers = active_children();
                    let Some(worker) = workers.get(drawn as usize % workers.len().max(1)) else { continue };
                    if worker.is_alive() && worker.kill().is_ok() {
                        done.fetch_add(1, Relaxed);
                    }
                }
            });
            // Again until all kills were done: how far a run gets in between is up to the machine.
            while done.load(Relaxed) < kills {
                match with_program(
                    carrier,
                    &Program::this(),
                    &work,
                    Workers::new(3).unwrap(),
                    &Timeline::off(),
                ) {
                    Ok(answer) => assert!(answer == expected, "{carrier:?}, seed {seed}"),
                    // Three in a row at the same order: bad luck, told as it is.
                    Err(RunError::Poison { deaths, .. }) => {
                        assert!(deaths.iter().all(|how| how.contains("signal 9")), "{carrier:?}: {deaths:?}");
                    }
                    // No worker came up twice in a row: a pool takes such a program for broken.
                    Err(RunError::Start { why, .. }) if why.contains("signal 9") => {}
                    Err(error) => {
                        over.store(true, Relaxed);
                        panic!("{carrier:?}, seed {seed}: {error}");
                    }
                }
            }
        });
        eprintln!("{carrier:?}: {} kills at random moments", done.into_inner());
    }
}

/// A caller whose workers are busy is killed; its workers, named by it before, end. Seen from outside.
pub(crate) fn killed_caller(times: u64) {
    for carrier in 0..Carrier::ALL.len() {
        for round in 0..times {
            let mut caller = Command::new("/proc/self/exe")
                .args(["scene-caller", &carrier.to_string()])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(caller.stdout.take().unwrap()).lines().map(Result::unwrap);
            let workers: Vec<_> = (lines.by_ref().take(3))
                .map(|pid| {
                    pidfd_open(Pid::from_raw(pid.parse().unwrap()).unwrap(), PidfdFlags::empty()).unwrap()
                })
                .collect();
            thread::sleep(Duration::from_micros(mix(round) % 2_000));
            caller.kill().unwrap();
            caller.wait().unwrap();
            for worker in workers {
                let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
                let ended = poll(&mut [PollFd::new(&worker.as_fd(), PollFlags::IN)], Some(&limit)).unwrap();
                assert_eq!(ended, 1, "{carrier}, round {round}: a worker outlives its caller");
            }
            // Nobody holds the pipe of its output any more: not even a worker that nobody has named.
            assert_eq!(lines.count(), 0);
        }
    }
}

/// Works for ever with three workers, and names them when each has answered once.
pub(crate) fn caller(carrier: &str) {
    let carrier = Carrier::ALL[carrier.parse::<usize>().unwrap()];
    let timeline = Timeline::on();
    thread::scope(|scope| {
        scope.spawn(|| {
            let workers = loop {
                let pids: std::collections::BTreeSet<u32> =
                    timeline.spans().iter().map(|span| span.pid).collect();
                if pids.len() == 3 {
                    break pids;
                }
                thread::yield_now();
            };
            for pid in workers {
                println!("{pid}");
            }
        });
        let endless = Numbers::with(1 << 20, [(1 << 19, Special::Usual(Usual::Large(1 << 20)))]);
        loop {
            let own = Program::new(|| Command::new("/proc/self/exe"));
            with_program(carrier, &own, &endless, Workers::new(3).unwrap(), &timeline).unwrap();
        }
    });
}
