//! Whatever way a process is started, it ends as it should, its end is known, and nothing of it is left.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::{
        net::UnixStream,
        process::{CommandExt, ExitStatusExt},
    },
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use libtest_mimic::{Arguments, Trial};
use processes::{
    cgroup::CpuQuota,
    ended::ended_within,
    group,
    pages::Pages,
    parent_death::{die_with_parent, watch_parent},
    proc,
    start::{ForkError, ForkServer, Image, Job, fork, posix_spawn, vfork},
};
use rustix::process::{Pid, Signal, getpid, kill_process, set_child_subreaper};
use testkit::{LeakGuard, run_within};

/// Passing it means "hangs".
const LIMIT: Duration = Duration::from_secs(60);
const THIS: &str = "/proc/self/exe";

fn main() {
    // A scene is another program: this one, playing a part.
    if let Some(scene) = env::args().nth(1).and_then(|first| first.strip_prefix("scene-").map(str::to_owned))
    {
        return play(&scene);
    }
    let trials = vec![
        trial("each_way_gives_the_exit_code_and_the_signal", ends),
        trial("each_way_says_that_a_program_is_not_there", missing),
        trial("each_way_passes_arguments_and_environment", passed),
        trial("each_way_leaves_signals_as_they_were", masks),
        trial("a_dropped_child_is_killed_and_waited_for", dropped),
        trial("fork_is_refused_to_a_process_with_threads", refused),
        trial("a_forked_child_that_panics_has_code_101", panicked),
        // Those that fork play in a child, so that one that hangs is ended by the deadline.
        trial("a_forkserver_serves_many_at_once", || played("many")),
        trial("a_forkserver_outlives_an_unknown_job", || played("unknown")),
        trial("a_child_of_the_forkserver_that_is_killed_is_reported", || played("killed")),
        trial("a_dropped_forkserver_takes_its_children_along", || played("dropped-server")),
        trial("a_killed_forkserver_is_an_error", || played("killed-server")),
        trial("a_killed_caller_takes_its_forkserver_along", killed_caller),
        trial("an_end_is_seen_when_it_comes", seen),
        trial("a_group_ends_with_a_leader_that_has_ended_already", leaderless),
        trial("a_child_dies_with_its_parent", dies_along),
        trial("a_parent_that_is_another_is_noticed", another_parent),
        trial("memory_and_state_are_read", read_proc),
        trial("written_pages_are_counted", counted),
        trial("a_quota_leaves_no_group", no_group_left),
    ];
    // One at a time, on this thread: some need to be alone in the process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        let guard = LeakGuard::new("processes-test");
        test();
        Ok(guard.check()?)
    })
}

/// This program in a scene.
fn scene(name: &str) -> Command {
    let mut command = Command::new(THIS);
    command.arg(format!("scene-{name}")).stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn played(name: &str) {
    let output = run_within(LIMIT, &mut scene(name)).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{text}", output.status);
}

type Start = fn(&Image) -> io::Result<processes::start::Started>;
const WAYS: [(&str, Start); 2] = [("posix_spawn", posix_spawn), ("vfork", vfork)];

fn image(name: &str) -> Image {
    Image::new(THIS, [format!("scene-{name}")]).unwrap()
}

fn run(start: Start, name: &str) -> ExitStatus {
    start(&image(name)).unwrap().wait().unwrap()
}

fn ends() {
    for (way, start) in WAYS {
        assert_eq!(run(start, "seven").code(), Some(7), "{way}");
        assert_eq!(run(start, "terminated").signal(), Some(15), "{way}");
    }
    assert_eq!(fork(|| 7).unwrap().wait().unwrap().code(), Some(7));
}

fn missing() {
    let (gone, text) = (Image::new("/no/such/program", [""; 0]), Image::new("/etc/passwd", [""; 0]));
    for (way, start) in WAYS {
        assert_eq!(start(gone.as_ref().unwrap()).unwrap_err().kind(), io::ErrorKind::NotFound, "{way}");
        let denied = start(text.as_ref().unwrap()).unwrap_err().kind();
        assert_eq!(denied, io::ErrorKind::PermissionDenied, "{way}");
    }
    assert!(Image::new("a zero\0byte", [""; 0]).is_err());
}

fn passed() {
    for (way, start) in WAYS {
        let directory = tempfile::Builder::new().prefix("processes-test").tempdir().unwrap();
        let path = directory.path().join("told");
        let image = Image::new(THIS, ["scene-tell".as_ref(), path.as_os_str()]).unwrap();
        assert_eq!(start(&image).unwrap().wait().unwrap().code(), Some(0), "{way}");
        let told = fs::read_to_string(path).unwrap();
        // Zero bytes between them: a value may hold anything else.
        let told: Vec<&str> = told.split('\0').collect();
        let ours: Vec<String> = env::vars().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(told, ours, "{way}");
    }
}

/// The signals that this process blocks, as the kernel writes them.
fn blocked() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap().to_owned()
}

