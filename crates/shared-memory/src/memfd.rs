//! Memory without a name: nobody can guess it, nobody can make it shorter, and it goes with its last user.
//!
//! memfd_create(2) makes a file that is in no directory. Whoever is to share it is given a descriptor: a child inherits
//! it ([`inherit`]), any process gets it through a socket ([`send`](crate::pass::send)), and one of the same user may
//! open `/proc/PID/fd/N`. When the last descriptor and the last mapping are gone, so is the memory: also after SIGKILL,
//! with nobody to clean up. **Seals** (fcntl(2), F_ADD_SEALS) are promises of the kernel that no holder can break: the
//! file gets no shorter, so no access to a mapping can end in SIGBUS.
//!
//! Linux only (3.17). In Python `os.memfd_create`, and `multiprocessing.RawArray` has something like it: an unlinked file.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    os::unix::process::CommandExt,
    process::Command,
};

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create},
    io::{Errno, FdFlags, fcntl_setfd},
};

use crate::mapping::{MapError, Mapping, reserve, size_of_file};

/// Why a descriptor is not taken for memory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemfdError {
    /// Whoever holds it could make it shorter, and the next access would be a SIGBUS.
    #[error("the file may be made shorter: it lacks the seal F_SEAL_SHRINK")]
    NotSealed,
    /// It is a pipe, a socket, a file on a disk.
    #[error("the descriptor is no memfd: it has no seals")]
    NoMemfd,
    /// It could not be made, sized or mapped.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Memory without a name, of a size that nobody can change any more.
#[derive(Debug)]
pub struct Memfd {
    file: OwnedFd,
    size: usize,
}

/// Not shorter, not longer, and these seals are the last.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

impl Memfd {
    // ANCHOR: create
    /// `size` bytes, all zero, sealed. `label` is seen in `/proc/PID/maps`, and is no name: many may have it.
    ///
    /// # Errors
    /// [`MapError::Full`], [`MapError::Empty`], and no descriptors left.
    pub fn create(label: &str, size: usize) -> Result<Self, MemfdError> {
        Ok(Unsealed::create(label, size)?.seal()?)
    }
    // ANCHOR_END: create

    /// Takes a descriptor that came from another process, if what is behind it cannot be made shorter.
    ///
    /// # Errors
    /// [`MemfdError::NotSealed`], [`MemfdError::NoMemfd`].
    pub fn from_fd(file: OwnedFd) -> Result<Self, MemfdError> {
        // First the seal, then the size: the other way round it might shrink in between.
        match fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SealFlags::SHRINK) => {}
            Ok(_) => return Err(MemfdError::NotSealed),
            Err(_) => return Err(MemfdError::NoMemfd),
        }
        let size = size_of_file(&file)?;
        let size = size.try_into().map_err(|_| MapError::System { call: "mmap", errno: Errno::NOMEM })?;
        if size == 0 { Err(MapError::Empty.into()) } else { Ok(Self { file, size }) }
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Maps all of it. The mapping stays when this is dropped.
    ///
    /// # Errors
    /// What mmap(2) refuses.
    pub fn map(&self) -> Result<Mapping, MapError> {
        Mapping::of(self, self.size)
    }

    /// Another descriptor of the same memory.
    ///
    /// # Errors
    /// None left (EMFILE).
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { file: self.file.try_clone()?, size: self.size })
    }
}

impl AsFd for Memfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<Memfd> for OwnedFd {
    fn from(memory: Memfd) -> Self {
        memory.file
    }
}

/// Memory without a name whose size may still change.
#[derive(Debug)]
pub struct Unsealed {
    file: OwnedFd,
    size: usize,
}

impl Unsealed {
    /// As [`Memfd::create`], without the seals.
    ///
    /// # Errors
    /// As [`Memfd::create`].
    pub fn create(label: &str, size: usize) -> Result<Self, MapError> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create(label, flags).map_err(MapError::system("memfd_create"))?;
        reserve(&file, size as u64)?;
        Ok(Self { file, size })
    }

    /// Fixes the size for ever.
    ///
    /// # Errors
    /// That of fcntl(2).
    pub fn seal(self) -> Result<Memfd, MapError> {
        fcntl_add_seals(&self.file, SEALS).map_err(MapError::system("fcntl"))?;
        Ok(Memfd { file: self.file, size: self.size })
    }
}

impl AsFd for Unsealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<Unsealed> for OwnedFd {
    fn from(memory: Unsealed) -> Self {
        memory.file
    }
}

// ANCHOR: inherit
/// Lets the process that `command` starts have `file` under the same number, which is returned.
///
/// All our descriptors are close-on-exec, so that no child gets one by accident; this takes the flag off in the child
/// alone, between fork and exec. (Simpler, where the child needs no input: `command.stdin(memory)`.)
pub fn inherit(command: &mut Command, file: OwnedFd) -> i32 {
    let number = file.as_raw_fd();
    // SAFETY: between fork and exec only one system call is made; nothing is allocated, no lock is taken.
    unsafe { command.pre_exec(move || Ok(fcntl_setfd(&file, FdFlags::empty())?)) };
    number
}
// ANCHOR_END: inherit
