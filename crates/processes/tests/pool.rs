//! The pool: every piece is answered once, rightly, whatever its workers do; and nothing is left behind.

mod acts;

use std::{
    collections::BTreeSet,
    env, io,
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use acts::{ACT, Act, COUNT, SQUARE, STUBBORN, Stubborn};
use libtest_mimic::{Arguments, Trial};
use processes::{
    Program, child, frame,
    pool::{self, Failed, Pool, PoolError, Why},
    worker,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{
        Pid, PidfdFlags, Resource, Rlimit, Signal, getrlimit, kill_process_group, pidfd_open, setrlimit,
    },
    time::Timespec,
};
use testkit::{LeakGuard, run_within};

/// Passing it means "hangs".
const LIMIT: Duration = Duration::from_secs(60);

fn main() {
    if let Some(scene) = env::args().nth(1).and_then(|first| first.strip_prefix("scene-").map(str::to_owned))
    {
        return play(&scene);
    }
    worker::enter(&[SQUARE.job(), ACT.job(), COUNT.job(), STUBBORN.job()]);
    let _hang = testkit::watchdog(Duration::from_secs(300));
    let trials = vec![
        trial("answers_come_in_the_order_of_their_inputs", in_order),
        trial("answers_come_as_they_are_done_each_once", unordered),
        trial("a_submitted_piece_is_waited_for_in_three_ways", submitted),
        trial("an_endless_input_is_read_only_so_far_ahead", endless),
        trial("errors_and_panics_come_back_with_their_stack", told),
        trial("what_cannot_be_encoded_fails_alone", stubborn),
        trial("a_killed_worker_loses_nothing", killed),
        trial("poison_is_reported_with_its_input", poison),
        trial("a_hung_or_stopped_worker_is_replaced", hung),
        trial("long_pieces_within_the_limit_are_left_alone", within_the_limit),
        trial("each_worker_starts_once_with_the_argument", started_once),
        trial("a_start_that_fails_breaks_the_pool", bad_start),
        trial("workers_are_replaced_after_their_pieces", replaced),
        trial("idle_workers_are_used_again", used_again),
        trial("close_waits_and_the_others_do_not", endings),
        trial("a_dropped_iterator_gives_up_the_rest", given_up),
        trial("a_shared_pool_keeps_callers_apart", shared),
        trial("a_killed_caller_leaves_no_worker", killed_caller),
        trial("ctrl_c_is_one_line_and_exit_code_130", ctrl_c),
        trial("two_hundred_workers_start_and_stop", many),
        trial("a_limit_of_descriptors_is_a_clear_error", limited),
        trial("closed_standard_streams_do_no_harm", closed_streams),
        trial("a_program_without_the_line_does_not_multiply", no_fork_bomb),
        trial("workers_that_never_get_ready_break_the_pool", never_ready),
        trial("a_hostile_worker_is_replaced_and_its_piece_named", hostile),
        trial("children_end_as_python_counts", children),
    ];
    // One at a time: what a test leaves behind is looked for in the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new("processes-pool");
        test();
        Ok(guard.check()?)
    })
}

fn squares(workers: usize) -> Pool<u64, u64> {
    Pool::of(&SQUARE).workers(workers).start().unwrap()
}

fn acts() -> pool::Settings<Act, u64> {
    Pool::of(&ACT).workers(2)
}

fn in_order() {
    for (workers, chunk, ahead) in
        [(1, None, None), (3, None, None), (2, Some(1), Some(7)), (2, Some(100), Some(1))]
    {
        let mut settings = Pool::of(&SQUARE).workers(workers);
        if let Some(chunk) = chunk {
            settings = settings.chunk(chunk);
        }
        if let Some(ahead) = ahead {
            settings = settings.ahead(ahead);
        }
        let pool = settings.start().unwrap();
        for count in [0, 1, 2, 5_000] {
            let answers: Vec<u64> = pool.map(0..count).map(Result::unwrap).collect();
            assert_eq!(answers, (0..count).map(|x| x * x).collect::<Vec<_>>());
        }
        assert_eq!(pool.report().answered, 5_003);
        assert_eq!(pool.close().died, 0);
    }
}

