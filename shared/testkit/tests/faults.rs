//! A planned fault strikes at its point, at exactly the nth passage, in the process it was meant for.

use std::{
    env,
    os::unix::process::ExitStatusExt,
    panic::{self, AssertUnwindSafe},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};
use testkit::{FaultPlan, Faults, TestkitError, run_within};

const LONG: Duration = Duration::from_secs(120);

/// This test binary again, which runs nothing but `worker` below.
fn a_worker_with(plan: &FaultPlan) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test binary has a path"));
    command.args(["worker", "--exact", "--ignored", "--nocapture"]);
    plan.apply(&mut command);
    command
}

#[test]
#[ignore = "the program that the other tests start"]
fn worker() {
    let faults = Faults::from_env().expect("the plan can be read");
    for pass in 1..=5 {
        faults.at("before");
        println!("pass {pass}");
        faults.at("after");
    }
}

fn run(plan: &FaultPlan) -> Output {
    run_within(LONG, &mut a_worker_with(plan)).expect("it ends")
}

fn passes(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stdout).matches("pass ").count()
}

#[test]
fn without_a_plan_nothing_happens() {
    let output = run(&FaultPlan::new());
    assert_eq!((passes(&output), output.status.code()), (5, Some(0)));
}

#[test]
fn it_dies_at_exactly_the_planned_passage() {
    for nth in 1..=5 {
        let before = run(&FaultPlan::new().kill("before", nth));
        assert_eq!((passes(&before) as u64, before.status.signal()), (nth - 1, Some(9)));
        let after = run(&FaultPlan::new().kill("after", nth));
        assert_eq!((passes(&after) as u64, after.status.signal()), (nth, Some(9)));
    }
    assert_eq!(passes(&run(&FaultPlan::new().kill("after", 6))), 5, "there is no sixth");
    assert_eq!(passes(&run(&FaultPlan::new().kill("elsewhere", 1))), 5, "there is no such point");
}

#[test]
fn it_exits_and_panics_as_planned() {
    let output = run(&FaultPlan::new().exit("after", 2, 7));
    assert_eq!((passes(&output), output.status.code()), (2, Some(7)));
    let output = run(&FaultPlan::new().panic("before", 2));
    assert_eq!((passes(&output), output.status.code()), (1, Some(101)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("fault planned at \"before\""));
}

#[test]
fn it_stops_and_goes_on() {
    let mut child =
        a_worker_with(&FaultPlan::new().stop("before", 4)).stdout(Stdio::null()).spawn().expect("spawn");
    let pid = Pid::from_child(&child);
    let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).expect("wait").expect("blocking");
    assert!(status.stopped(), "{status:?}");
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).expect("continue");
    // Looks for a second stop as well, which else would be waited for without end; reaps nothing yet.
    let next = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(pid), next).expect("wait").expect("blocking");
    if status.stopped() {
        child.kill().expect("kill");
    }
    assert!(child.wait().expect("reap").success(), "{status:?}");
}

#[test]
fn it_hangs_until_its_deadline() {
    let Err(TestkitError::Late { stdout, .. }) =
        run_within(Duration::from_secs(3), &mut a_worker_with(&FaultPlan::new().hang("after", 2)))
    else {
        panic!("it was to hang");
    };
    assert_eq!(stdout.matches("pass ").count(), 2, "{stdout}");
}

#[test]
fn once_means_in_one_process_of_all() {
    let tokens = tempfile::tempdir().expect("a directory");
    let plan = FaultPlan::new().kill("before", 1).once_in(tokens.path());
    assert_eq!(run(&plan).status.signal(), Some(9), "the first dies");
    assert_eq!(passes(&run(&plan)), 5, "its replacement, with the same plan, lives");
    assert!(tokens.path().join("fault-0").exists(), "the test can see that the fault has struck");
}

#[test]
fn over_all_threads_exactly_one_is_hit() {
    let faults = Faults::parse("x@50=panic").expect("a plan");
    let hits = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    if panic::catch_unwind(AssertUnwindSafe(|| faults.at("x"))).is_err() {
                        hits.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(hits.into_inner(), 1);
}

#[test]
fn a_plan_that_can_not_be_read_is_an_error() {
    for wrong in
        ["x", "x=", "x=die", "x@0=kill", "x@y=kill", "x=exit()", "x=exit(a)", "a=b=kill", "a=kill;;b"]
    {
        let error = Faults::parse(wrong).expect_err(wrong);
        assert!(matches!(error, TestkitError::Fault { .. }), "{error}");
    }
    let plan = FaultPlan::new().kill("mid work", 3).stop("b", 1).hang("c", 2).panic("d", 1).exit("e", 1, -1);
    Faults::parse(&plan.to_string()).expect("what the builder writes can be read");
}
