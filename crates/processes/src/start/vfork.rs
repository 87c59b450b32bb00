//! vfork(2), safely: the child runs in the caller's memory, and the caller stands still until it has exec'd.
//!
//! Nothing is copied, not even page tables: so it costs the same for a caller of one megabyte and one of a hundred
//! gigabytes. vfork itself returns twice on one stack, which no Rust function may do; clone(2) with the same flags
//! gives the child a stack of its own. It is how the C library makes `posix_spawn`.

use std::{
    ffi::{c_int, c_void},
    io,
    mem::MaybeUninit,
    ptr,
    sync::atomic::{AtomicI32, Ordering},
};

use rustix::process::Pid;

use super::{Image, Started, reap};

/// Enough for a few system calls.
const STACK: usize = 64 << 10;

/// What the child needs. It is in the parent's memory, where the child also leaves its error.
struct Plan<'a> {
    image: &'a Image,
    mask: libc::sigset_t,
    error: AtomicI32,
}

/// Starts `image`; see [`posix_spawn()`](super::posix_spawn()).
///
/// # Errors
/// When there is no such file, it is no program, or the system gives no process.
pub fn vfork(image: &Image) -> io::Result<Started> {
    let mut stack = vec![MaybeUninit::<u128>::uninit(); STACK / size_of::<u128>()];
    // It grows downwards; aligned to 16 bytes by its type.
    let top = stack.as_mut_ptr_range().end.cast::<c_void>();
    let mut plan = Plan { image, mask: signals_blocked(), error: AtomicI32::new(0) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: `child` uses only its own stack and `plan`, and both outlive it: CLONE_VFORK holds this thread until
    // the child has exec'd or ended. Signals are blocked, so that no handler runs in the child, in our memory.
    let id = unsafe { libc::clone(child, top, flags, ptr::from_mut(&mut plan).cast()) };
    let failed = io::Error::last_os_error();
    // SAFETY: a valid set, the one that was there before.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &plan.mask, ptr::null_mut()) };
    let Some(pid) = Pid::from_raw(id).filter(|_| id > 0) else { return Err(failed) };
    // Relaxed: the child is gone from our memory, and the kernel's wake-up orders what it wrote.
    match plan.error.load(Ordering::Relaxed) {
        0 => Ok(Started::new(pid)),
        error => {
            reap(pid)?;
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

/// Blocks all signals for this thread; returns which were blocked before.
fn signals_blocked() -> libc::sigset_t {
    let mut before = MaybeUninit::uninit();
    let mut all = MaybeUninit::uninit();
    // SAFETY: both are written before they are read: `all` by sigfillset, `before` by pthread_sigmask, which cannot
    // fail with a valid first argument.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
        before.assume_init()
    }
}

/// The child, in the parent's memory: only system calls, nothing that allocates or locks.
extern "C" fn child(plan: *mut c_void) -> c_int {
    // SAFETY: the parent stands still and keeps `plan` alive. The table of handlers is the child's own (without
    // CLONE_SIGHAND it is a copy), and no handler of the parent may run when signals are let in again.
    unsafe {
        let plan = &*plan.cast::<Plan<'_>>();
        for signal in 1..=libc::SIGRTMAX() {
            let mut action = MaybeUninit::<libc::sigaction>::uninit();
            if libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) == 0
                && action.assume_init().sa_sigaction != libc::SIG_IGN
            {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &plan.mask, ptr::null_mut());
        let image = plan.image;
        libc::execve(image.path().as_ptr(), image.arguments().cast(), image.environment().cast());
        plan.error.store(*libc::__errno_location(), Ordering::Relaxed);
        libc::_exit(127)
    }
}
