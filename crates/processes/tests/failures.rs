//! Whatever happens to a worker, the caller gets the right answer or a clear error, and nothing is left: no process,
//! no zombie, no descriptor.

mod support;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Output, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use libtest_mimic::{Arguments, Trial};
use processes::{
    Program, frame, mechanisms,
    process_dynamic::{self, Chunks},
    process_static,
    worker::{self, Point},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, getpid, getrlimit, kill_process, pidfd_open, setrlimit,
    },
    time::Timespec,
};
use support::{Numbers, Special};
use testkit::{FaultPlan, Faults, LeakGuard, run_within};
use workload::{RunError, Timeline, Workers, sequential};

/// Passing it means "hangs".
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    // A scene is another program: this one, playing a part that would end or spoil the tests' own process.
    if let Some(scene) = env::args().nth(1).and_then(|first| first.strip_prefix("scene-").map(str::to_owned))
    {
        return play(&scene);
    }
    worker::enter_watched(&[worker::job::<Numbers>()], Some(planned_faults));
    let _hang = testkit::watchdog(Duration::from_secs(300));
    let trials = vec![
        trial("killed_at_each_point_nothing_is_lost", killed_at_each_point),
        trial("large_parts_cut_in_half_nothing_is_lost", large_parts_cut_in_half),
        trial("killed_while_it_starts_nothing_is_lost", killed_while_it_starts),
        trial("pieces_that_kill_all_are_poison", poison),
        trial("a_worker_that_cannot_be_replaced_is_an_error", no_replacement),
        trial("failures_are_not_tried_again", failures_are_not_tried_again),
        trial("a_failing_piece_has_its_index", failing_piece),
        trial("a_piece_that_ends_its_worker_is_poison", ending_piece),
        trial("a_hung_worker_does_not_outlive_the_failure_of_another", hung_and_failed),
        trial("a_killed_caller_leaves_no_worker", killed_caller),
        trial("a_program_without_the_line_is_named", without_the_line),
        trial("a_program_without_the_line_does_not_multiply", no_fork_bomb),
        trial("an_unknown_job_is_named", unknown_job),
        trial("a_hostile_worker_is_a_protocol_error", hostile),
        trial("no_descriptors_left", no_descriptors),
        trial("a_program_that_is_not_there", not_there),
        trial("a_part_that_is_too_long", too_long),
        trial("panics_are_not_printed_by_workers", silent_panics),
        trial("a_deleted_program_still_starts_workers", deleted),
    ];
    // One at a time: what a test leaves behind is looked for in the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit();
}

fn planned_faults(point: Point) {
    static FAULTS: OnceLock<Faults> = OnceLock::new();
    FAULTS.get_or_init(|| Faults::from_env().expect("a plan that can be read")).at(point.name());
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new("processes-test");
        test();
        Ok(guard.check()?)
    })
}

fn two() -> Workers {
    Workers::new(2).unwrap()
}

/// Static and dynamic, on `program`.
fn both(program: &Program, work: &Numbers) -> [Result<Vec<u64>, RunError>; 2] {
    let timeline = Timeline::off();
    [
        process_static::with_program(program, work, two(), &timeline),
        process_dynamic::with_program(program, Chunks::Measured, work, two(), &timeline),
    ]
}

type Form = fn(&Program, &Numbers) -> Result<Vec<u64>, RunError>;

/// The mechanisms, with their chunks.
const FORMS: [(&str, Form); 3] = [
    ("static", |program, work| process_static::with_program(program, work, two(), &Timeline::off())),
    ("dynamic", |program, work| {
        process_dynamic::with_program(program, Chunks::Measured, work, two(), &Timeline::off())
    }),
    ("single", |program, work| {
        process_dynamic::with_program(program, Chunks::Single, work, two(), &Timeline::off())
    }),
];

/// This program with these faults, and a count of how often it was started.
fn with_faults(plan: FaultPlan) -> (Program, Arc<AtomicUsize>) {
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let program = Program::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        let mut command = Command::new("/proc/self/exe");
        plan.apply(&mut command);
        command
    });
    (program, started)
}

fn scene(name: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(format!("scene-{name}"));
    command
}

fn scene_program(name: &'static str) -> Program {
    Program::new(move || scene(name))
}

fn play_within(name: &str) -> (Output, String) {
    // By its path: /proc/self would be the child that run_within starts, which is the same program too.
    let output = run_within(LIMIT, &mut scene(name)).unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, text)
}

