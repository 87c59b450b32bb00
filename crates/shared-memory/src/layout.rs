//! A segment says in its first bytes what is in it, and nobody uses one that says something else.
//!
//! ```text
//! byte 0  | 8       | 16     | 24   | 64
//! magic   | version | layout | size | T, then a tail: as many U as fit
//! ```
//! Whoever attaches checks all of it before the first look at a T: a segment of another program, of another version,
//! half built, cut short, or full of random bytes is an error. What *values* are in it nobody can check here: an index
//! read from shared memory must be looked at each time it is used, as if a stranger had written it.

use std::{
    fmt,
    marker::PhantomData,
    ops::Deref,
    os::fd::AsFd,
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};

use crate::{
    gate::Gate,
    mapping::{MapError, Mapping},
    safe::{SharedSafe, mix},
    shared,
};

/// Why there is no `T` in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// It could not be mapped, or is too small.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Zeros where the magic number should be: nobody has begun to build, or it is no segment of ours.
    #[error("the segment is empty")]
    Empty,
    /// Somebody builds it, or died while doing so.
    #[error("the segment is not ready: it is being built, or its builder died")]
    Unfinished,
    /// It begins with something else.
    #[error("this is no segment of ours: it begins with {found:#018x}")]
    Foreign {
        /// Its first eight bytes.
        found: u64,
    },
    /// To build it again would pull the ground from under those who use it.
    #[error("the segment is in use: it was built before")]
    Taken,
    /// Built by a program with another format of the header.
    #[error("the segment's header has version {found}, and this program knows {known}")]
    Version {
        /// What the segment says.
        found: u32,
        /// [`Header::VERSION`].
        known: u32,
    },
    /// Built for another type, or for the same one in another version of the program.
    #[error("something else is in the segment: layout {found:#018x}, expected {expected:#018x}")]
    Layout {
        /// What the segment says.
        found: u64,
        /// The fingerprint of the type asked for.
        expected: u64,
    },
    /// The size in the header cannot be true.
    #[error("the segment claims to have {claimed} bytes: it has {has}, and {needed} are needed")]
    Size {
        /// What the header says.
        claimed: u64,
        /// What is mapped.
        has: u64,
        /// Header and type.
        needed: u64,
    },
}

shared! {
    /// The first bytes of a segment.
    #[repr(align(64))]
    pub struct Header {
        /// Opened with [`MAGIC`](Self::MAGIC) when all that follows is built.
        pub magic: Gate,
        /// Which header this is.
        pub version: AtomicU32,
        /// What is in it: the types' fingerprint.
        pub layout: AtomicU64,
        /// Bytes in use from the start of the segment.
        pub size: AtomicU64,
    }
}

impl Header {
    /// "sharedm1" in memory on a little-endian machine; on one with the other order it reads differently, and is refused.
    pub const MAGIC: u64 = u64::from_le_bytes(*b"sharedm1");
    /// The format of this header.
    pub const VERSION: u32 = 1;
}

// ANCHOR: shared
/// A `T` in shared memory, and behind it a tail of `U`, as many as there is room for.
///
/// ```
/// use shared_memory::{Memfd, Shared};
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// let memory = Memfd::create("doc", Shared::<AtomicU64>::size(0))?;
/// let ours = Shared::<AtomicU64>::create(&memory, |count, _| *count.get_mut() = 7)?;
/// let theirs = Shared::<AtomicU64>::attach(&memory)?; // in another process, as a rule
/// theirs.fetch_add(1, Relaxed);
/// assert_eq!(ours.load(Relaxed), 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// What is borrowed from it cannot outlive the mapping (in Python: `BufferError`, or a crash):
///
/// ```compile_fail,E0505
/// use shared_memory::{Memfd, Shared};
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
///
/// # let memory = Memfd::create("doc", Shared::<AtomicU64>::size(0)).unwrap();
/// let shared = Shared::<AtomicU64>::create(&memory, |_, _| ()).unwrap();
/// let count: &AtomicU64 = &shared;
/// drop(shared); // unmapped
/// count.fetch_add(1, Relaxed);
/// ```
///
/// and what has pointers in it cannot be put there:
///
/// ```compile_fail,E0277
/// # use shared_memory::{Memfd, Shared};
/// # let memory = Memfd::create("doc", 4096).unwrap();
/// let names = Shared::<Vec<u8>>::attach(&memory).unwrap();
/// ```
pub struct Shared<T: SharedSafe, U: SharedSafe = ()> {
    mapping: Mapping,
    /// How many `U` there are: taken from the header once, and checked; nobody can change it here.
    tail: usize,
    types: PhantomData<(T, U)>,
}
// ANCHOR_END: shared

impl<T: SharedSafe, U: SharedSafe> Shared<T, U> {
    const LAYOUT: u64 = mix(T::LAYOUT, U::LAYOUT);
    const VALUE: usize = size_of::<Header>().next_multiple_of(align_of::<T>());
    const TAIL: usize = (Self::VALUE + size_of::<T>()).next_multiple_of(align_of::<U>());

