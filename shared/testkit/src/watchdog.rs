//! Turns a test that hangs in this process into a failure that shows where each thread waits.

use std::{
    fs,
    io::Write,
    process,
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use crate::procfs;

/// Stops its timer when it is dropped. See [`watchdog`].
#[derive(Debug)]
#[must_use = "the watchdog is gone as soon as this is dropped"]
pub struct Watchdog {
    alive: Option<Sender<()>>,
    timer: Option<thread::JoinHandle<()>>,
}

/// Unless the guard is dropped within `limit`, writes to stderr what each thread of this process waits for, then
/// aborts. A thread that hangs can not be ended from outside (there is no safe way to kill a thread), so the process
/// has to end, and with it every other test in it: keep tests that may hang in a binary of their own.
///
/// The wait channel (`futex_wait` and so on) and system call number are those of /proc/self/task (proc(5)).
pub fn watchdog(limit: Duration) -> Watchdog {
    let test = thread::current().name().unwrap_or("a thread without a name").to_owned();
    let (alive, ended) = channel();
    let timer = thread::spawn(move || {
        // Nothing is ever sent: the channel closes when the guard is dropped, also by a panic.
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            bark(&test, limit);
        }
    });
    Watchdog { alive: Some(alive), timer: Some(timer) }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.alive = None;
        // Joined, so that no thread is left over for a leak guard to find. It can not panic.
        let _ = self.timer.take().map(thread::JoinHandle::join);
    }
}

fn bark(test: &str, limit: Duration) -> ! {
    let mut told = format!("\ntestkit: {test} hangs: not done within {limit:?}. Its threads:\n");
    for (id, name) in procfs::threads() {
        let look =
            |file: &str| fs::read_to_string(format!("/proc/self/task/{id}/{file}")).unwrap_or_default();
        let state = look("stat").rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('?');
        let (wait_channel, call) = (look("wchan"), look("syscall"));
        let call = call.split(' ').next().unwrap_or_default().trim_end();
        told += &format!("  {id} {name}: state {state}, waits in {wait_channel}, system call {call}\n");
        // Readable for root only.
        for line in look("stack").lines().take(6) {
            told += &format!("      {line}\n");
        }
    }
    // Not `eprintln!`: the test harness would keep that back until the test ends, which it does not.
    let _ = std::io::stderr().write_all(told.as_bytes());
    process::abort();
}
