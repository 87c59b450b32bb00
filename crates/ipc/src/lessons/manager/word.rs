//! One number in memory that other processes can map as well: what a manager's counter is measured against.

use std::{error::Error, os::fd::OwnedFd, ptr, sync::atomic::AtomicI64};

use rustix::{
    fs::{MemfdFlags, ftruncate, memfd_create},
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

/// The number.
pub(super) struct SharedWord {
    at: ptr::NonNull<AtomicI64>,
    _file: OwnedFd,
}

impl SharedWord {
    pub(super) fn new() -> Result<Self, Box<dyn Error>> {
        let file = memfd_create("word", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, size_of::<AtomicI64>() as u64)?;
        // SAFETY: a new mapping where the kernel likes; nothing else is there.
        let at = unsafe {
            mmap(
                ptr::null_mut(),
                size_of::<AtomicI64>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &file,
                0,
            )?
        };
        let at = ptr::NonNull::new(at.cast()).ok_or("a mapping at null")?;
        Ok(Self { at, _file: file })
    }

    pub(super) fn get(&self) -> &AtomicI64 {
        // SAFETY: mapped as long as `self`, zeroed by the kernel (a valid number), aligned to a page, only used as an atomic.
        unsafe { self.at.as_ref() }
    }
}

impl Drop for SharedWord {
    fn drop(&mut self) {
        // SAFETY: our own mapping, and nobody borrows from it any more. It fails for no mapping of ours.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), size_of::<AtomicI64>()) };
    }
}
