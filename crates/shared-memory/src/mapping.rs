//! A mapping is memory that is really there, as long as its file is not made shorter; it is unmapped on drop.
//!
//! Two things go wrong with mmap(2) where nobody looks, and both end in SIGBUS, long after the call has succeeded:
//! - a **length** beyond the end of the file is mapped without an error, and the first access there kills. So the
//!   length is compared with that of the file.
//! - a **hole**: ftruncate(2) makes a file long without taking memory for it. Each page is taken at its first access, and
//!   if there is none left, that access kills. So [`reserve`] takes them all at once, by fallocate(2), where a full
//!   /dev/shm is an error (ENOSPC) that one can handle.
//!
//! Against a file that is made shorter afterwards only a seal helps: [`Memfd`](crate::Memfd).

use std::{
    ffi::c_void,
    os::fd::{AsFd, BorrowedFd},
    ptr::{self, NonNull},
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

use rustix::{
    fs::{FallocateFlags, fallocate, fstat, ftruncate},
    io::Errno,
    mm::{Advice, MapFlags, ProtFlags, madvise, mmap, munmap},
};

use crate::safe::SharedSafe;

/// Why memory could not be mapped, or not be used as something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// Nothing can be mapped.
    #[error("a mapping of no bytes")]
    Empty,
    /// The file is shorter than what was to be mapped, or is now shorter than what is mapped.
    #[error("the file has {has} bytes, which is less than the {needed} that are needed")]
    TooSmall {
        /// Bytes in the file.
        has: u64,
        /// Bytes asked for.
        needed: u64,
    },
    /// What was asked for does not lie inside of the mapping.
    #[error("{bytes} bytes at offset {offset} are not inside of a mapping of {len}")]
    OutOfBounds {
        /// Where it would begin, in bytes from the start.
        offset: usize,
        /// How long it would be.
        bytes: usize,
        /// How long the mapping is.
        len: usize,
    },
    /// No value of this type can be at this offset.
    #[error("offset {offset} is no multiple of {align}")]
    Misaligned {
        /// Where it would begin, in bytes from the start.
        offset: usize,
        /// What it would have to be a multiple of.
        align: usize,
    },
    /// The type has a model checker's atomics in it, which are no words in memory.
    #[error("a model checker's atomics cannot be mapped")]
    Modelled,
    /// There is not so much memory left where the file is (ENOSPC).
    #[error("there is no room for {size} bytes (ENOSPC)")]
    Full {
        /// Bytes asked for.
        size: u64,
    },
    /// The kernel refused for another reason.
    #[error("{call}: {errno}")]
    System {
        /// The system call.
        call: &'static str,
        /// Its error.
        errno: Errno,
    },
}

impl MapError {
    pub(crate) fn system(call: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self::System { call, errno }
    }
}

/// The bytes in `file`.
///
/// # Errors
/// That of fstat(2).
pub fn size_of_file(file: impl AsFd) -> Result<u64, MapError> {
    let size = fstat(file).map_err(MapError::system("fstat"))?.st_size;
    Ok(size.try_into().unwrap_or(0))
}

/// Makes `file` so long, and takes the memory for it now. New bytes are zero.
///
/// # Errors
/// [`MapError::Full`] when there is not enough, which would be a SIGBUS later on.
pub fn reserve(file: impl AsFd, size: u64) -> Result<(), MapError> {
    let file = file.as_fd();
    if size == 0 {
        return Err(MapError::Empty);
    }
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, size) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(Errno::NOSPC) => return Err(MapError::Full { size }),
            // A file system without it; there a hole is all that can be had.
            Err(Errno::OPNOTSUPP) => return ftruncate(file, size).map_err(MapError::system("ftruncate")),
            Err(errno) => return Err(MapError::System { call: "fallocate", errno }),
        }
    }
}

