//! Whatever happens to a worker, the caller gets a clear error, at once, and nothing is left: no process, no
//! zombie, no descriptor.

mod support;

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::Duration,
};

use libtest_mimic::{Arguments, Trial};
use processes::{
    Program, frame, mechanisms, process_dynamic, process_static,
    worker::{self, Point},
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, setrlimit},
    time::Timespec,
};
use support::{Numbers, Special};
use testkit::{FaultPlan, Faults, LeakGuard, run_within};
use workload::{RunError, Timeline, Workers};

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
        trial("killed_at_each_point", killed_at_each_point),
        trial("a_failing_piece_has_its_index", failing_piece),
        trial("an_ending_worker_is_named", ending_worker),
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
    let chunks = process_dynamic::Chunks::Measured;
    [
        process_static::with_program(program, work, two(), &timeline),
        process_dynamic::with_program(program, chunks, work, two(), &timeline),
    ]
}

fn with_faults(plan: FaultPlan) -> Program {
    Program::new(move || {
        let mut command = Command::new("/proc/self/exe");
        plan.apply(&mut command);
        command
    })
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

fn killed_at_each_point() {
    for point in Point::ALL {
        for (static_too, result) in [true, false]
            .into_iter()
            .zip(both(&with_faults(FaultPlan::new().kill(point.name(), 1)), &Numbers::plain(40)))
        {
            match result {
                Err(RunError::WorkerDied { worker, pid, how, unfinished }) => {
                    assert!(worker < 2 && pid > 0 && unfinished > 0, "{point:?}");
                    assert!(how.contains("signal 9 (SIGKILL"), "{point:?}: {how}");
                    assert_eq!(how.contains("middle of a message"), point == Point::MidWrite, "{how}");
                }
                // With a static split nothing is left to do after the reply.
                Ok(answer) => {
                    assert!(static_too && point == Point::AfterWrite, "{point:?}");
                    assert_eq!(answer, (0..40).collect::<Vec<_>>());
                }
                other => panic!("{point:?}: {other:?}"),
            }
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

fn ending_worker() {
    for (special, words) in
        [(Special::Exit(0), "exited with code 0"), (Special::Exit(3), "code 3"), (Special::Abort, "SIGABRT")]
    {
        for result in both(&Program::this(), &Numbers::with(40, [(13, special)])) {
            match result {
                Err(RunError::WorkerDied { how, .. }) => assert!(how.contains(words), "{how}"),
                other => panic!("{other:?}"),
            }
        }
    }
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
        assert!(matches!(result, Err(RunError::WorkerDied { .. })), "{result:?}");
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