fn unordered() {
    let pool = squares(3);
    let answers: Vec<(usize, u64)> =
        pool.map_unordered(0..5_000).map(|(at, answer)| (at, answer.unwrap())).collect();
    assert_eq!(answers.len(), 5_000);
    assert!(answers.iter().all(|(at, square)| (at * at) as u64 == *square));
    assert_eq!(answers.iter().map(|(at, _)| *at).collect::<BTreeSet<_>>().len(), 5_000);
}

fn submitted() {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let pool = acts().start().unwrap();
    assert_eq!(pool.submit(Act::Square(7)).wait().unwrap(), 49);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut later = Box::pin(pool.submit(Act::Square(9)));
    let answer = loop {
        match later.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => break answer,
            Poll::Pending => thread::park(),
        }
    };
    assert_eq!(answer.unwrap(), 81);
    // It never ends, so no limit is long enough; it is ended with the pool.
    let never = pool.submit(Act::Hang).wait_within(Duration::from_millis(1)).unwrap_err();
    assert!(!never.is_done());
    pool.kill();
    let Failed { input, why } = never.wait().unwrap_err();
    assert!(input == Act::Hang && matches!(why, Why::Ended(_)), "{why:?}");
}

fn endless() {
    let pool = Pool::of(&SQUARE).workers(2).ahead(10).start().unwrap();
    let mut read = 0;
    let mut answers = pool.map((0_u64..).inspect(|_| read += 1));
    for x in 0..1_000 {
        assert_eq!(answers.next().unwrap().unwrap(), x * x);
    }
    assert_eq!(answers.peak(), 10);
    drop(answers);
    // Given out 1,000; at most ten more were read.
    assert!((1_000..=1_010).contains(&read), "{read}");
}

fn told() {
    let pool = acts().workers(1).start().unwrap();
    let failed = pool.submit(Act::Fail).wait().unwrap_err();
    assert_eq!((&failed.input, failed.why.to_string()), (&Act::Fail, "not today: no such number".to_owned()));
    assert!(failed.why.backtrace().unwrap().contains("acts::act"), "{:?}", failed.why);
    assert_eq!(failed.to_string(), "Fail: not today: no such number");
    let failed = pool.submit(Act::Panic).wait().unwrap_err();
    assert_eq!(failed.why.to_string(), "panicked: what now?");
    let stack = failed.why.backtrace().unwrap();
    assert!(stack.starts_with("at crates/processes/tests/acts/mod.rs:"), "{stack}");
    assert_eq!(pool.submit(Act::Square(3)).wait().unwrap(), 9);
    assert_eq!((pool.report().started, pool.report().died), (1, 0));
}

fn stubborn() {
    let pool = Pool::of(&STUBBORN).workers(1).chunk(10).start().unwrap();
    let all = [
        Stubborn::Fine,
        Stubborn::ErrorIn,
        Stubborn::PanicIn,
        Stubborn::ErrorOut,
        Stubborn::PanicOut,
        Stubborn::Fine,
    ];
    let answers: Vec<_> = pool.map(all).collect();
    let whys: Vec<String> = answers
        .iter()
        .map(|answer| answer.as_ref().map_or_else(|failed| failed.why.to_string(), |_| "fine".into()))
        .collect();
    for (why, words) in whys.iter().zip([
        "fine",
        "its input cannot be encoded",
        "its input makes encoding panic",
        "its output cannot be encoded",
        "its output makes encoding panic: no!",
        "fine",
    ]) {
        assert!(why.starts_with(words), "{whys:?}");
    }
    assert_eq!(pool.report().died, 0);
    let pool = acts().start().unwrap();
    let large = pool.submit(Act::Large(frame::LIMIT)).wait().unwrap_err();
    assert!(large.why.to_string().contains("where at most"), "{:?}", large.why);
    assert_eq!(pool.close().died, 0);
}

fn killed() {
    let tokens = tempfile::Builder::new().prefix("processes-pool").tempdir().unwrap();
    for (at, chunk) in [1, 7, 1000].into_iter().enumerate() {
        let pool = acts().chunk(chunk).start().unwrap();
        let acts = (0..500).map(|x| match x % 100 {
            50 => Act::DieOnce(x, tokens.path().join(format!("{at}-{x}"))),
            _ => Act::Square(x),
        });
        let answers: Vec<u64> = pool.map(acts).map(Result::unwrap).collect();
        assert_eq!(answers, (0..500).map(|x| x * x).collect::<Vec<_>>());
        assert_eq!(pool.report().died, 5);
    }
}