/// Both mechanisms, dynamic also with single pieces, on workers of which `deaths` die, each at its first passage of
/// `point`. Each gives the sequential answer, and all the deaths did happen.
fn lose_nothing(point: Point, deaths: usize, work: &Numbers) {
    let expected = sequential(work, &Timeline::off()).unwrap();
    for (name, run) in FORMS {
        let struck = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
        // The first rule strikes in the first process that passes, the second one in another, and so on.
        let plan =
            (0..deaths).fold(FaultPlan::new().once_in(struck.path()), |plan, _| plan.kill(point.name(), 1));
        let (program, started) = with_faults(plan);
        let context = format!("{name}, {}", point.name());
        let answer = run(&program, work).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(answer == expected, "{context}: another answer");
        assert_eq!(fs::read_dir(struck.path()).unwrap().count(), deaths, "{context}: not all have died");
        let started = started.load(Ordering::Relaxed);
        // Who dies after its last answer needs no other in its place.
        let needed = if point == Point::AfterWrite { 2..=2 + deaths } else { 2 + deaths..=2 + deaths };
        assert!(needed.contains(&started), "{context}: {started} workers for {deaths} deaths");
    }
}

fn killed_at_each_point() {
    for point in Point::ALL {
        for deaths in [1, 2] {
            lose_nothing(point, deaths, &Numbers::plain(40));
        }
    }
}

fn large_parts_cut_in_half() {
    // Far more than a pipe holds: half of it stands here when its worker dies.
    let large = Special::Large(3 << 20);
    for point in [Point::MidWrite, Point::AfterWrite] {
        lose_nothing(point, 2, &Numbers::with(6, [(0, large), (3, large), (5, large)]));
    }
}

fn poison() {
    for point in Point::ALL {
        for (name, run) in FORMS {
            let (everyone, started) = with_faults(FaultPlan::new().kill(point.name(), 1));
            let context = format!("{name}, {}", point.name());
            match run(&everyone, &Numbers::plain(40)) {
                // The first order of one of the two: a share, or a single piece.
                Err(RunError::Poison { workload: "numbers", pieces, deaths }) => {
                    let firsts = if name == "static" { [0..20, 20..40] } else { [0..1, 1..2] };
                    assert!(firsts.contains(&pieces), "{context}: {pieces:?}");
                    assert_eq!(deaths.len(), 3, "{context}");
                    for how in deaths {
                        assert!(how.contains("signal 9 (SIGKILL"), "{context}: {how}");
                        let cut = how.contains("middle of a message");
                        assert_eq!(cut, point == Point::MidWrite, "{context}: {how}");
                    }
                    assert!((4..=6).contains(&started.load(Ordering::Relaxed)), "{context}: {started:?}");
                }
                // Each worker answers once before it dies, so there is an end.
                Ok(answer) => {
                    assert_eq!(point, Point::AfterWrite, "{context}");
                    assert_eq!(answer, (0..40).collect::<Vec<_>>(), "{context}");
                }
                other => panic!("{context}: {other:?}"),
            }
        }
    }
}

fn killed_while_it_starts() {
    // Of the first three workers, two at most stand in the same place.
    for doomed in [1, 3, usize::MAX] {
        for (name, run) in FORMS {
            let number = AtomicUsize::new(0);
            let program = Program::new(move || match number.fetch_add(1, Ordering::Relaxed) {
                first if first < doomed => scene("killed"),
                _ => Command::new("/proc/self/exe"),
            });
            match run(&program, &Numbers::plain(40)) {
                Ok(answer) => {
                    assert!(doomed <= 3 && answer == (0..40).collect::<Vec<_>>(), "{name}, {doomed}");
                }
                Err(RunError::Poison { deaths, .. }) => {
                    assert!(doomed == usize::MAX && deaths.len() == 3, "{name}, {doomed}: {deaths:?}");
                    assert!(deaths[0].contains("signal 9") && deaths[0].contains("without a word"), "{name}");
                }
                other => panic!("{name}, {doomed}: {other:?}"),
            }
        }
    }
}