fn masks() {
    let before = blocked();
    for (way, start) in WAYS {
        let image = Image::new(THIS, ["scene-blocks", &before]).unwrap();
        assert_eq!(start(&image).unwrap().wait().unwrap().code(), Some(0), "{way}");
        assert_eq!(blocked(), before, "{way}");
    }
}

fn dropped() {
    for (way, start) in WAYS {
        let child = start(&image("hang")).unwrap();
        let id = child.id();
        assert!(proc::state(id).is_some(), "{way}");
        drop(child);
        assert_eq!(proc::state(id), None, "{way}");
    }
}

fn refused() {
    let (leave, stay) = channel::<()>();
    let other = thread::spawn(move || stay.recv());
    let error = fork(|| 0).unwrap_err();
    assert!(matches!(error, ForkError::Threads(2)), "{error}");
    drop(leave);
    assert!(other.join().unwrap().is_err());
    // The moment a thread has been joined it may be forked again.
    assert!(fork(|| 0).unwrap().wait().unwrap().success());
}

fn panicked() {
    let child = fork(|| {
        std::panic::set_hook(Box::new(|_| {}));
        panic!("in the child")
    });
    assert_eq!(child.unwrap().wait().unwrap().code(), Some(101));
}

/// What children of the forkservers here can do: send back what they get, exit with 9, hang.
const JOBS: &[Job] = &[
    |mut line| {
        let mut text = Vec::new();
        u8::from(line.read_to_end(&mut text).and_then(|_| line.write_all(&text)).is_err())
    },
    |_| 9,
    |_| {
        loop {
            thread::park();
        }
    },
];
const ECHO: u8 = 0;
const NINE: u8 = 1;
const HANG: u8 = 2;

fn many() {
    let server = ForkServer::start(JOBS).unwrap();
    // With threads here it can still fork: it has none.
    let (leave, stay) = channel::<()>();
    let other = thread::spawn(move || stay.recv());
    let mut all: Vec<_> = (0..20).map(|_| server.run(ECHO).unwrap()).collect();
    for (number, served) in all.iter_mut().enumerate().rev() {
        let text = format!("this is {number}");
        served.line.write_all(text.as_bytes()).unwrap();
        served.line.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = String::new();
        served.line.read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
    }
    for served in all {
        assert_eq!(served.wait().unwrap().code(), Some(0));
    }
    assert_eq!(server.run(NINE).unwrap().wait().unwrap().code(), Some(9));
    drop(leave);
    assert!(other.join().unwrap().is_err());
}

