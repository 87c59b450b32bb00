//! Whatever carries the messages, however many workers there are, and whoever is killed when: the answer is the sequential
//! one, and nothing is left: no process, no descriptor, no socket, no directory.
//!
//! A short form runs with the other tests; `just chaos` runs the full one. What is random comes from a seed, which a failure
//! names.

mod alone;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    os::{
        fd::AsFd,
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixStream},
    },
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    sync::{OnceLock, atomic::AtomicBool},
    thread,
    time::Duration,
};

use contract::{each_piece_once, same_as_sequential};
use ipc::mechanisms::{self, Carrier, JOBS, job, mechanisms, with_program};
use libtest_mimic::{Arguments, Trial};
use processes::{Program, child::active_children, worker};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open},
    time::Timespec,
};
use serde::{Deserialize, Serialize};
use testkit::{FaultPlan, Faults, LeakGuard, mix};
use workload::{
    Empty, Fetch, Mandelbrot, PieceError, Primes, RunError, Size, Timeline, Words, Workers, Workload,
    sequential,
};

fn main() {
    mechanisms::watch(die_as_planned);
    worker::enter(&[JOBS.as_slice(), &[job::<Numbers>()]].concat());
    if env::args().nth(1).as_deref() == Some("scene-caller") {
        return caller(&env::args().nth(2).unwrap());
    }
    alone::be_alone();
    let _hang = testkit::watchdog(Duration::from_secs(900));
    let trials = vec![
        trial("mandelbrot", || for_all(&Mandelbrot::sized(Size::Test), &[1, 2, 3, 8])),
        trial("words", || for_all(&Words::sized(Size::Test), &[1, 2, 3, 8])),
        trial("primes", || for_all(&Primes::sized(Size::Test), &[1, 2, 3, 8])),
        // Without a look at descriptors: the client that it is compared with keeps a connection of this process open.
        Trial::test("fetch", || {
            let (work, _server) = Fetch::local_sized(Size::Test).unwrap();
            for_all(&work, &[1, 2, 8]);
            Ok(())
        }),
        trial("empty", || for_all(&Empty { pieces: 1_000 }, &[1, 2])),
        trial("few_pieces_or_none", || {
            for pieces in [0, 1, 2, 7] {
                for_all(&Numbers::plain(pieces), &[1, 2, 3, 8]);
            }
        }),
        trial("many_pieces", || for_all(&Numbers::plain(10_000), &[1, 2, 8])),
        trial("long_parts", || for_all(&long(), &[1, 2, 3])),
        trial("a_piece_that_fails_or_panics_says_so", failures),
        trial("a_piece_that_kills_each_worker_is_reported", poison),
        trial("a_program_that_is_no_worker_is_reported", no_worker),
        trial("strangers_at_the_door_change_nothing", strangers),
        trial("killed_at_each_point", || named_points(&[1, 2])),
        trial("killed_at_random_moments", || random_moments(10)),
        trial("a_killed_caller_leaves_nothing", || killed_caller(2)),
        trial("in_full_killed_at_each_point", || named_points(&[1, 2, 3, 5, 8, 13])).with_ignored_flag(true),
        trial("in_full_killed_at_random_moments", || random_moments(170)).with_ignored_flag(true),
        trial("in_full_a_killed_caller_leaves_nothing", || killed_caller(30)).with_ignored_flag(true),
    ];
    // One at a time: what a test leaves behind is looked for in the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new("");
        test();
        Ok(guard.check()?)
    })
}

fn for_all<W: Workload>(work: &W, workers: &[usize]) {
    same_as_sequential(work, &mechanisms(), workers);
}

type Numbers = contract::Numbers<Special>;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Special {
    Fail,
    Panic,
    Kill,
    /// Knocks at all doors that can be seen, without a key.
    Knock,
    /// A part of so many bytes.
    Long(usize),
}

impl contract::Special for Special {
    fn act(self, piece: usize) -> Result<Option<Vec<u64>>, PieceError> {
        match self {
            Special::Fail => return Err(PieceError::new(format_args!("{piece} is bad"))),
            Special::Panic => panic!("{piece} is worse"),
            Special::Kill => kill_process(getpid(), Signal::KILL).unwrap(),
            Special::Knock => knock(),
            Special::Long(bytes) => return Ok(Some(vec![u64::MAX - piece as u64; bytes / 10])),
        }
        Ok(None)
    }
}

/// Parts that no buffer holds.
fn long() -> Numbers {
    let long = Special::Long(3 << 20);
    Numbers::with(40, [(0, long), (1, long), (5, long), (39, long)])
}

