//! What this program does when it is another one: a caller that is killed, a worker that never is one.

use std::{env, process::Command, thread};

use processes::{
    Program,
    pool::{self, Pool},
    worker,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::{
    LeakGuard, run_within,
    trials::{LIMIT, scene},
};

use crate::{
    acting,
    acts::{ACT, Act, COUNT, SQUARE},
    hostile::lie,
};

pub(crate) fn scene_program(name: &'static str) -> Program {
    Program::new(move || scene(name))
}

pub(crate) fn played(command: &mut Command) -> (Option<i32>, String) {
    let output = run_within(LIMIT, command).unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What this program does when it is another one.
pub(crate) fn play(scene: &str) {
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
            let pool = acting().program(own).start().unwrap();
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

pub(crate) fn forever() -> ! {
    loop {
        thread::park();
    }
}
