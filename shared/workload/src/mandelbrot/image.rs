//! All counts in their places.

use super::{Area, Mandelbrot};
use crate::PieceError;

/// Iteration counts row by row, and the tiles that they came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) iterations: u16,
    pub(super) tiles: Vec<Area>,
    counts: Vec<u16>,
}

impl Image {
    pub(super) fn of_tiles(work: &Mandelbrot, tiles: &[Area], counts: &[u16]) -> Result<Self, PieceError> {
        let &Mandelbrot { width, height, iterations, .. } = work;
        let pixels = width as usize * height as usize;
        if counts.len() != pixels {
            let got = counts.len();
            return Err(PieceError::new(format_args!("{got} counts for {width} x {height} pixels")));
        }
        let mut rows = vec![0; pixels];
        let mut rest = counts;
        for tile in tiles {
            for y in tile.top..tile.top + tile.height {
                let start = y as usize * width as usize + tile.left as usize;
                let (row, after) = rest.split_at(tile.width as usize);
                rows[start..start + row.len()].copy_from_slice(row);
                rest = after;
            }
        }
        Ok(Self { width, height, iterations, tiles: tiles.to_vec(), counts: rows })
    }

    /// The counts, row by row.
    pub fn counts(&self) -> &[u16] {
        &self.counts
    }

    /// The count of one pixel; `None` outside the image.
    pub fn count(&self, x: u32, y: u32) -> Option<u16> {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.counts[y as usize * self.width as usize + x as usize])
    }

    /// FNV-1a (64 bits) over the counts row by row, two bytes each, the low one first:
    /// <http://www.isthe.com/chongo/tech/comp/fnv/>.
    pub fn checksum(&self) -> u64 {
        const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let bytes = self.counts.iter().flat_map(|count| count.to_le_bytes());
        bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
    }
}
