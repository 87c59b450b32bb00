//! What this program does when it is another one.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, Read},
    process::{self, Child, Command, Stdio},
    thread,
};

use processes::{parent_death::die_with_parent, proc, start::ForkServer};
use rustix::process::{Signal, getpid, kill_process};
use testkit::{
    run_within,
    trials::{self, LIMIT},
};

use crate::{
    forkserver::{self, HANG, JOBS},
    ways::blocked,
};

/// This program in a scene, with a pipe to it and one from it.
pub(crate) fn scene(name: &str) -> Command {
    let mut command = trials::scene(name);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

pub(crate) fn played(name: &str) {
    let output = run_within(LIMIT, &mut scene(name)).unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{text}", output.status);
}

/// The ids in the first line that a child prints.
pub(crate) fn ids(child: &mut Child) -> Vec<u32> {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    line.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

fn until_input_ends() {
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

fn forever() -> ! {
    loop {
        thread::park();
    }
}

pub(crate) fn play(name: &str) {
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
        ("many", forkserver::many),
        ("bare", forkserver::bare),
        ("unknown", forkserver::unknown),
        ("killed", forkserver::killed),
        ("dropped-server", forkserver::dropped_server),
        ("killed-server", forkserver::killed_server),
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
