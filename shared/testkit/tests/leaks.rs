//! Each kind of leak is named, and its end is noticed. One test, alone in its binary: the guard looks at the process.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use testkit::LeakGuard;

#[test]
fn each_kind_of_leak_is_named_and_its_cure_noticed() {
    let prefix = format!("testkit-leaks-{}-", std::process::id());
    let guard = LeakGuard::new(&prefix);
    guard.check_within(Duration::ZERO).expect("nothing was left yet");

    let file = fs::File::open("/dev/zero").expect("open");
    // Ends by itself when this test fails and with it the other end of the pipe is closed.
    let mut running = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("spawn");
    let mut zombie = Command::new("true").spawn().expect("spawn");
    let zombie_pid = zombie.id();
    let (end, ended) = mpsc::channel::<()>();
    let leaked = thread::Builder::new().name("leaked-thread".into());
    let (named, is_named) = mpsc::channel();
    let leaked = leaked
        .spawn(move || {
            named.send(()).expect("waited for"); // a thread names itself when it starts to run
            ended.recv().expect_err("nothing is sent")
        })
        .expect("spawn");
    is_named.recv().expect("the thread runs");
    let shared = format!("/dev/shm/{prefix}segment");
    let temporary = std::env::temp_dir().join(format!("{prefix}file"));
    let _removed = Removed([shared.clone().into(), temporary.clone()]);
    fs::write(&shared, "x").expect("write");
    fs::write(&temporary, "x").expect("write");
    // Shown as a zombie once it has ended, and not before.
    while !fs::read_to_string(format!("/proc/{zombie_pid}/stat")).expect("not reaped").contains(") Z ") {
        thread::yield_now();
    }

    let error = guard.check_within(Duration::from_millis(20)).expect_err("seven things are left").to_string();
    for expected in [
        "-> /dev/zero".to_owned(),
        format!("child {} cat", running.id()),
        format!("child {zombie_pid} true (zombie)"),
        "leaked-thread".to_owned(),
        format!("file {shared}"),
        format!("file {}", temporary.display()),
    ] {
        assert!(error.contains(&expected), "{expected} is missing in: {error}");
    }
    assert_eq!(error.split("; ").count(), 7, "the pipe to `cat`, and nothing else is named: {error}");

    drop(file);
    running.kill().expect("kill");
    running.wait().expect("reap");
    zombie.wait().expect("reap");
    drop(end);
    leaked.join().expect("the thread ends");
    drop(running); // with its pipe
    fs::remove_file(shared).expect("remove");
    fs::remove_file(temporary).expect("remove");
    guard.check().expect("all is gone");

    // A number that is closed and opened on something else is not the descriptor it was.
    let first = fs::File::open("/dev/zero").expect("open");
    let guard = LeakGuard::new(&prefix);
    drop(first);
    let _second = fs::File::open("/dev/null").expect("open");
    let error = guard.check_within(Duration::ZERO).expect_err("another file is open").to_string();
    assert!(error.contains("-> /dev/null"), "{error}");
}

/// Files that are gone also when the test fails.
struct Removed([PathBuf; 2]);

impl Drop for Removed {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path); // it mostly is gone already
        }
    }
}
