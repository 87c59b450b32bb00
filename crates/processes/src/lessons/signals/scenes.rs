//! Processes that get signals.

use std::{
    io::{self, Write},
    mem::MaybeUninit,
    process::{self, Stdio},
    ptr,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
    },
    thread,
};

use rustix::{
    process::{Signal, WaitId, WaitIdOptions, WaitOptions, getpid, kill_process, wait, waitid},
    thread::gettid,
};
use signal_hook::{
    consts::{SIGCHLD, SIGINT, SIGTERM, SIGUSR1},
    flag,
    iterator::Signals,
    low_level,
};

use super::super::again::{again, until_input_ends};
use crate::ended::pid;

pub(super) const SCENES: &[lesson::Scene] = &[
    ("family", || told(family())),
    ("plain", || told(ready().map(|()| forever()))),
    ("polite", || told(polite())),
    ("stubborn", || told(stubborn())),
    ("coalesce", || told(coalesce())),
    ("nothing", || {}),
    ("whose", || told(whose())),
    ("deaf", || told(deaf())),
    ("hears", || told(hears())),
];

fn told(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        eprintln!("{error}");
        process::exit(1);
    }
}

fn ready() -> io::Result<()> {
    writeln!(io::stdout(), "ready")
}

fn forever() {
    // Whoever started this holds the other end: if it dies, so does this.
    until_input_ends();
}

/// Two children in the same group; says their ids.
fn family() -> io::Result<()> {
    // They have this process's input, which the lesson holds open.
    let child = || again("signals/plain").stdin(Stdio::inherit()).stdout(Stdio::null()).spawn();
    let (first, second) = (child()?, child()?);
    println!("{} {}", first.id(), second.id());
    forever();
    Ok(())
}

/// Ends on SIGTERM when it has done what is to be done.
fn polite() -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM])?;
    ready()?;
    if signals.forever().next().is_some() {
        println!("tidied up");
    }
    Ok(())
}

/// Takes note of SIGTERM and never looks.
fn stubborn() -> io::Result<()> {
    flag::register(SIGTERM, Arc::default())?;
    ready()?;
    forever();
    Ok(())
}

/// Three children end while SIGCHLD is blocked.
fn coalesce() -> io::Result<()> {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    // SAFETY: the handler adds to an atomic number, which is async-signal-safe.
    unsafe {
        low_level::register(SIGCHLD, || {
            SEEN.fetch_add(1, Ordering::Relaxed);
        })
    }?;
    let before = block(SIGCHLD)?;
    for _ in 0..3 {
        let child = again("signals/nothing").stdin(Stdio::null()).spawn()?;
        // Until it has ended, without taking its status: then its signal was sent.
        waitid(WaitId::Pid(pid(child.id())?), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    }
    // SAFETY: a valid set, the one from before. The pending signal is delivered before the call returns.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut()) };
    let signals = SEEN.load(Ordering::Relaxed);
    // So whoever hears of it asks until there is nobody more: that, and not the signal, counts.
    let mut ended = 0;
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {
        ended += 1;
    }
    println!("{ended} ended, {signals} signal");
    Ok(())
}

/// The main thread blocks a signal, another does not: who runs the handler?
fn whose() -> io::Result<()> {
    static RAN_ON: AtomicI32 = AtomicI32::new(0);
    let other = thread::spawn(|| {
        // Relaxed: one number, and nothing else is told by it.
        while RAN_ON.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        gettid().as_raw_nonzero().get()
    });
    // SAFETY: the handler makes a system call and stores into an atomic number, which is async-signal-safe.
    unsafe {
        low_level::register(SIGUSR1, || RAN_ON.store(gettid().as_raw_nonzero().get(), Ordering::Relaxed))
    }?;
    block(SIGUSR1)?;
    kill_process(getpid(), Signal::USR1)?;
    let other = other.join().map_err(|_| io::ErrorKind::Other)?;
    let ran_on = RAN_ON.load(Ordering::Relaxed);
    println!("{}", if ran_on == other { "the other thread" } else { "somebody else" });
    Ok(())
}

/// Blocks `signal` for this thread; returns what was blocked before.
fn block(signal: i32) -> io::Result<libc::sigset_t> {
    let (mut set, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // SAFETY: both sets are written by these calls before they are read.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        match libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), before.as_mut_ptr()) {
            0 => Ok(before.assume_init()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Waits on a Condvar; a handler sets a flag that the condition looks at, and tells nobody.
fn deaf() -> io::Result<()> {
    static STOP: AtomicBool = AtomicBool::new(false);
    // SAFETY: the handler stores into an atomic flag and calls write(2), both async-signal-safe. To notify a Condvar
    // is not.
    unsafe {
        low_level::register(SIGINT, || {
            STOP.store(true, Ordering::Relaxed);
            // A handler has nobody to tell that a write failed.
            let _ = rustix::io::write(rustix::stdio::stdout(), b"handled\n");
        })
    }?;
    // If the one who started this goes away, so does this.
    thread::spawn(|| {
        until_input_ends();
        process::exit(0);
    });
    let (lock, changed) = (Mutex::new(()), Condvar::new());
    let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = |(): &mut ()| {
        let stop = STOP.load(Ordering::Relaxed);
        // Only after the look, so that no signal that answers it can come before.
        if !stop {
            println!("ready");
        }
        !stop
    };
    drop(changed.wait_while(held, wanted));
    println!("stopped");
    Ok(())
}

// ANCHOR: hears
/// The same, with a thread that waits for signals and then does what any thread may.
fn hears() -> io::Result<()> {
    let stop = Arc::new((Mutex::new(false), Condvar::new()));
    let mut signals = Signals::new([SIGINT])?;
    let its = Arc::clone(&stop);
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            *its.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            its.1.notify_all();
        }
    });
    let held = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
    ready()?;
    drop(stop.1.wait_while(held, |stop| !*stop));
    println!("stopped, and tidied up");
    process::exit(128 + SIGINT);
}
// ANCHOR_END: hears