fn poison() {
    let pool = acts().tries(2).start().unwrap();
    let acts: Vec<Act> = (0..200)
        .map(|x| match x {
            20 => Act::Exit(3),
            90 => Act::Abort,
            150 => Act::Kill,
            x => Act::Square(x),
        })
        .collect();
    let answers: Vec<_> = pool.map(acts.clone()).collect();
    for (answer, act) in answers.iter().zip(&acts) {
        match (act, answer) {
            (Act::Square(x), Ok(square)) => assert_eq!(*square, x * x),
            (act, Err(Failed { input, why: Why::Poison { deaths } })) => {
                let words = match act {
                    Act::Exit(_) => "exited with code 3",
                    Act::Abort => "SIGABRT",
                    _ => "SIGKILL",
                };
                assert!(input == act && deaths.len() == 2, "{deaths:?}");
                assert!(deaths.iter().all(|death| death.contains(words)), "{deaths:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pool.submit(Act::Square(2)).wait().unwrap(), 4);
}

fn hung() {
    let pool = acts().tries(2).limit(Duration::from_millis(100)).start().unwrap();
    let answers: Vec<_> =
        pool.map((0..50).map(|x| if x == 25 { Act::Hang } else { Act::Square(x) })).collect();
    for (x, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(square) => assert_eq!(square, (x * x) as u64),
            Err(failed) => {
                assert_eq!((x, &failed.input), (25, &Act::Hang));
                assert!(failed.why.to_string().contains("did not answer within 125ms"), "{}", failed.why);
            }
        }
    }
    // A worker that is stopped is no fault of its piece: the next one does it.
    let pool = acts().workers(1).limit(Duration::from_millis(100)).start().unwrap();
    pool.submit(Act::Square(1)).wait().unwrap();
    let [stopped] = &pool.workers()[..] else { panic!("one worker") };
    stopped.signal(Signal::STOP).unwrap();
    assert_eq!(pool.submit(Act::Square(6)).wait().unwrap(), 36);
    assert_eq!((pool.report().late, stopped.exitcode()), (1, Some(-9)));
}

fn within_the_limit() {
    // The chunk takes longer than the limit, none of its pieces comes near.
    let pool = acts().workers(1).chunk(70).limit(Duration::from_secs(1)).start().unwrap();
    let acts = (0..70).map(|_| Act::Sleep(Duration::from_millis(20)));
    assert_eq!(pool.map(acts).filter(Result::is_ok).count(), 70);
    assert_eq!(pool.report().died, 0);
}

fn started_once() {
    let pool = Pool::with(&COUNT, &1_000).workers(2).chunk(1).start().unwrap();
    let answers: Vec<(u32, u64)> = pool.map(std::iter::repeat_n((), 100)).map(Result::unwrap).collect();
    let workers: BTreeSet<u32> = answers.iter().map(|(pid, _)| *pid).collect();
    for worker in workers {
        // Each counts for itself, on from the argument.
        let counts: Vec<u64> =
            answers.iter().filter(|(pid, _)| *pid == worker).map(|(_, count)| *count).collect();
        assert_eq!(counts, (1_001..).take(counts.len()).collect::<Vec<_>>());
    }
}

fn bad_start() {
    let pool = Pool::with(&COUNT, &0).workers(2).start().unwrap();
    let Failed { why, .. } = pool.submit(()).wait().unwrap_err();
    assert!(why.to_string().contains("the task's start failed: counts from 1 on"), "{why}");
    assert!(matches!(pool.broken(), Some(PoolError::Broken(_))));
    // Also what comes later gets the reason, at once.
    assert!(pool.map([(), ()]).all(|answer| matches!(answer.unwrap_err().why, Why::Ended(_))));
    assert!(pool.workers().is_empty());
}

fn replaced() {
    let pool = Pool::with(&COUNT, &1).workers(2).pieces_per_worker(3).start().unwrap();
    let answers: Vec<(u32, u64)> = pool.map(std::iter::repeat_n((), 30)).map(Result::unwrap).collect();
    // Nobody has counted beyond three.
    assert!(answers.iter().all(|(_, count)| *count <= 4), "{answers:?}");
    let report = pool.close();
    assert!(report.retired >= 9 && report.died == 0, "{report:?}");
}

fn used_again() {
    let pool = squares(2);
    let before: Vec<u32> = pool.workers().iter().map(|worker| worker.pid()).collect();
    for _ in 0..20 {
        assert_eq!(pool.map(0..10).count(), 10);
    }
    let after: Vec<u32> = pool.workers().iter().map(|worker| worker.pid()).collect();
    assert_eq!((before, pool.report().started), (after, 2));
}

fn endings() {
    let pool = squares(2);
    let later: Vec<_> = (0..100).map(|x| pool.submit(x)).collect();
    let workers = pool.workers();
    assert_eq!(pool.close().answered, 100);
    assert!(later.into_iter().zip(0..).all(|(later, x)| later.wait().unwrap() == x * x));
    assert!(workers.iter().all(|worker| worker.exitcode() == Some(0)));

    for (end, code) in [("terminate", -15), ("kill", -9), ("drop", -9)] {
        let pool = acts().start().unwrap();
        let workers = pool.workers();
        // Both have entered and are busy when it ends.
        for _ in 0..2 {
            assert_eq!(pool.submit(Act::Square(2)).wait().unwrap(), 4);
        }
        let hung: Vec<_> = (0..3).map(|_| pool.submit(Act::Hang)).collect();
        match end {
            "terminate" => pool.terminate().started,
            "kill" => pool.kill().started,
            _ => {
                drop(pool);
                2
            }
        };
        for hung in hung {
            assert!(matches!(hung.wait().unwrap_err().why, Why::Ended(_)));
        }
        assert!(workers.iter().all(|worker| worker.exitcode() == Some(code)), "{workers:?}");
    }
}

fn given_up() {
    let pool = Pool::of(&ACT).workers(1).chunk(1).ahead(1000).start().unwrap();
    let mut answers = pool.map(std::iter::repeat(Act::Square(3)));
    assert_eq!(answers.next().unwrap().unwrap(), 9);
    drop(answers);
    let before = pool.report().answered;
    // Behind it in the queue: so all that was given up would have been done first.
    assert_eq!(pool.submit(Act::Square(4)).wait().unwrap(), 16);
    assert!(pool.report().answered <= before + 17, "{before} {:?}", pool.report());
}

fn shared() {
    let pool = squares(2);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let answers: Vec<u64> = pool.map(0..500).map(Result::unwrap).collect();
                assert_eq!(answers, (0..500).map(|x| x * x).collect::<Vec<_>>());
            });
        }
    });
    assert_eq!(pool.close().answered, 4_000);
}