fn two() -> Workers {
    Workers::new(2).unwrap()
}

fn each<W: Workload>(work: &W, judge: impl Fn(Carrier, Result<W::Part, RunError>)) {
    for carrier in Carrier::ALL {
        judge(carrier, with_program(carrier, &Program::this(), work, two(), &Timeline::off()));
    }
}

fn failures() {
    each(&Numbers::with(100, [(40, Special::Fail)]), |carrier, fails| {
        assert_eq!(fails.unwrap_err().to_string(), "numbers: piece 40: 40 is bad", "{carrier:?}");
    });
    each(&Numbers::with(100, [(70, Special::Panic)]), |carrier, panics| {
        let told = "numbers: piece 70 panicked: 70 is worse";
        assert_eq!(panics.unwrap_err().to_string(), told, "{carrier:?}");
    });
}

fn poison() {
    each(&Numbers::with(100, [(40, Special::Kill)]), |carrier, error| {
        let error = error.unwrap_err();
        let RunError::Poison { pieces, deaths, .. } = &error else { panic!("{carrier:?}: {error}") };
        assert!(pieces.contains(&40), "{carrier:?}: {error}");
        let kills = deaths.iter().filter(|how| how.contains("signal 9")).count();
        assert_eq!((deaths.len(), kills), (3, 3), "{carrier:?}: {error}");
    });
}

fn no_worker() {
    let program = Program::new(|| Command::new("true"));
    for carrier in Carrier::ALL {
        let answer = with_program(carrier, &program, &Numbers::plain(9), two(), &Timeline::off());
        assert!(matches!(answer, Err(RunError::Start { .. })), "{carrier:?}: {answer:?}");
    }
}

/// With a stranger who says nothing, one who says too much, one with a wrong key, and one who goes at once; before the
/// workers that come after a kill.
fn strangers() {
    let special = [(1, Special::Knock), (20, Special::Knock)];
    for carrier in [Carrier::UnixSocket, Carrier::IpcChannel] {
        let work = Numbers::with(40, special);
        let plan = FaultPlan::new().kill("taken", 4);
        let program = Program::new(move || {
            let mut command = Command::new("/proc/self/exe");
            plan.apply(&mut command);
            command
        });
        // Each worker dies at its fourth order: all that follow have strangers before them.
        let answer = with_program(carrier, &program, &work, two(), &Timeline::off());
        assert_eq!(answer.unwrap(), (0..40).collect::<Vec<_>>(), "{carrier:?}");
    }
}

fn knock() {
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    // Those that listen have flag 00010000 (include/uapi/linux/net.h, __SO_ACCEPTCON).
    let doors = sockets.lines().filter(|line| line.split_whitespace().nth(3) == Some("00010000"));
    let mut doors = doors.filter_map(|line| line.split_once("@rust-ipc-")).peekable();
    assert!(doors.peek().is_some(), "no door");
    for (_, name) in doors.filter(|(_, name)| name.len() == 32) {
        let address = SocketAddr::from_abstract_name(format!("rust-ipc-{name}")).unwrap();
        let says: [&[u8]; 4] = [b"", b"\0", &[0xff; 100], &[[0, 0, 0, 38].as_slice(), &[7; 38]].concat()];
        for say in says {
            // One of another test may be closing.
            let Ok(mut stranger) = UnixStream::connect_addr(&address) else { continue };
            let _ = stranger.write_all(say);
            // It stays as long as this process does.
            std::mem::forget(stranger);
        }
        drop(UnixStream::connect_addr(&address));
    }
}

// ---- kills

const POINTS: [&str; 7] = ["started", "connected", "known", "taken", "worked", "half sent", "sent"];

fn die_as_planned(point: &'static str) {
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

fn named_points(passages: &[u64]) {
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
                let pids: std::collections::BTreeSet<u32> =
                    timeline.spans().iter().map(|span| span.pid).collect();
                assert!(!pids.is_empty() && active_children().len() == began);
                kills += 2;
            }
        }
    }
    eprintln!("{kills} kills at named points");
}

fn random_moments(kills: u64) {
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
fn killed_caller(times: u64) {
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
fn caller(carrier: &str) {
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
        let endless = Numbers::with(1 << 20, [(1 << 19, Special::Long(1 << 20))]);
        loop {
            let own = Program::new(|| Command::new("/proc/self/exe"));
            with_program(carrier, &own, &endless, Workers::new(3).unwrap(), &timeline).unwrap();
        }
    });
}
