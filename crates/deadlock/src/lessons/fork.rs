//! What does a child of `fork` inherit of a lock that another thread holds?
//!
//! The lock, locked, and not the thread that would unlock it. `fork` copies the memory of the whole process and **one**
//! thread of it, the one that called (fork(2)). If at that moment another one held a lock, then in the copy the lock is
//! held by nobody who exists. The child waits for ever; there is no cycle, and nothing in the child could tell. That
//! holds for every lock: one of yours, the one of a logger, the one inside of `malloc`.
//!
//! Look at who is there: the parent gets the lock back, the child has one thread and sleeps. A **watchdog** finds it, as it
//! must not wait without a limit. Two cures. `Command` starts a program afresh: between its fork and its exec nothing
//! is locked, and after the exec all memory is new. Or whoever forks *takes the locks first*, so that they are held by
//! the thread that is copied: `pthread_atfork`.
//!
//! In Python it is the reason why `multiprocessing` no longer forks by default (3.14), why `os.fork` warns when there are
//! threads (3.12), and what `os.register_at_fork` is for.

use std::{
    fs, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

use lesson::{Lesson, Story};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, waitpid};

pub(super) const LESSON: Lesson = Lesson {
    name: "fork",
    question: "What does a child of fork inherit of a lock that another thread holds?",
    python: &["os.fork", "os.register_at_fork", "multiprocessing.set_start_method"],
    run,
    scenes: &[("afresh", afresh)],
};

/// How long the watchdog lets a child do what takes microseconds.
const PATIENCE: Duration = Duration::from_millis(300);
/// And where it must not be wrong on a busy machine.
const AMPLE: Duration = Duration::from_secs(20);

fn run(story: &mut Story) -> lesson::Result {
    inherited(story)?;
    python(story);
    taken_first(story)?;
    story.say("Cured by exec: Command starts this program anew, while a thread here holds the lock.");
    let lock = Mutex::new(());
    let _held = guard(&lock);
    let ended = story.play("afresh", AMPLE)?;
    story.claim(
        "a program that starts afresh takes its own lock and ends",
        "locked",
        ended.stdout.trim(),
        ended.status.is_some_and(|status| status.success()) && ended.stdout.trim() == "locked",
    );
    Ok(())
}

fn afresh() {
    let lock = Mutex::new("locked");
    println!("{}", guard(&lock));
}

// ANCHOR: inherited
/// A thread holds the lock; another one forks; the child asks for it.
fn inherited(story: &mut Story) -> lesson::Result {
    story.say("A thread holds a lock while another one forks. Then it lets go: here, not in the child.");
    let lock = Arc::new(Mutex::new(()));
    let ((held, is_held), (let_go, may_go)) = (channel(), channel::<()>());
    let theirs = Arc::clone(&lock);
    let holder = thread::spawn(move || {
        let _guard = guard(&theirs);
        let _ = held.send(());
        let _ = may_go.recv();
    });
    is_held.recv()?;
    let child = fork(|| drop(guard(&lock)))?;
    let threads_here = threads_of("self")?;
    drop(let_go);
    holder.join().map_err(|_| "the holder panicked")?;
    // ANCHOR_END: inherited

    let in_time = wait_within(child, PATIENCE)?;
    let of_child = child.as_raw_nonzero().to_string();
    let asleep = "S (sleeping)";
    let start = Instant::now();
    while state_of(&of_child)? != asleep && start.elapsed() < AMPLE {
        thread::sleep(Duration::from_millis(2)); // on a busy machine it may not have come so far
    }
    let (threads, state) = (threads_of(&of_child)?, state_of(&of_child)?);
    let free_here = lock.try_lock().is_ok();
    story.show(format!(
        "parent  threads: {threads_here:2}   lock: {}\nchild   threads: {threads:2}   lock: held in the copy, by a thread that was \
         not copied\n        state: {state}   waits for ever",
        if free_here { "free again" } else { "held" },
    ));
    story.claim(
        "when the watchdog's patience ends, the child still waits for the lock",
        format!("not done after {} ms", PATIENCE.as_millis()),
        in_time.map_or("not done, asleep".to_owned(), |status| format!("done: {status:?}")),
        in_time.is_none() && state == asleep,
    );
    story.equal("in the parent the lock is free", true, free_here);
    story.claim(
        "the child has one thread: the holder does not exist there",
        "1, and more in the parent",
        format!("{threads}, {threads_here} in the parent"),
        threads == 1 && threads_here > 1,
    );
    kill_process(child, Signal::KILL)?;
    waitpid(Some(child), WaitOptions::empty())?;
    Ok(())
}