fn scene(name: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(format!("scene-{name}"));
    command
}

fn scene_program(name: &'static str) -> Program {
    Program::new(move || scene(name))
}

/// A caller that has said the process ids of its two workers, which are busy for ever.
fn hanging_caller() -> (std::process::Child, Vec<std::os::fd::OwnedFd>, impl Iterator<Item = String>) {
    let mut caller = scene("hanging").stderr(Stdio::piped()).process_group(0).spawn().unwrap();
    let mut lines = BufReader::new(caller.stderr.take().unwrap()).lines().map(Result::unwrap);
    let workers = lines.by_ref().take(2).map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap());
    let workers = workers.map(|pid| pidfd_open(pid, PidfdFlags::empty()).unwrap()).collect();
    (caller, workers, lines)
}

fn all_end(workers: Vec<std::os::fd::OwnedFd>) {
    for worker in workers {
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ended = poll(&mut [PollFd::new(&worker, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ended, 1, "a worker outlives its caller");
    }
}

fn killed_caller() {
    let (mut caller, workers, _) = hanging_caller();
    caller.kill().unwrap();
    caller.wait().unwrap();
    all_end(workers);
}

fn ctrl_c() {
    let (mut caller, workers, lines) = hanging_caller();
    // As the terminal does: to the whole group.
    kill_process_group(Pid::from_child(&caller), Signal::INT).unwrap();
    assert_eq!(caller.wait().unwrap().code(), Some(130));
    all_end(workers);
    assert_eq!(lines.collect::<Vec<_>>(), ["interrupted"]);
}

fn many() {
    let pool = Pool::of(&SQUARE).workers(200).chunk(1).start().unwrap();
    assert_eq!(pool.map(0..1_000).map(Result::unwrap).sum::<u64>(), (0..1_000).map(|x| x * x).sum::<u64>());
    assert_eq!(child::active_children().len(), 200);
    let report = pool.close();
    assert_eq!((report.started, report.died), (200, 0));
    assert!(child::active_children().is_empty());
}

fn played(command: &mut Command) -> (Option<i32>, String) {
    let output = run_within(LIMIT, command).unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn limited() {
    let (code, text) = played(&mut scene("limited"));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("cannot start worker 1") && text.contains("of 100: Too many open files"), "{text}");
    assert!(text.contains("each worker needs three descriptors, and the limit is 40"), "{text}");
}

fn closed_streams() {
    let program = env::current_exe().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec \"$0\" scene-answering <&- >&- 2>&-"]).arg(program);
    assert_eq!(played(&mut shell).0, Some(0));
}

