//! A process with a /dev/shm of its own, of any size: a mount namespace (mount_namespaces(7)), which ends with it.

use std::{ffi::CStr, io, ptr};

use crate::peer;

/// Gives this process a /dev/shm of its own, which nobody else sees and which ends with it.
fn own_shm(options: &CStr) -> io::Result<()> {
    let ok = |result| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: each call gets strings that end in zero, or null where mount(2) looks at none.
    unsafe {
        // Who is not root may be root in a user namespace of its own.
        ok(libc::unshare(libc::CLONE_NEWNS))
            .or_else(|_| ok(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)))?;
        // First: what we mount shall not appear outside.
        ok(libc::mount(
            ptr::null(),
            c"/".as_ptr(),
            ptr::null(),
            libc::MS_REC | libc::MS_PRIVATE,
            ptr::null(),
        ))?;
        let tmpfs = c"tmpfs".as_ptr();
        ok(libc::mount(tmpfs, c"/dev/shm".as_ptr(), tmpfs, 0, options.as_ptr().cast()))
    }
}

/// As [`own_shm`]; if that cannot be, says so, and there is nothing more to do.
pub(super) fn has_own_shm(options: &CStr) -> bool {
    let mounted = own_shm(options);
    if let Err(why) = &mounted {
        peer::say(format!("skipped: no file system can be mounted here: {why}"));
    }
    mounted.is_ok()
}
