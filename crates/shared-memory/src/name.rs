//! Names of segments: which ones there can be, which there are, and how one is taken away whoever owns it.

use std::{fmt, fs, io, os::fd::OwnedFd};

use rustix::{
    fs::Mode,
    io::Errno,
    shm::{self, OFlags},
};

use crate::{mapping::MapError, segment::SegmentError};

/// A name that shm_open(3) takes. Without the leading slash, which is added where the system wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Checks it. One slash in front is allowed, and taken off: Python shows names without it, C with it.
    ///
    /// # Errors
    /// [`SegmentError::BadName`].
    pub fn new(name: &str) -> Result<Self, SegmentError> {
        let bare = name.strip_prefix('/').unwrap_or(name);
        let good =
            (1..=254).contains(&bare.len()) && !bare.contains(['/', '\0']) && bare != "." && bare != "..";
        if good { Ok(Self(bare.to_owned())) } else { Err(SegmentError::BadName(name.to_owned())) }
    }

    /// Without the slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn path(&self) -> String {
        format!("/{}", self.0)
    }

    pub(crate) fn open(&self, flags: OFlags) -> Result<OwnedFd, SegmentError> {
        // 0600: whoever may open it may change every byte of it.
        shm::open(self.path(), flags | OFlags::RDWR, Mode::RUSR | Mode::WUSR).map_err(|errno| match errno {
            Errno::EXIST => SegmentError::NameTaken(self.clone()),
            Errno::NOENT => SegmentError::NotFound(self.clone()),
            Errno::ACCESS => SegmentError::Forbidden(self.clone()),
            errno => MapError::System { call: "shm_open", errno }.into(),
        })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Takes a name away, whoever owns it: for what was left by a process that was killed.
///
/// # Errors
/// [`SegmentError::NotFound`], [`SegmentError::Forbidden`], [`SegmentError::BadName`].
pub fn remove(name: &str) -> Result<(), SegmentError> {
    let name = Name::new(name)?;
    shm::unlink(name.path()).map_err(|errno| match errno {
        Errno::NOENT => SegmentError::NotFound(name),
        Errno::ACCESS | Errno::PERM => SegmentError::Forbidden(name),
        errno => MapError::System { call: "shm_unlink", errno }.into(),
    })
}

/// The names in /dev/shm that begin with `prefix`, in order (Linux only: elsewhere they cannot be listed). Those that are no
/// UTF-8 are left out: no [`Name`] is like that.
///
/// # Errors
/// When /dev/shm cannot be read.
pub fn names(prefix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("/dev/shm")? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| name.starts_with(prefix)));
    }
    names.sort();
    Ok(names)
}