// ANCHOR: taken_first
/// Whoever forks holds the lock itself: then its holder is the one thread that is copied.
fn taken_first(story: &mut Story) -> lesson::Result {
    story.say("Cured by taking the lock before the fork, as pthread_atfork does: both copies are held by who goes on.");
    let lock = Mutex::new(0);
    let mut held = guard(&lock);
    *held = 1; // whatever it guards is whole again when the guard is dropped
    // SAFETY: the child gives a lock back, takes it, and ends: nothing that another thread could have held.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error().into()),
        0 => {
            drop(held);
            let seen = *guard(&lock);
            // SAFETY: ends this copy at once; the parent's buffers and destructors are not the child's business.
            unsafe { libc::_exit(seen) }
        }
        child => {
            drop(held);
            child
        }
    };
    // ANCHOR_END: taken_first
    let child = Pid::from_raw(child).ok_or("fork returned no process")?;
    let status = wait_within(child, AMPLE)?.and_then(|status| status.exit_status());
    story.equal(
        "the child gives its copy back, takes it again and ends with what it guards",
        Some(1),
        status,
    );
    Ok(())
}

/// Python has the same disease: its locks are copied too.
fn python(story: &mut Story) {
    const CLAIM: &str = "in Python as well: the child never gets a threading.Lock that another thread held";
    let code = "import os, threading, warnings\nwarnings.simplefilter('ignore')\nlock, held, go = threading.Lock(), \
        threading.Event(), threading.Event()\ndef hold():\n  with lock: held.set(); go.wait()\nthreading.Thread(target=hold)\
        .start(); held.wait()\nchild = os.fork()\nif child == 0: os._exit(lock.acquire(timeout=0.2))\ngo.set()\n\
        print('acquired' if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else 'never')";
    match lesson::python(code, AMPLE) {
        Ok(played) => {
            story.claim(CLAIM, "never", played.stdout.trim(), played.stdout.trim() == "never");
        }
        Err(why) => story.skip(CLAIM, "never", why),
    }
}

/// A child that does `body`, which may take a lock and nothing more, and ends. Should it wait for ever, and its watchdog
/// have died, it ends all the same: an alarm kills it.
fn fork(body: impl FnOnce()) -> io::Result<Pid> {
    // SAFETY: the child asks for an alarm, takes a lock, and ends: it allocates nothing and calls nothing that another
    // thread could have been in.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: as above. No alarm was set before, and its default action is to end the process.
            unsafe { libc::alarm(5) };
            body();
            // SAFETY: as above.
            unsafe { libc::_exit(0) }
        }
        child => Pid::from_raw(child).ok_or_else(|| io::Error::other("fork returned no process")),
    }
}

/// The watchdog: how the child ended, `None` if it had not after `patience`.
fn wait_within(child: Pid, patience: Duration) -> io::Result<Option<WaitStatus>> {
    let start = Instant::now();
    loop {
        if let Some((_, status)) = waitpid(Some(child), WaitOptions::NOHANG)? {
            return Ok(Some(status));
        }
        if start.elapsed() >= patience {
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn threads_of(process: &str) -> io::Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/task"))?.count())
}

fn state_of(process: &str) -> io::Result<String> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let state = status.lines().find_map(|line| line.strip_prefix("State:"));
    Ok(state.unwrap_or("unknown").trim().to_owned())
}

fn guard<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
