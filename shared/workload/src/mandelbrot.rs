//! CPU-bound and irregular: an image of the Mandelbrot set, in which one pixel costs one iteration and its
//! neighbour a thousand.
//!
//! ```
//! use workload::{Size, Timeline, Workload, mandelbrot::Mandelbrot, sequential};
//!
//! let work = Mandelbrot::sized(Size::Test);
//! let counts = sequential(&work, &Timeline::off())?;
//! let image = work.image(&counts)?;
//! assert_eq!(image.counts().len(), work.width as usize * work.height as usize);
//! assert_eq!(work.answer(&counts)["checksum"], image.checksum());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod counts;
mod image;
mod kernel;
mod picture;

use serde::{Deserialize, Serialize};

pub use counts::Counts;
pub use image::Image;
pub use kernel::{Kernel, scalar};
pub use picture::PictureError;

use crate::{PieceError, Size, Workload};

/// For each pixel c, how many iterations z = z² + c takes to leave the circle of radius 2.
///
/// The view is x from -2 to 0.6 and y from -0.4 to 1.55. The usual one, symmetric about the real axis, makes
/// a static split in two look perfect: both halves cost the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandelbrot {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where to stop: a pixel that has not left by then counts as inside.
    pub iterations: u16,
    /// How the image is cut.
    pub tile: Tile,
}

/// The shape of a tile, in pixels; tiles at the right and lower edge may be smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tile {
    /// Pixels in a row of it.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

/// One tile in its place: a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The view: where it starts and how far it goes.
const LEFT: f64 = -2.0;
const ACROSS: f64 = 2.6;
const TOP: f64 = -0.4;
const DOWN: f64 = 1.95;

impl Default for Mandelbrot {
    /// 1600 x 1200 pixels, 1000 iterations, 600 tiles of 400 x 8.
    ///
    /// Flat tiles, as cost changes faster across rows than along them. The dearest tile costs 3.7 times the
    /// mean one, so that with 64 workers that each take the next tile, the last one to finish costs 4 %.
    fn default() -> Self {
        Self { width: 1600, height: 1200, iterations: 1000, tile: Tile { width: 400, height: 8 } }
    }
}

impl Mandelbrot {
    /// An image of more pixels than this is refused: its counts alone would fill 512 MiB.
    pub const MOST_PIXELS: u64 = 1 << 28;
    /// More tiles than this are refused: handing them out would be all of the work.
    pub const MOST_TILES: u64 = 1 << 20;

    /// An image of the size that is asked for.
    pub fn sized(size: Size) -> Self {
        match size {
            Size::Test => {
                Self { width: 160, height: 120, iterations: 200, tile: Tile { width: 40, height: 4 } }
            }
            Size::Lesson => Self { width: 800, height: 600, ..Self::default() },
            Size::Measure => Self::default(),
        }
    }

    /// The real part of c in column `x`: -2 + x (2.6 / width).
    pub fn re(&self, x: u32) -> f64 {
        LEFT + f64::from(x) * (ACROSS / f64::from(self.width))
    }

    /// The imaginary part of c in row `y`: -0.4 + y (1.95 / height).
    pub fn im(&self, y: u32) -> f64 {
        TOP + f64::from(y) * (DOWN / f64::from(self.height))
    }

    /// Puts the counts of all tiles in their places.
    ///
    /// # Errors
    /// When `counts` are not those of this image.
    pub fn image(&self, counts: &Counts) -> Result<Image, PieceError> {
        Image::of_tiles(self, &self.pieces()?, counts.as_slice())
    }

    fn check(&self) -> Result<(), PieceError> {
        let Self { width, height, iterations, tile } = self;
        let zero = [
            ("width", *width),
            ("height", *height),
            ("iterations", u32::from(*iterations)),
            ("tile width", tile.width),
            ("tile height", tile.height),
        ];
        if let Some((what, _)) = zero.into_iter().find(|(_, value)| *value == 0) {
            return Err(PieceError::new(format_args!("{what} is 0")));
        }
        if u64::from(*width) * u64::from(*height) > Self::MOST_PIXELS {
            let most = Self::MOST_PIXELS;
            return Err(PieceError::new(format_args!(
                "{width} x {height} pixels; at most {most} are possible"
            )));
        }
        let tiles = u64::from(width.div_ceil(tile.width)) * u64::from(height.div_ceil(tile.height));
        if tiles > Self::MOST_TILES {
            let most = Self::MOST_TILES;
            return Err(PieceError::new(format_args!("{tiles} tiles; at most {most} are possible")));
        }
        Ok(())
    }
}

impl Workload for Mandelbrot {
    const NAME: &'static str = "mandelbrot";
    type Piece = Area;
    type Part = Counts;

    fn pieces(&self) -> Result<Vec<Area>, PieceError> {
        self.check()?;
        let Tile { width, height } = self.tile;
        let across = move |top| {
            (0..self.width).step_by(width as usize).map(move |left| Area {
                left,
                top,
                width: width.min(self.width - left),
                height: height.min(self.height - top),
            })
        };
        Ok((0..self.height).step_by(height as usize).flat_map(across).collect())
    }

    fn run(&self, area: &Area) -> Result<Counts, PieceError> {
        self.check()?;
        let inside = |start: u32, length: u32, end| start.checked_add(length).is_some_and(|stop| stop <= end);
        if !inside(area.left, area.width, self.width) || !inside(area.top, area.height, self.height) {
            return Err(PieceError::new(format_args!("{area:?} is not within the image")));
        }
        // All points of the tile in one list, so that vectors are full whatever the tile's width.
        let columns: Vec<f64> = (area.left..area.left + area.width).map(|x| self.re(x)).collect();
        let (mut re, mut im) = (Vec::new(), Vec::new());
        for y in area.top..area.top + area.height {
            re.extend_from_slice(&columns);
            im.resize(re.len(), self.im(y));
        }
        Ok(Counts::from(Kernel::fastest().escapes(&re, &im, self.iterations)))
    }

    fn combine(&self, left: &mut Counts, right: Counts) {
        left.append(right);
    }

    /// The checksum of the image, row by row: it does not depend on the tiles.
    fn answer(&self, whole: &Counts) -> serde_json::Value {
        match self.image(whole) {
            Ok(image) => serde_json::json!({ "checksum": image.checksum() }),
            Err(error) => serde_json::json!({ "error": error.to_string() }),
        }
    }
}
