//! What this program does when it is another one.

use std::{
    env, fs,
    process::{Command, Output},
    thread,
};

use processes::{Program, mechanisms, process_static};
use rustix::process::{Resource, Rlimit, Signal, getpid, getrlimit, kill_process, setrlimit};
use testkit::{
    LeakGuard, run_within,
    trials::{LIMIT, scene},
};
use workload::{Timeline, Workers};

use crate::{
    both,
    hostile::lie,
    support::{Numbers, Special},
    two,
};

pub(crate) fn scene_program(name: &'static str) -> Program {
    Program::new(move || scene(name))
}

pub(crate) fn play_within(name: &str) -> (Output, String) {
    // By its path: /proc/self would be the child that run_within starts, which is the same program too.
    let output = run_within(LIMIT, &mut scene(name)).unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, text)
}

/// What this program does when it is another one.
pub(crate) fn play(scene: &str) {
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