fn no_fork_bomb() {
    let (code, text) = played(&mut scene("without-line"));
    assert_eq!(code, Some(1), "{text}");
    let lines = |what| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(lines("the pool ended before it was done"), 1, "{text}");
    // The first of the family gives up after seven dead workers of two, beside an eighth that may still live; its
    // children, and nobody else, are refused.
    assert!((1..=8).contains(&lines("itself started as a worker")), "{text}");
}

fn never_ready() {
    let patience = Duration::from_millis(20);
    for (program, words) in [
        (scene_program("nothing"), "exited with code 0, before it was ready"),
        (scene_program("silence").patience(patience), "not ready within 20ms"),
        (scene_program("hostile-text"), "bytes, where at most"),
        (scene_program("hostile-version"), "version 999"),
        (scene_program("hostile-nonce"), "nonce"),
        (scene_program("other"), "does not know the job `square`, only: count"),
    ] {
        let pool = Pool::of(&SQUARE).workers(2).program(program).start().unwrap();
        let why = pool.submit(1).wait().unwrap_err().why.to_string();
        assert!(why.contains(words), "{why}");
        assert!(pool.broken().is_some());
    }
    let nowhere = Program::new(|| Command::new("/no/such/program"));
    let error = Pool::of(&SQUARE).workers(2).program(nowhere).start().unwrap_err();
    assert!(error.to_string().starts_with("cannot start worker 1 of 2: No such file"), "{error}");
}