fn no_replacement() {
    for (name, run) in FORMS {
        let number = AtomicUsize::new(0);
        let plan = FaultPlan::new().kill(Point::MidWork.name(), 1);
        let program = Program::new(move || {
            let first = number.fetch_add(1, Ordering::Relaxed) < 2;
            let mut command = Command::new(if first { "/proc/self/exe" } else { "/no/such/program" });
            plan.apply(&mut command);
            command
        });
        match run(&program, &Numbers::plain(40)) {
            Err(RunError::Start { what, .. }) => assert!(what.ends_with(" of 2"), "{name}: {what}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn failures_are_not_tried_again() {
    for special in [Special::Fail, Special::Panic] {
        for (name, run) in FORMS {
            let (program, started) = with_faults(FaultPlan::new());
            let error = run(&program, &Numbers::with(40, [(17, special)])).unwrap_err();
            assert_eq!(error.piece(), Some(17), "{name}");
            assert_eq!(started.load(Ordering::Relaxed), 2, "{name}");
        }
    }
}

fn failing_piece() {
    for bad in [0, 17, 39] {
        for result in both(&Program::this(), &Numbers::with(40, [(bad, Special::Fail)])) {
            match result {
                Err(RunError::Piece { workload: "numbers", piece, why }) => {
                    assert_eq!((piece, why.to_string()), (bad, format!("{bad} is bad")));
                }
                other => panic!("{other:?}"),
            }
        }
        for result in both(&Program::this(), &Numbers::with(40, [(bad, Special::Panic)])) {
            match result {
                Err(RunError::Panicked { workload: "numbers", piece, message }) => {
                    assert_eq!((piece, message), (bad, format!("{bad} is worse")));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn ending_piece() {
    for (special, words) in
        [(Special::Exit(0), "exited with code 0"), (Special::Exit(3), "code 3"), (Special::Abort, "SIGABRT")]
    {
        for (name, run) in FORMS {
            match run(&Program::this(), &Numbers::with(40, [(13, special)])) {
                Err(RunError::Poison { pieces, deaths, .. }) => {
                    assert!(pieces.contains(&13), "{name}: {pieces:?}");
                    assert!(name != "single" || pieces.len() == 1, "{name}: {pieces:?}");
                    assert!(deaths.len() == 3 && deaths.iter().all(|how| how.contains(words)), "{deaths:?}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    let text = process_static::with_program(
        &Program::this(),
        &Numbers::with(2, [(1, Special::Exit(3))]),
        two(),
        &Timeline::off(),
    );
    let text = text.unwrap_err().to_string();
    let all = ["exited with code 3"; 3].join("; ");
    assert_eq!(text, format!("numbers: piece 1 ended all 3 workers that tried: {all}"));
}

fn hung_and_failed() {
    // Forced, not timed: piece 0 never ends, so the failure can only be noticed while it hangs.
    for result in both(&Program::this(), &Numbers::with(2, [(0, Special::Hang), (1, Special::Fail)])) {
        assert!(matches!(result, Err(RunError::Piece { piece: 1, .. })), "{result:?}");
    }
}

fn killed_caller() {
    let mut caller = scene("hanging").stderr(Stdio::piped()).spawn().unwrap();
    // Both workers print their process id, on what the caller has as standard error, and hang.
    let lines = BufReader::new(caller.stderr.take().unwrap()).lines();
    let workers: Vec<_> = lines.take(2).map(|line| line.unwrap().parse().unwrap()).collect();
    let workers =
        workers.into_iter().map(|pid| pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()).unwrap());
    let workers: Vec<_> = workers.collect();
    caller.kill().unwrap();
    caller.wait().unwrap();
    for worker in workers {
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ended, 1, "a worker outlives its caller");
    }
}

fn without_the_line() {
    for result in both(&scene_program("nothing"), &Numbers::plain(4)) {
        match result {
            Err(RunError::WorkerDied { how, unfinished, .. }) => {
                assert!(how.contains("exited with code 0 without a word") && unfinished > 0, "{how}");
            }
            other => panic!("{other:?}"),
        }
    }
    let patience = Duration::from_millis(50);
    for result in both(&scene_program("silence").patience(patience), &Numbers::plain(4)) {
        match result {
            Err(RunError::Protocol { why, .. }) => assert!(why.contains("first line of its main"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

fn no_fork_bomb() {
    let (output, text) = play_within("without-line");
    assert_eq!(output.status.code(), Some(1), "{text}");
    // The first of the family gets so far as to start two; those, and nobody else, are refused.
    let lines = |what| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(lines("without a word"), 1, "{text}");
    assert!((1..=2).contains(&lines("itself started as a worker")), "{text}");
}

fn unknown_job() {
    let timeline = Timeline::off();
    for mechanism in mechanisms::<workload::Empty>() {
        let error = (mechanism.run)(&workload::Empty { pieces: 3 }, two(), &timeline).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("does not know the job `empty`, only: numbers"), "{text}");
    }
}

fn hostile() {
    for (name, words) in [
        ("hostile-text", "bytes, where at most"),
        ("hostile-magic", "something else"),
        ("hostile-version", "version 999"),
        ("hostile-nonce", "nonce"),
        ("hostile-reply", "is not the message expected"),
        ("hostile-pieces", "a reply about pieces 7..9"),
        ("hostile-flood", "a reply about pieces 7..9"),
    ] {
        for result in both(&scene_program(name), &Numbers::plain(4)) {
            match result {
                Err(RunError::Protocol { why, .. }) => assert!(why.contains(words), "{name}: {why}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
    for result in both(&scene_program("hostile-half"), &Numbers::plain(4)) {
        match result {
            Err(RunError::Poison { deaths, .. }) => {
                assert_eq!(deaths, ["exited with code 0 in the middle of a message"; 3]);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn no_descriptors() {
    let (output, text) = play_within("limited");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("cannot start worker ") && text.contains("Too many open files"), "{text}");
}

fn not_there() {
    for result in both(&Program::new(|| Command::new("/no/such/program")), &Numbers::plain(4)) {
        match result {
            Err(RunError::Start { what, .. }) => assert_eq!(what, "worker 1 of 2"),
            other => panic!("{other:?}"),
        }
    }
}

fn too_long() {
    let work = Numbers::with(2, [(1, Special::Large(frame::LIMIT + 1000))]);
    for result in both(&Program::this(), &work) {
        match result {
            Err(RunError::Piece { why, .. }) => assert!(why.to_string().contains("where at most"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

fn silent_panics() {
    let (output, text) = play_within("panicking");
    assert!(output.status.success());
    assert_eq!(text, "numbers: piece 0 panicked: 0 is worse\n");
}

fn deleted() {
    let directory = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
    let copy = directory.path().join("copy");
    fs::copy(env::current_exe().unwrap(), &copy).unwrap();
    let output = run_within(LIMIT, Command::new(&copy).arg("scene-deleting")).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!copy.exists());
}

/// What this program does when it is another one.
fn play(scene: &str) {
    let scenes: &[(&str, fn())] = &[
        ("nothing", || {}),
        ("killed", || kill_process(getpid(), Signal::KILL).unwrap()),
        ("silence", || {
            loop {
                thread::park();
            }
        }),
        ("hanging", || {
            let own = Program::new(|| Command::new("/proc/self/exe"));
            let hang = [(0, Special::Hang), (1, Special::Hang)];
            let _never = process_static::with_program(&own, &Numbers::with(2, hang), two(), &Timeline::off());
        }),
        ("without-line", || {
            let own = scene_program("without-line");
            let result = process_static::with_program(&own, &Numbers::plain(4), two(), &Timeline::off());
            eprintln!("{}", result.unwrap_err());
            std::process::exit(1);
        }),
        ("panicking", || {
            let work = Numbers::with(2, [(0, Special::Panic)]);
            let own = Program::new(|| Command::new("/proc/self/exe"));
            eprintln!("{}", process_static::with_program(&own, &work, two(), &Timeline::off()).unwrap_err());
        }),
        ("limited", || {
            let guard = LeakGuard::new("processes-test");
            let maximum = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: Some(40), maximum }).unwrap();
            for mechanism in mechanisms::<Numbers>() {
                let many = Workers::new(100).unwrap();
                let result = (mechanism.run)(&Numbers::plain(200), many, &Timeline::off());
                eprintln!("{}", result.unwrap_err());
            }
            guard.check().unwrap();
        }),
        ("deleting", || {
            fs::remove_file(env::current_exe().unwrap()).unwrap();
            let answers = both(&Program::this(), &Numbers::plain(4));
            assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == &[0, 1, 2, 3]));
        }),
    ];
    match scenes.iter().find(|(name, _)| *name == scene) {
        Some((_, play)) => play(),
        None => lie(scene.strip_prefix("hostile-").expect("a scene that exists")),
    }
}

/// A worker that does not keep to the protocol, in one way.
fn lie(how: &str) {
    const MAGIC: [u8; 4] = *b"prcs";
    let mark = env::args().next_back().unwrap();
    let nonce = u64::from_str_radix(mark.rsplit(':').next().unwrap(), 16).unwrap();
    let mut out = std::io::stdout();
    let mut say = |frame: &[u8]| out.write_all(frame).and_then(|()| out.flush());
    let nobody: Option<String> = None;
    let welcome = frame::encode(&(MAGIC, 1u16, nonce, &nobody)).unwrap();
    // (first, count, part, nanoseconds, spans), as in a reply.
    let part: Result<Vec<u64>, ()> = Ok(vec![1, 2]);
    let reply = frame::encode(&(7usize, 2usize, part, 5u64, Vec::<u64>::new())).unwrap();
    // Whether the caller still listens is not this worker's concern.
    let _ = match how {
        "text" => say(b"hello from main\n"),
        "magic" => say(&frame::encode(&(*b"HTTP", 1u16, nonce, &nobody)).unwrap()),
        "version" => say(&frame::encode(&(MAGIC, 999u16, "whatever")).unwrap()),
        "nonce" => say(&frame::encode(&(MAGIC, 1u16, nonce ^ 1, &nobody)).unwrap()),
        "reply" => say(&welcome).and_then(|()| say(&frame::encode(&[0xff_u8; 3]).unwrap())),
        "pieces" => say(&welcome).and_then(|()| say(&reply)),
        "half" => say(&welcome).and_then(|()| say(&reply[..reply.len() / 2])),
        "flood" => say(&welcome).and_then(|()| {
            loop {
                say(&reply)?;
            }
        }),
        other => panic!("{other}"),
    };
    if how != "half" {
        loop {
            thread::park();
        }
    }
}
