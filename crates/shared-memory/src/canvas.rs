//! One picture that several processes draw: each stores its tiles where they belong, and nobody copies them again.
//!
//! The pixels are atomics, so that a process which draws where it should not makes a wrong picture and no undefined
//! behaviour. They cost nothing: a relaxed store of two bytes is a store of two bytes.

use std::{
    os::fd::AsFd,
    sync::atomic::{AtomicU16, AtomicU32, Ordering::Relaxed},
};

use workload::mandelbrot::{Area, Counts};

use crate::{
    layout::{LayoutError, Shared},
    shared,
};

/// Why a picture cannot be used so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanvasError {
    /// There is no picture in this memory.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The segment has less pixels than its header says.
    #[error("{has} pixels where a picture of {width} x {height} should be")]
    Pixels {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Pixels there are.
        has: usize,
    },
    /// A tile that is not inside of the picture, or has not as many pixels as its size says.
    #[error("{pixels} pixels for {area:?} in a picture of {width} x {height}")]
    Tile {
        /// Which tile.
        area: Area,
        /// Pixels that were given for it.
        pixels: usize,
        /// Pixels in a row of the picture.
        width: u32,
        /// Rows of the picture.
        height: u32,
    },
}

shared! {
    /// How large the picture is.
    struct Frame { width: AtomicU32, height: AtomicU32 }
}

/// A picture in a segment, row by row: what is a number a pixel in [`workload::mandelbrot`] is the same here.
#[derive(Debug)]
pub struct Canvas {
    pixels: Shared<Frame, AtomicU16>,
    width: u32,
    height: u32,
}

impl Canvas {
    /// Bytes of a segment for a picture.
    pub const fn size(width: u32, height: u32) -> usize {
        Shared::<Frame, AtomicU16>::size((width as usize).saturating_mul(height as usize))
    }

    /// An empty picture (all pixels 0) in a new segment.
    ///
    /// # Errors
    /// As [`Shared::create`], and when the segment is too small.
    pub fn create(memory: impl AsFd, width: u32, height: u32) -> Result<Self, CanvasError> {
        let frame = |frame: &mut Frame, _: &mut [AtomicU16]| {
            (*frame.width.get_mut(), *frame.height.get_mut()) = (width, height);
        };
        Self::of(Shared::create(memory, frame)?)
    }

    /// The picture that another process has made.
    ///
    /// # Errors
    /// As [`Shared::attach`], and when the size in it cannot be true.
    pub fn attach(memory: impl AsFd) -> Result<Self, CanvasError> {
        Self::of(Shared::attach(memory)?)
    }

    fn of(pixels: Shared<Frame, AtomicU16>) -> Result<Self, CanvasError> {
        // Read once: whoever changes them later changes nothing here.
        let [width, height] = [&pixels.width, &pixels.height].map(|side| side.load(Relaxed));
        let has = pixels.tail().len();
        if has as u64 != u64::from(width) * u64::from(height) {
            return Err(CanvasError::Pixels { width, height, has });
        }
        Ok(Self { pixels, width, height })
    }

    /// Enters all pages in this process's page table now: for who will draw tiles all over the picture.
    pub fn populate(&self) {
        self.pixels.mapping().populate();
    }

    // ANCHOR: draw
    /// Puts a tile, row by row, in its place.
    ///
    /// # Errors
    /// [`CanvasError::Tile`] when it is not inside of the picture.
    pub fn draw(&self, area: Area, tile: &[u16]) -> Result<(), CanvasError> {
        let rows = self.rows(area, tile.len())?;
        for (row, from) in rows.zip(tile.chunks(area.width.max(1) as usize)) {
            // Relaxed: that a tile is there is said elsewhere, by `Pieces::done`.
            row.iter().zip(from).for_each(|(pixel, count)| pixel.store(*count, Relaxed));
        }
        Ok(())
    }
    // ANCHOR_END: draw

    /// The tiles, one after the other: as the workload has them.
    ///
    /// # Errors
    /// [`CanvasError::Tile`] when one is not inside of the picture.
    pub fn tiles(&self, areas: &[Area]) -> Result<Counts, CanvasError> {
        let mut counts = Vec::with_capacity(self.pixels.tail().len());
        for area in areas {
            for row in self.rows(*area, area.width as usize * area.height as usize)? {
                counts.extend(row.iter().map(|pixel| pixel.load(Relaxed)));
            }
        }
        Ok(Counts::from(counts))
    }

    /// The pixels, row by row.
    pub fn pixels(&self) -> impl Iterator<Item = u16> {
        self.pixels.tail().iter().map(|pixel| pixel.load(Relaxed))
    }

    fn rows(&self, area: Area, pixels: usize) -> Result<impl Iterator<Item = &[AtomicU16]>, CanvasError> {
        let Self { width, height, .. } = *self;
        let inside = |from: u32, len: u32, end| from.checked_add(len).is_some_and(|stop| stop <= end);
        let whole = area.width as usize * area.height as usize == pixels;
        if !whole || !inside(area.left, area.width, width) || !inside(area.top, area.height, height) {
            return Err(CanvasError::Tile { area, pixels, width, height });
        }
        Ok((area.top..area.top + area.height).map(move |y| {
            let start = y as usize * width as usize + area.left as usize;
            &self.pixels.tail()[start..start + area.width as usize]
        }))
    }
}