fn hostile() {
    for (name, words) in [
        ("hostile-stranger", "2 answers to order 7, where it was not the next"),
        ("hostile-flood", "2 answers to order 7, where it was not the next"),
        ("hostile-rubbish", "is not the message expected here"),
        ("hostile-half", "in the middle of a message"),
    ] {
        let settings = Pool::of(&SQUARE).workers(1).tries(2).chunk(1);
        let pool = settings.program(scene_program(name)).start().unwrap();
        match pool.submit(5).wait().unwrap_err() {
            Failed { input: 5, why: Why::Poison { deaths } } => {
                assert!(
                    deaths.len() == 2 && deaths.iter().all(|death| death.contains(words)),
                    "{name}: {deaths:?}"
                );
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

fn children() {
    use processes::child::{Child, End, Handle};
    let start = |how: &str| Child::spawn(scene("child").arg(how).stdout(Stdio::piped())).unwrap();
    assert_eq!((start("exit").join(), start("exit").join().exitcode()), (End::Exited(7), Some(7)));
    for (end, code) in [
        (Handle::terminate as fn(&Handle) -> io::Result<()>, -15),
        (Handle::kill, -9),
        (Handle::interrupt, -2),
    ] {
        let child = start("hang");
        assert_eq!(child.join_within(Duration::from_millis(1)), None);
        assert!(child.is_alive() && child.exitcode().is_none());
        assert_eq!(
            child::active_children().iter().map(|child| child.pid()).collect::<Vec<_>>(),
            [child.pid()]
        );
        end(&child).unwrap();
        let limit = Timespec { tv_sec: 30, tv_nsec: 0 };
        let ready = poll(&mut [PollFd::from_borrowed_fd(child.sentinel(), PollFlags::IN)], Some(&limit));
        assert_eq!((ready.unwrap(), child.exitcode(), child.is_alive()), (1, Some(code), false));
        // The number may be another process's by now; the descriptor never is.
        assert_eq!(child.terminate().unwrap_err().raw_os_error(), Some(3));
        assert!(child::active_children().is_empty());
    }
    let handle = start("hang").handle();
    // Its owner was dropped on that line.
    assert_eq!(handle.exitcode(), Some(-9));
}

/// What this program does when it is another one.
fn play(scene: &str) {
    let own = Program::new(|| Command::new("/proc/self/exe"));
    match scene {
        "nothing" => {}
        "silence" => forever(),
        "other" => worker::enter(&[COUNT.job()]),
        "child" => match env::args().nth(2).as_deref() {
            Some("exit") => std::process::exit(7),
            _ => forever(),
        },
        "hanging" => {
            pool::exit_on_interrupt("interrupted").unwrap();
            let pool = acts().program(own).start().unwrap();
            let never: Vec<_> = (0..2).map(|_| pool.submit(Act::SayAndHang)).collect();
            for never in never {
                let _ = never.wait();
            }
        }
        "without-line" => {
            let started = Pool::of(&SQUARE).workers(2).program(scene_program("without-line")).start();
            let pool = started.unwrap_or_else(|error| {
                eprintln!("{error}");
                std::process::exit(1)
            });
            eprintln!("{}", pool.submit(1).wait().unwrap_err().why);
            std::process::exit(1);
        }
        "limited" => {
            let guard = LeakGuard::new("processes-pool");
            let maximum = getrlimit(Resource::Nofile).maximum;
            setrlimit(Resource::Nofile, Rlimit { current: Some(40), maximum }).unwrap();
            eprintln!("{}", Pool::of(&SQUARE).workers(100).program(own).start().unwrap_err());
            guard.check().unwrap();
        }
        "answering" => {
            let pool = Pool::of(&ACT).workers(2).program(own).start().unwrap();
            assert_eq!(pool.submit(Act::Print(5)).wait().unwrap(), 25);
            assert_eq!(pool.close().died, 0);
        }
        _ => lie(scene.strip_prefix("hostile-").expect("a scene that exists")),
    }
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

/// A worker that does not keep to the protocol, in one way.
fn lie(how: &str) {
    let mark = env::args().next_back().unwrap();
    let nonce = u64::from_str_radix(mark.rsplit(':').next().unwrap(), 16).unwrap();
    let mut out = io::stdout();
    let mut say = |frame: &[u8]| out.write_all(frame).and_then(|()| out.flush());
    let nobody: Option<String> = None;
    let mut good = frame::encode(&(*b"prcs", 1u16, nonce, &nobody)).unwrap();
    good.extend(frame::encode(&Ok::<(), pool::Told>(())).unwrap());
    let answers = pool::Answers { order: 7, nanoseconds: 5, outcomes: vec![Ok::<u64, pool::Told>(1), Ok(2)] };
    let answers = frame::encode(&answers).unwrap();
    // Whether the caller still listens is not this worker's concern.
    let _ = match how {
        "text" => say(b"hello from main\n"),
        "version" => say(&frame::encode(&(*b"prcs", 999u16, "whatever")).unwrap()),
        "nonce" => say(&frame::encode(&(*b"prcs", 1u16, nonce ^ 1, &nobody)).unwrap()),
        // What follows comes only when there is a piece to blame: behind greeting and terms.
        _ => say(&good).and_then(|()| wait_for_order()).and_then(|()| match how {
            "stranger" => say(&answers),
            "rubbish" => say(&frame::encode(&[0xff_u8; 30]).unwrap()),
            "half" => {
                say(&answers[..answers.len() / 2])?;
                std::process::exit(0)
            }
            _ => loop {
                say(&answers)?;
            },
        }),
    };
    forever()
}

fn wait_for_order() -> io::Result<()> {
    let mut inbox = frame::Inbox::default();
    for _ in 0..3 {
        inbox.receive(io::stdin()).map_err(io::Error::other)?;
    }
    Ok(())
}