    /// Bytes for a segment with `tail` elements behind the `T`.
    pub const fn size(tail: usize) -> usize {
        Self::TAIL.saturating_add(tail.saturating_mul(size_of::<U>()))
    }

    /// Builds a `T` in a segment that is new. `build` gets it all zero, alone; then it is published.
    ///
    /// The tail gets what room there is in `memory`.
    ///
    /// # Errors
    /// When the memory is too small, and [`LayoutError::Taken`] when it was built, or begun, before.
    pub fn create(memory: impl AsFd, build: impl FnOnce(&mut T, &mut [U])) -> Result<Self, LayoutError> {
        Self::build(Mapping::whole(memory)?, build)
    }

    /// Uses the `T` in a segment that somebody else has built.
    ///
    /// # Errors
    /// Whatever is wrong with it: see [`LayoutError`].
    pub fn attach(memory: impl AsFd) -> Result<Self, LayoutError> {
        Self::check(Mapping::whole(memory)?)
    }

    /// As [`create`](Self::create), in a mapping that is there already.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn build(mapping: Mapping, build: impl FnOnce(&mut T, &mut [U])) -> Result<Self, LayoutError> {
        let room = Self::room(mapping.len())?;
        let tail = room.checked_div(size_of::<U>()).unwrap_or(0);
        let (value, rest): (&T, &[U]) = (mapping.at(Self::VALUE)?, mapping.slice(Self::TAIL, tail)?);
        let (value, rest) = (std::ptr::from_ref(value).cast_mut(), (std::ptr::from_ref(rest).cast_mut()));
        let header: &Header = mapping.at(0)?;
        if !header.magic.begin() {
            return Err(LayoutError::Taken);
        }
        // SAFETY: both lie inside of the mapping and apart from each other and from the header. Nobody else has them:
        // who builds must be let in by the gate, and who attaches waits until it is open.
        build(unsafe { &mut *value }, unsafe { &mut *rest });
        header.version.store(Header::VERSION, Relaxed);
        header.layout.store(Self::LAYOUT, Relaxed);
        header.size.store(Self::size(tail) as u64, Relaxed);
        header.magic.open(Header::MAGIC);
        Ok(Self { mapping, tail, types: PhantomData })
    }

    /// As [`attach`](Self::attach), in a mapping that is there already.
    ///
    /// # Errors
    /// As [`attach`](Self::attach).
    pub fn check(mapping: Mapping) -> Result<Self, LayoutError> {
        Self::room(mapping.len())?;
        let header: &Header = mapping.at(0)?;
        match header.magic.look() {
            Header::MAGIC => {}
            0 => return Err(LayoutError::Empty),
            Gate::BUILDING => return Err(LayoutError::Unfinished),
            found => return Err(LayoutError::Foreign { found }),
        }
        let (found, known) = (header.version.load(Relaxed), Header::VERSION);
        if found != known {
            return Err(LayoutError::Version { found, known });
        }
        let (found, expected) = (header.layout.load(Relaxed), Self::LAYOUT);
        if found != expected {
            return Err(LayoutError::Layout { found, expected });
        }
        let (claimed, has, needed) = (header.size.load(Relaxed), mapping.len() as u64, Self::TAIL as u64);
        if claimed < needed || claimed > has {
            return Err(LayoutError::Size { claimed, has, needed });
        }
        let tail = ((claimed - needed) as usize).checked_div(size_of::<U>()).unwrap_or(0);
        // Bounds and alignment once, so that `deref` and `tail` need not.
        mapping.at::<T>(Self::VALUE)?;
        mapping.slice::<U>(Self::TAIL, tail)?;
        Ok(Self { mapping, tail, types: PhantomData })
    }

    /// What is behind the `T`.
    pub fn tail(&self) -> &[U] {
        // SAFETY: bounds, alignment and type were checked when this was made, and a mapping does not change.
        unsafe { std::slice::from_raw_parts(self.mapping.as_ptr().add(Self::TAIL).cast(), self.tail) }
    }

    /// The memory itself.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// How many bytes there are for the tail, in a mapping of `len`.
    fn room(len: usize) -> Result<usize, LayoutError> {
        let too_small = MapError::TooSmall { has: len as u64, needed: Self::TAIL as u64 };
        len.checked_sub(Self::TAIL).ok_or(too_small.into())
    }
}

/// Where and how much. Not the value: others may be changing it.
impl<T: SharedSafe, U: SharedSafe> fmt::Debug for Shared<T, U> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Shared")
            .field("mapping", &self.mapping)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

impl<T: SharedSafe, U: SharedSafe> Deref for Shared<T, U> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: as in `tail`.
        unsafe { &*self.mapping.as_ptr().add(Self::VALUE).cast::<T>() }
    }
}
