//! A pool ends as it was told to, also when its caller is killed or interrupted, and leaves no worker.

use std::{
    env,
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use processes::{Program, pool::Why};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
    time::Timespec,
};
use testkit::trials::scene;

use crate::{acting, acts::Act, scenes::played, squares};

pub(crate) fn endings() {
    let pool = squares(2);
    let later: Vec<_> = (0..100).map(|x| pool.submit(x)).collect();
    let workers = pool.workers();
    assert_eq!(pool.close().answered, 100);
    assert!(later.into_iter().zip(0..).all(|(later, x)| later.wait().unwrap() == x * x));
    assert!(workers.iter().all(|worker| worker.exitcode() == Some(0)));

    for (end, code) in [("terminate", -15), ("kill", -9), ("drop", -9)] {
        let pool = acting().start().unwrap();
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

pub(crate) fn killed_caller() {
    let (mut caller, workers, _) = hanging_caller();
    caller.kill().unwrap();
    caller.wait().unwrap();
    all_end(workers);
}

pub(crate) fn ctrl_c() {
    let (mut caller, workers, lines) = hanging_caller();
    // As the terminal does: to the whole group.
    kill_process_group(Pid::from_child(&caller), Signal::INT).unwrap();
    assert_eq!(caller.wait().unwrap().code(), Some(130));
    all_end(workers);
    assert_eq!(lines.collect::<Vec<_>>(), ["interrupted"]);
}

pub(crate) fn closed_streams() {
    let program = env::current_exe().unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec \"$0\" scene-answering <&- >&- 2>&-"]).arg(program);
    assert_eq!(played(&mut shell).0, Some(0));
}

pub(crate) fn interrupted() {
    let pool = squares(1);
    assert_eq!(pool.submit(3).wait().unwrap(), 9);
    let [worker] = &pool.workers()[..] else { panic!("one worker") };
    worker.interrupt().unwrap();
    assert_eq!(pool.submit(4).wait().unwrap(), 16);
    assert_eq!((pool.close().died, worker.exitcode()), (0, Some(0)));
}

pub(crate) fn panicked() {
    // The second worker cannot be started: the caller's own function panics, on the pool's own thread.
    let started = AtomicUsize::new(0);
    let program = Program::new(move || {
        assert_eq!(started.fetch_add(1, Ordering::Relaxed), 0, "one worker and no more");
        Command::new("/proc/self/exe")
    });
    let pool = acting().workers(1).program(program).start().unwrap();
    let panics = |wait: &dyn Fn()| catch_unwind(AssertUnwindSafe(wait)).is_err();
    assert!(panics(&|| drop(pool.submit(Act::Kill).wait())));
    // Nor does it let anybody wait who comes later.
    assert!(panics(&|| drop(pool.submit(Act::Square(1)).wait())));
    assert!(panics(&|| drop(pool.map([Act::Square(1)]).next())));
}
