//! A named segment has one owner, who takes the name away in the end; all others only attach.
//!
//! `shm_open` (shm_overview(7)) makes a file in /dev/shm. The name and the memory are two things: the name goes by
//! unlink, the memory goes with its last user. A process that is killed unlinks nothing, and the name stays until the
//! machine is restarted: [`leaks`](crate::lessons) shows what to do about it.
//!
//! In Python `SharedMemory` is both handles in one, and a process that merely attached takes the name away at its end,
//! unless it says `track=False` (since 3.13).

use std::{
    ops::Deref,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use rustix::{
    fs::fstat,
    io::Errno,
    shm::{self, OFlags},
};

use crate::mapping::{MapError, Mapping, reserve, size_of_file};
pub use crate::name::{Name, names, remove};

/// Why there is no segment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Somebody has created it before, and it is there still; or somebody was killed and left it.
    #[error("the segment {0} exists already")]
    NameTaken(Name),
    /// Nobody has created it yet, or its owner has taken the name away.
    #[error("there is no segment {0}")]
    NotFound(Name),
    /// It belongs to another user.
    #[error("the segment {0} may not be opened by this user")]
    Forbidden(Name),
    /// Shorter than what the caller said it needs.
    #[error("the segment {name} has {has} bytes, and {needed} are needed")]
    TooSmall {
        /// Which.
        name: Name,
        /// Its size in bytes.
        has: u64,
        /// What was asked for.
        needed: u64,
    },
    /// shm_open(3) wants 1 to 255 bytes, of which none is a slash or zero.
    #[error("{0:?} is no name for a segment: 1 to 254 bytes, no slash, no zero, not . nor ..")]
    BadName(String),
    /// It could not be sized or mapped.
    #[error(transparent)]
    Map(#[from] MapError),
}

// ANCHOR: owner
/// The one who created a segment. Dropping it takes the name away; whoever has it mapped keeps the memory.
#[derive(Debug)]
pub struct Owner {
    segment: Attached,
    duty: Duty,
}

impl Owner {
    /// Creates a segment of `size` bytes, all zero, for this user only. Of several processes that try, one succeeds.
    ///
    /// # Errors
    /// [`SegmentError::NameTaken`], [`SegmentError::BadName`], and [`MapError::Full`]; then no name is left behind.
    pub fn create(name: &str, size: usize) -> Result<Self, SegmentError> {
        let name = Name::new(name)?;
        let file = name.open(OFlags::CREATE | OFlags::EXCL)?;
        // From here on an error drops it, and with it the name.
        let owner = Attached { name, file }.into_owner()?;
        reserve(&owner, size as u64)?;
        Ok(owner)
    }
    // ANCHOR_END: owner

    /// Creates a segment under a name that is free: `prefix`, the process id, a number.
    ///
    /// # Errors
    /// As [`create`](Self::create), except that a taken name is no error.
    pub fn create_unique(prefix: &str, size: usize) -> Result<Self, SegmentError> {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        loop {
            // Relaxed: only the numbers must differ. A taken name is the rest of a killed process that had our id.
            let serial = SERIAL.fetch_add(1, Relaxed);
            match Self::create(&format!("{prefix}-{}-{serial}", process::id()), size) {
                Err(SegmentError::NameTaken(_)) => {}
                done => return done,
            }
        }
    }

    /// Takes the name away now: the memory stays with those who have it, and goes with the last of them, however that
    /// one ends.
    pub fn unlink(self) -> Attached {
        self.segment
    }

    /// Leaves the name to somebody else, who must become [`Owner`] by [`Attached::into_owner`], or [`remove`] it.
    pub fn into_attached(mut self) -> Attached {
        self.duty.done = true;
        self.segment
    }
}

/// A segment that somebody else has created. Dropping it takes nothing away.
#[derive(Debug)]
pub struct Attached {
    name: Name,
    file: OwnedFd,
}

impl Attached {
    /// Opens the segment of this name.
    ///
    /// # Errors
    /// [`SegmentError::NotFound`], [`SegmentError::Forbidden`], [`SegmentError::BadName`].
    pub fn open(name: &str) -> Result<Self, SegmentError> {
        let name = Name::new(name)?;
        let file = name.open(OFlags::empty())?;
        Ok(Self { name, file })
    }

    /// The same, if it has `needed` bytes or more.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`SegmentError::TooSmall`].
    pub fn open_at_least(name: &str, needed: usize) -> Result<Self, SegmentError> {
        let attached = Self::open(name)?;
        let (has, needed) = (attached.size()?, needed as u64);
        if has < needed {
            return Err(SegmentError::TooSmall { name: attached.name, has, needed });
        }
        Ok(attached)
    }

    /// Takes over the duty to take the name away: from an owner who has died, or has given it up.
    ///
    /// # Errors
    /// That of fstat(2).
    pub fn into_owner(self) -> Result<Owner, SegmentError> {
        let file = identity(&self.file).map_err(MapError::system("fstat"))?;
        let duty = Duty { name: self.name.clone(), file, process: process::id(), done: false };
        Ok(Owner { segment: self, duty })
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// How many bytes it has now. Nothing keeps anybody who may open it from making it shorter.
    ///
    /// # Errors
    /// That of fstat(2).
    pub fn size(&self) -> Result<u64, MapError> {
        size_of_file(self)
    }

    /// Maps all of it. The mapping stays when this is dropped.
    ///
    /// # Errors
    /// As [`Mapping::whole`].
    pub fn map(&self) -> Result<Mapping, MapError> {
        Mapping::whole(self)
    }
}

impl AsFd for Attached {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl AsFd for Owner {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.segment.as_fd()
    }
}

/// All that an attached handle can do, an owner can.
impl Deref for Owner {
    type Target = Attached;

    fn deref(&self) -> &Attached {
        &self.segment
    }
}

/// What an owner has to do in the end.
#[derive(Debug)]
struct Duty {
    name: Name,
    file: (u64, u64),
    /// A forked child has a copy of this, and no duty.
    process: u32,
    done: bool,
}

impl Drop for Duty {
    fn drop(&mut self) {
        // The name may be another segment's by now: somebody has taken ours away and created a new one. (And it may become
        // so between this look and the unlink: the kernel knows of no owners. Names that are unique have no such trouble.)
        let still_ours = || {
            let file = self.name.open(OFlags::empty()).ok()?;
            Some(identity(&file).ok()? == self.file)
        };
        if !self.done && self.process == process::id() && still_ours() == Some(true) {
            // If somebody was quicker, it is gone, as it should be.
            let _ = shm::unlink(self.name.path());
        }
    }
}

/// Device and inode: which file it is, under whatever name.
fn identity(file: &OwnedFd) -> Result<(u64, u64), Errno> {
    fstat(file).map(|stat| (stat.st_dev, stat.st_ino))
}
