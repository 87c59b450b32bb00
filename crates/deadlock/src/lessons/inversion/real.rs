//! Three threads with real priorities on one core: what the medium one does to the high one is seen in the order of events.
//!
//! No clock is looked at. Under `SCHED_FIFO` (sched(7)) a thread runs until it blocks or a higher one is ready, so on one
//! core the order is fixed. Needs root or `CAP_SYS_NICE`; says so where it is not allowed. Whatever happens, it ends: all
//! loops are bounded, and the process is killed by SIGALRM after some seconds (an alarm needs no core of its own).

use std::{
    cell::UnsafeCell,
    io, mem,
    os::raw::c_int,
    ptr,
    sync::{Barrier, Mutex, PoisonError, mpsc::channel},
    thread,
};

use crate::bank::Work;

/// About 20 ms of work: a long time beside the microseconds of the lock.
const BUSY: Work = Work(10_000_000);

pub(super) fn plain() {
    scene(libc::PTHREAD_PRIO_NONE);
}

pub(super) fn inherit() {
    scene(libc::PTHREAD_PRIO_INHERIT);
}

fn scene(protocol: c_int) {
    // SAFETY: it only asks the kernel for a signal that ends this process.
    unsafe { libc::alarm(5) };
    match play(protocol) {
        Ok(events) => println!("{}", events.join(", ")),
        Err(why) => println!("skip: {why}"),
    }
}

/// What happened, in order.
fn play(protocol: c_int) -> io::Result<Vec<&'static str>> {
    may_have_priorities()?;
    let lock = PosixMutex::new(protocol)?;
    let events = Mutex::new(Vec::new());
    let happens = |what| events.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    let (wake_high, high_sleeps) = channel::<()>();
    let (wake_medium, medium_sleeps) = channel::<()>();
    // Once all are on the one core, the low one runs only while the others sleep.
    let ready = Barrier::new(3);
    let take_place = |priority| {
        let placed = run_at(priority);
        ready.wait();
        placed
    };
    thread::scope(|scope| {
        let high = scope.spawn(|| -> io::Result<()> {
            let sleeps = high_sleeps;
            take_place(30)?;
            if sleeps.recv().is_ok() {
                happens("high waits");
                lock.lock();
                happens("high locked");
                lock.unlock();
            }
            Ok(())
        });
        let medium = scope.spawn(|| -> io::Result<()> {
            let sleeps = medium_sleeps;
            take_place(20)?;
            if sleeps.recv().is_ok() {
                BUSY.run();
                happens("medium done");
            }
            Ok(())
        });
        let low = scope.spawn(|| -> io::Result<()> {
            let (wake_high, wake_medium) = (wake_high, wake_medium);
            take_place(10)?;
            lock.lock();
            happens("low locked");
            // The high one runs at once, as it outranks this one, until it waits for the lock. Nobody to wake would
            // mean that a thread has failed, which its join tells.
            let _ = wake_high.send(());
            // Without inheritance the medium one takes over here; with it, this thread is now the high one's equal.
            let _ = wake_medium.send(());
            happens("low unlocks");
            lock.unlock();
            Ok(())
        });
        [low, medium, high]
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| io::Error::other("a thread panicked"))?)
    })?;
    Ok(events.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Tried on a thread of its own, so that nothing else is changed.
fn may_have_priorities() -> io::Result<()> {
    let tried = thread::spawn(|| run_at(1)).join().map_err(|_| io::Error::other("a thread panicked"))?;
    tried.map_err(|error| io::Error::new(error.kind(), format!("no real priorities here: {error}")))
}

/// From here on the calling thread runs on one core, the first that this process may use, with this priority.
fn run_at(priority: c_int) -> io::Result<()> {
    let allowed = rustix::thread::sched_getaffinity(None)?;
    let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|&core| allowed.is_set(core)).unwrap_or(0);
    let mut one = rustix::thread::CpuSet::new();
    one.set(first);
    rustix::thread::sched_setaffinity(None, &one)?;
    // SAFETY: zeroes are valid for this plain struct; 0 means the calling thread (sched_setscheduler(2)).
    let outcome = unsafe {
        let mut parameters: libc::sched_param = mem::zeroed();
        parameters.sched_priority = priority;
        libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters)
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A mutex of C with a protocol for priorities, which std's does not have.
struct PosixMutex(Box<UnsafeCell<libc::pthread_mutex_t>>);

// SAFETY: it is made for threads, and does not move: it is in a box.
unsafe impl Sync for PosixMutex {}

impl PosixMutex {
    fn new(protocol: c_int) -> io::Result<Self> {
        let mutex = Box::new(UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER));
        let mut attributes = mem::MaybeUninit::uninit();
        // SAFETY: the attributes are initialised by the first call and destroyed by the last; the mutex is used by
        // nobody yet.
        unsafe {
            done(libc::pthread_mutexattr_init(attributes.as_mut_ptr()))?;
            done(libc::pthread_mutexattr_setprotocol(attributes.as_mut_ptr(), protocol))?;
            done(libc::pthread_mutex_init(mutex.get(), attributes.as_ptr()))?;
            done(libc::pthread_mutexattr_destroy(attributes.as_mut_ptr()))?;
        }
        Ok(Self(mutex))
    }

    fn lock(&self) {
        // SAFETY: initialised in `new`.
        let outcome = unsafe { libc::pthread_mutex_lock(self.0.get()) };
        debug_assert_eq!(outcome, 0);
    }

    fn unlock(&self) {
        // SAFETY: initialised in `new`; here only its holder calls this.
        let outcome = unsafe { libc::pthread_mutex_unlock(self.0.get()) };
        debug_assert_eq!(outcome, 0);
    }
}

impl Drop for PosixMutex {
    fn drop(&mut self) {
        // SAFETY: nobody holds it any more, as nobody borrows it.
        unsafe { libc::pthread_mutex_destroy(ptr::from_mut(self.0.get_mut())) };
    }
}

fn done(error: c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}
