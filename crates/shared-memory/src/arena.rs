//! Many objects of several sizes in one segment: taken one after the other, freed all at once with the segment.
//!
//! To take one is one step: the place of the next free byte goes up. Any process may do so at any time, and one that is
//! killed leaves at worst a gap. What it gets is a [`Place`]: an offset, which means the same in every process, and which may
//! itself be kept in shared memory, so that objects refer to each other.
//!
//! No object is freed alone: nobody knows who else still uses it. That is what makes it simple, and when it fits.

use std::{
    fmt,
    marker::PhantomData,
    os::fd::AsFd,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{
    layout::{LayoutError, Shared},
    mapping::MapError,
    safe::SharedSafe,
};

/// Why there is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArenaError {
    /// No such object was ever placed here, or the offset was made up.
    #[error(transparent)]
    Place(#[from] MapError),
    /// All is taken.
    #[error("no room for {bytes} bytes: {left} are left")]
    Full {
        /// Asked for.
        bytes: usize,
        /// Still there.
        left: usize,
    },
}

/// Where `count` of `T` are in an arena: the same number in every process.
pub struct Place<T> {
    offset: usize,
    count: usize,
    object: PhantomData<fn() -> T>,
}

impl<T> Place<T> {
    /// A place that another process has told us. It may be nonsense: [`Arena::get`] finds out.
    pub fn from_offset(offset: usize, count: usize) -> Self {
        Self { offset, count, object: PhantomData }
    }

    /// Bytes from the start of the segment.
    pub fn offset(self) -> usize {
        self.offset
    }

    /// How many there are in a row.
    pub fn count(self) -> usize {
        self.count
    }
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Place<T> {}

impl<T> fmt::Debug for Place<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} x {} at {}", self.count, std::any::type_name::<T>(), self.offset)
    }
}

/// An arena in a segment: the offset of the next free byte, and behind it the bytes.
#[derive(Debug)]
pub struct Arena(Shared<AtomicU64, AtomicU64>);

/// Where the first object is.
const START: usize = Shared::<AtomicU64, AtomicU64>::size(0);

impl Arena {
    /// Bytes of a segment that has room for `bytes` of objects.
    pub const fn size(bytes: usize) -> usize {
        START.saturating_add(bytes).next_multiple_of(8)
    }

    /// Makes an arena of a new segment.
    ///
    /// # Errors
    /// As [`Shared::create`].
    pub fn create(memory: impl AsFd) -> Result<Self, LayoutError> {
        Ok(Self(Shared::create(memory, |next: &mut AtomicU64, _| *next.get_mut() = START as u64)?))
    }

    /// Uses one that somebody else has made.
    ///
    /// # Errors
    /// As [`Shared::attach`].
    pub fn attach(memory: impl AsFd) -> Result<Self, LayoutError> {
        Ok(Self(Shared::attach(memory)?))
    }

    /// Takes room for a `T`. Its bytes are zero.
    ///
    /// # Errors
    /// [`ArenaError::Full`].
    pub fn place<T: SharedSafe>(&self) -> Result<Place<T>, ArenaError> {
        self.place_many(1)
    }

    // ANCHOR: place
    /// Takes room for `count` of `T` in a row.
    ///
    /// # Errors
    /// [`ArenaError::Full`].
    pub fn place_many<T: SharedSafe>(&self, count: usize) -> Result<Place<T>, ArenaError> {
        let bytes = count.saturating_mul(size_of::<T>());
        // Relaxed: the counter gives each place once, and nothing more. Who tells another process of a place must see to it
        // that what is there is seen as well (a store with Release, a lock).
        let mut next = self.0.load(Relaxed);
        loop {
            // Somebody may have written nonsense there; nothing is placed outside of the arena.
            let free = usize::try_from(next).unwrap_or(usize::MAX).clamp(START, self.end());
            let offset = free.next_multiple_of(align_of::<T>());
            let end = offset.saturating_add(bytes);
            if end > self.end() {
                return Err(ArenaError::Full { bytes, left: self.end() - free });
            }
            match self.0.compare_exchange_weak(next, end as u64, Relaxed, Relaxed) {
                Ok(_) => return Ok(Place::from_offset(offset, count)),
                Err(newer) => next = newer,
            }
        }
    }
    // ANCHOR_END: place

    /// The objects at a place. Which process has placed them does not matter.
    ///
    /// # Errors
    /// [`ArenaError::Place`] when they do not lie inside of the arena, or where no `T` can lie. That they *are* of this type
    /// nobody checks: any bytes are some `T`.
    pub fn get<T: SharedSafe>(&self, place: Place<T>) -> Result<&[T], ArenaError> {
        if place.offset < START {
            let (offset, bytes, len) = (place.offset, place.count.saturating_mul(size_of::<T>()), self.end());
            return Err(MapError::OutOfBounds { offset, bytes, len }.into());
        }
        Ok(self.0.mapping().slice(place.offset, place.count)?)
    }

    /// Bytes in use, gaps counted.
    pub fn used(&self) -> usize {
        let next = usize::try_from(self.0.load(Relaxed)).unwrap_or(usize::MAX);
        next.clamp(START, self.end()) - START
    }

    fn end(&self) -> usize {
        START + 8 * self.0.tail().len()
    }
}
