//! posix_spawn(3): another program in another process, in one call.
//!
//! The C library does it by a vfork of its own ([`vfork()`](super::vfork())) and reports exec's error to the caller.
//! `std::process::Command` calls it, too, as long as nothing is asked for that only code between fork and exec can
//! do (`pre_exec`, for instance).

use std::{io, ptr};

use rustix::process::Pid;

use super::{Image, Started};

/// Starts `image`. It inherits the environment, the directory, all descriptors that are not close-on-exec, and which
/// signals are ignored: in a Rust program SIGPIPE is (`Command` takes that back, this does not).
///
/// # Errors
/// When there is no such file, it is no program, or the system gives no process.
pub fn posix_spawn(image: &Image) -> io::Result<Started> {
    let mut id = 0;
    // SAFETY: path, arguments and environment are C strings and lists with a null at the end, which live as long as
    // `image`; the two null pointers stand for "no actions" and "no attributes".
    let error = unsafe {
        let (path, arguments) = (image.path().as_ptr(), image.arguments());
        libc::posix_spawn(&mut id, path, ptr::null(), ptr::null(), arguments, image.environment())
    };
    match (error, Pid::from_raw(id)) {
        (0, Some(pid)) => Ok(Started::new(pid)),
        // The error is returned and not put into `errno`.
        _ => Err(io::Error::from_raw_os_error(error)),
    }
}