fn unknown() {
    let server = ForkServer::start(JOBS).unwrap();
    assert_eq!(server.run(77).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    assert_eq!(server.run(NINE).unwrap().wait().unwrap().code(), Some(9));
}

fn killed() {
    let server = ForkServer::start(JOBS).unwrap();
    let (first, second) = (server.run(HANG).unwrap(), server.run(HANG).unwrap());
    kill_process(pid(second.id()), Signal::KILL).unwrap();
    assert_eq!(second.wait().unwrap().signal(), Some(9));
    assert!(!ended_within(first.id(), Duration::ZERO).unwrap());
    kill_process(pid(first.id()), Signal::TERM).unwrap();
    assert_eq!(first.wait().unwrap().signal(), Some(15));
}

fn dropped_server() {
    let server = ForkServer::start(JOBS).unwrap();
    let child = server.run(HANG).unwrap();
    drop(server);
    // Killed and waited for by the server, before it ended.
    assert_eq!(proc::state(child.id()), None);
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

fn killed_server() {
    set_child_subreaper(Some(getpid())).unwrap();
    let server = ForkServer::start(JOBS).unwrap();
    let child = server.run(HANG).unwrap();
    let id = proc::parent(child.id()).unwrap();
    kill_process(pid(id), Signal::KILL).unwrap();
    assert!(ended_within(id, LIMIT).unwrap());
    assert!(ended_within(child.id(), LIMIT).unwrap(), "its children end with it");
    assert!(server.run(NINE).is_err());
    assert_eq!(child.wait().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

/// The ids in the first line that a child prints.
fn ids(child: &mut Child) -> Vec<u32> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn killed_caller() {
    let mut caller = scene("caller").spawn().unwrap();
    let family = ids(&mut caller);
    assert_eq!(family.len(), 2);
    caller.kill().unwrap();
    caller.wait().unwrap();
    for id in family {
        assert!(ended_within(id, LIMIT).unwrap());
    }
}

fn seen() {
    let mut child = scene("waits").spawn().unwrap();
    assert!(!ended_within(child.id(), Duration::ZERO).unwrap());
    drop(child.stdin.take());
    assert!(ended_within(child.id(), LIMIT).unwrap());
    assert_eq!(proc::state(child.id()), Some('Z'), "seen, and not waited for");
    child.wait().unwrap();
    assert!(ended_within(child.id(), Duration::ZERO).unwrap());
    assert!(ended_within(0, Duration::ZERO).is_err());
}

/// The leader has ended, its own child has not, and would not by SIGTERM.
fn leaderless() {
    let mut leader = scene("leader").process_group(0).spawn().unwrap();
    let input = leader.stdin.take();
    let child = ids(&mut leader)[0];
    assert!(ended_within(leader.id(), LIMIT).unwrap());
    assert!(!ended_within(child, Duration::ZERO).unwrap());
    assert!(group::end(&mut leader, LIMIT).unwrap().success());
    assert!(ended_within(child, LIMIT).unwrap());
    drop(input);
}

fn dies_along() {
    let mut parent = scene("parent").spawn().unwrap();
    let input = parent.stdin.take();
    let child = ids(&mut parent)[0];
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert!(ended_within(child, LIMIT).unwrap());
    drop(input);
}

fn another_parent() {
    let own = getpid();
    // Its parent is this process, and not itself.
    let child = fork(|| match (watch_parent(own), watch_parent(getpid())) {
        (Ok(true), Ok(false)) => 0,
        _ => 1,
    });
    assert_eq!(child.unwrap().wait().unwrap().code(), Some(0));
}

fn read_proc() {
    let own = proc::memory(process::id()).unwrap();
    assert!(own.rss >= own.pss && own.pss >= own.uss && own.uss > 0, "{own:?}");
    assert!(proc::status(process::id(), "VmSize").unwrap() > own.rss);
    assert_eq!(proc::parent(process::id()), Some(std::os::unix::process::parent_id()));
    assert_eq!(proc::state(process::id()), Some('R'));
    assert_eq!(proc::threads().unwrap(), 1);
    let file = fs::File::open("/dev/null").unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file).cast_unsigned();
    assert!(proc::descriptors().unwrap().contains(&(number, "/dev/null".to_owned())));
    // No process has a number so high: pid_max is at most 2^22.
    assert!(proc::memory(1 << 30).is_err());
    assert_eq!((proc::state(1 << 30), proc::parent(1 << 30)), (None, None));
}

fn counted() {
    let mut pages = Pages::touched(16).unwrap();
    assert_eq!((pages.count(), pages.exclusive().unwrap()), (16, 16));
    let (mut ours, mut its) = UnixStream::pair().unwrap();
    let child = fork(move || u8::from(its.read_exact(&mut [0]).is_err())).unwrap();
    assert_eq!(pages.exclusive().unwrap(), 0);
    pages.write(3);
    assert_eq!(pages.exclusive().unwrap(), 3);
    ours.write_all(&[0]).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(pages.exclusive().unwrap(), 16);
}

fn no_group_left() {
    // Where none can be made, that nothing is left has still to be true.
    let directory = match CpuQuota::new(1) {
        Ok(group) => {
            let output = group.holds(&mut scene("group")).unwrap().output().unwrap();
            let own = String::from_utf8(output.stdout).unwrap();
            assert!(own.contains(&format!("quota-{}", process::id())), "{own}");
            format!("{group:?}")
        }
        Err(error) => format!("skipped: {error}"),
    };
    if let Some(path) = directory.split('"').nth(1) {
        assert!(path.contains("quota-") && !fs::exists(path).unwrap(), "{path}");
    }
}

fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed()).unwrap()
}

fn until_input_ends() {
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

fn play(name: &str) {
    let scenes: &[(&str, fn())] = &[
        ("seven", || process::exit(7)),
        ("terminated", || kill_process(getpid(), Signal::TERM).unwrap()),
        ("tell", || {
            let variables = env::vars().map(|(name, value)| format!("{name}={value}"));
            let path = env::args().nth(2).unwrap();
            fs::write(path, variables.collect::<Vec<_>>().join("\0")).unwrap();
        }),
        ("blocks", || assert_eq!(Some(blocked()), env::args().nth(2))),
        ("hang", || forever()),
        ("waits", until_input_ends),
        ("many", many),
        ("unknown", unknown),
        ("killed", killed),
        ("dropped-server", dropped_server),
        ("killed-server", killed_server),
        ("caller", || {
            let server = ForkServer::start(JOBS).unwrap();
            let child = server.run(HANG).unwrap();
            println!("{} {}", proc::parent(child.id()).unwrap(), child.id());
            forever();
        }),
        ("leader", || {
            #[expect(clippy::zombie_processes, reason = "it ends first, and leaves an orphan")]
            let mut child = scene("stubborn").stdin(Stdio::inherit()).spawn().unwrap();
            let mut ready = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
            println!("{}", child.id());
        }),
        ("stubborn", || {
            signal_hook::flag::register(signal_hook::consts::SIGTERM, std::sync::Arc::default()).unwrap();
            println!("ready");
            until_input_ends();
        }),
        ("parent", || {
            let mut command = scene("waits");
            let child = die_with_parent(command.stdin(Stdio::inherit()).stdout(Stdio::null())).spawn();
            println!("{}", child.unwrap().id());
            forever();
        }),
        ("group", || print!("{}", fs::read_to_string("/proc/self/cgroup").unwrap())),
    ];
    let (_, play) = scenes.iter().find(|(known, _)| *known == name).expect("a scene that exists");
    play();
}