// ANCHOR: mapping
/// Bytes of a file in this process's memory (MAP_SHARED): whoever maps the same file has the same bytes.
///
/// It needs no descriptor: that can be closed at once.
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping belongs to the process and to no thread of it; its bytes are reached only through atomics and
// through types that are `Sync` themselves (`SharedSafe`).
unsafe impl Send for Mapping {}
// SAFETY: see above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the whole file, to be read and written.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn whole(file: impl AsFd) -> Result<Self, MapError> {
        let size = size_of_file(file.as_fd())?;
        Self::of(file, size.try_into().map_err(|_| MapError::System { call: "mmap", errno: Errno::NOMEM })?)
    }

    /// Maps the first `len` bytes of the file, to be read and written.
    ///
    /// # Errors
    /// [`MapError::TooSmall`] when the file has fewer, and what mmap(2) refuses.
    pub fn of(file: impl AsFd, len: usize) -> Result<Self, MapError> {
        if len == 0 {
            return Err(MapError::Empty);
        }
        holds(file.as_fd(), len)?;
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: the kernel chooses an address at which nothing is.
        let start = unsafe { mmap(ptr::null_mut(), len, both, MapFlags::SHARED, file, 0) };
        let start = start.map_err(MapError::system("mmap"))?;
        let start =
            NonNull::new(start.cast()).ok_or(MapError::System { call: "mmap", errno: Errno::FAULT })?;
        Ok(Self { start, len })
    }
    // ANCHOR_END: mapping

    /// How many bytes are mapped.
    #[expect(clippy::len_without_is_empty, reason = "there are no empty ones")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first byte. Any process that maps the file may change any byte at any time.
    pub fn as_ptr(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// Enters all pages in this process's page table now: one call instead of a fault for each of them.
    ///
    /// MADV_POPULATE_WRITE is in Linux since 5.14. Where it is not known, or fails, pages come one by one, as ever.
    pub fn populate(&self) {
        // SAFETY: the range is ours, and the advice changes nothing in what it holds.
        let _ = unsafe { madvise(self.start.as_ptr().cast(), self.len, Advice::LinuxPopulateWrite) };
    }

    /// The value at `offset`, borrowed from the mapping.
    ///
    /// # Errors
    /// When it would not lie inside of the mapping, or not on a multiple of its alignment.
    pub fn at<T: SharedSafe>(&self, offset: usize) -> Result<&T, MapError> {
        let values = self.slice(offset, 1)?;
        Ok(&values[0])
    }

    /// `count` values from `offset` on, borrowed from the mapping.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn slice<T: SharedSafe>(&self, offset: usize, count: usize) -> Result<&[T], MapError> {
        if !T::MAPPABLE {
            return Err(MapError::Modelled);
        }
        let bytes = count.saturating_mul(size_of::<T>());
        self.inside(offset, bytes)?;
        let first = self.start.as_ptr().wrapping_add(offset);
        if !first.addr().is_multiple_of(align_of::<T>()) {
            return Err(MapError::Misaligned { offset, align: align_of::<T>() });
        }
        // SAFETY: inside of the mapping, aligned, and borrowed from it, so it cannot be unmapped meanwhile. Any bytes
        // are a T, and whoever changes them, here or in another process, does so as T allows: both by `SharedSafe`.
        Ok(unsafe { std::slice::from_raw_parts(first.cast::<T>(), count) })
    }

    /// Copies bytes out, from `offset` on. Not in one step: what others write meanwhile may be seen in part.
    ///
    /// # Errors
    /// When they are not all inside of the mapping; then nothing was copied.
    pub fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), MapError> {
        let bytes = self.slice::<AtomicU8>(offset, into.len())?;
        // Relaxed: a copy orders nothing. It is up to the caller to know that the writer is done.
        into.iter_mut().zip(bytes).for_each(|(into, from)| *into = from.load(Relaxed));
        Ok(())
    }

    /// Copies bytes in, from `offset` on. Not in one step: others may see part of it.
    ///
    /// # Errors
    /// When they would not all be inside of the mapping; then nothing was copied.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), MapError> {
        let bytes = self.slice::<AtomicU8>(offset, from.len())?;
        // Relaxed: as in `read`.
        bytes.iter().zip(from).for_each(|(into, from)| into.store(*from, Relaxed));
        Ok(())
    }

    /// Whether the file behind still holds all that is mapped: if not, the next access beyond its end kills.
    ///
    /// It may be made shorter right after this look. A sealed [`Memfd`](crate::Memfd) cannot.
    ///
    /// # Errors
    /// [`MapError::TooSmall`] when it does not.
    pub fn still_backed_by(&self, file: impl AsFd) -> Result<(), MapError> {
        holds(file.as_fd(), self.len)
    }

    fn inside(&self, offset: usize, bytes: usize) -> Result<(), MapError> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(MapError::OutOfBounds { offset, bytes, len: self.len }),
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range is ours, and nothing is borrowed from it any more. It fails only for a wrong range.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.len) };
    }
}

fn holds(file: BorrowedFd<'_>, len: usize) -> Result<(), MapError> {
    let (has, needed) = (size_of_file(file)?, len as u64);
    if has < needed { Err(MapError::TooSmall { has, needed }) } else { Ok(()) }
}
