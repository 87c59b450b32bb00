//! No mechanism leaves a thread behind: not after an answer, not after an error, not when threads cannot start.
//!
//! A single test in a binary of its own, since threads and limits belong to the whole process.

mod support;

use std::{env, process::Command, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::Probe;
use testkit::{LeakGuard, run_within};
use threads::mechanisms::mechanisms;
use workload::{RunError, Timeline, Workers};

/// Each thread of the child reserves this much for its stack, so that the limit on its memory is met after a few.
const STACK: u64 = 1 << 30;

#[test]
fn no_thread_stays() {
    if env::var_os("RUST_MIN_STACK").is_none() {
        // Again with large stacks: std reads this variable once, before the first thread.
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", "no_thread_stays", "--nocapture"]).env("RUST_MIN_STACK", STACK.to_string());
        let output = run_within(Duration::from_secs(120), &mut again).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", output.status);
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "nothing ran");
        return;
    }
    let eight = Workers::new(8).unwrap();
    for mechanism in mechanisms() {
        let name = mechanism.name;
        let run = |probe| (mechanism.run)(&probe, eight, &Timeline::off());
        let pieces = 1_000;
        let all: String = (0..pieces).map(|piece| format!("{piece},")).collect();

        let guard = LeakGuard::new("threads-mechanisms-");
        run(Probe { pieces, ..Probe::default() }).unwrap();
        run(Probe { pieces, errors: vec![0], ..Probe::default() }).unwrap_err();
        run(Probe { pieces, panics: vec![0], ..Probe::default() }).unwrap_err();
        guard.check().unwrap_or_else(|left| panic!("{name}: {left}"));

        // Room for half a stack: none can start. Room for three and a half: some can, unless each is gone before
        // the next one starts; then there is an answer.
        for (halves, must_fail) in [(1, true), (7, false)] {
            let before = getrlimit(Resource::As);
            let current = Some(address_space() + halves * STACK / 2);
            setrlimit(Resource::As, Rlimit { current, maximum: before.maximum }).unwrap();
            let outcome = run(Probe { pieces, ..Probe::default() }).map(|part| part.text);
            setrlimit(Resource::As, before).unwrap();
            match outcome {
                Err(RunError::Start { .. }) => {}
                Ok(text) if !must_fail => assert_eq!(text, all, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
            guard.check().unwrap_or_else(|left| panic!("{name}, where threads cannot start: {left}"));
        }
    }
}

/// Bytes of address space in use: the first number of /proc/self/statm, in pages (proc(5)).
fn address_space() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    pages * rustix::param::page_size() as u64
}
