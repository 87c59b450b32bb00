//! The image as PNG: as one knows it, or coloured by who computed which tile, which shows how a mechanism
//! hands out work.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::Image;
use crate::Span;

/// Why a picture was not written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the picture {path}: {why}", path = path.display())]
pub struct PictureError {
    path: PathBuf,
    #[source]
    why: io::Error,
}

type Colour = [u8; 3];

/// Far apart for eyes that do not see all colours as well (Okabe and Ito, <https://jfly.uni-koeln.de/color/>);
/// workers beyond the last take them again.
const BY_WORKER: [Colour; 8] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [0, 114, 178],
    [213, 94, 0],
    [204, 121, 167],
    [150, 150, 150],
];

/// Not computed by anybody.
const WHITE: Colour = [255, 255, 255];

impl Image {
    /// Writes a PNG in greys: the longer a point stayed, the brighter; black if it never left.
    ///
    /// # Errors
    /// [`PictureError`] when the file cannot be written.
    pub fn write_png(&self, path: impl AsRef<Path>) -> Result<(), PictureError> {
        self.write(path.as_ref(), |_, stayed| if stayed < 1.0 { scaled(WHITE, stayed) } else { [0, 0, 0] })
    }

    /// Writes a PNG in which each tile has the colour of the worker that computed it, by the spans of a
    /// [`crate::Timeline`], the darker the more work a point was; a tile that no span names is white.
    ///
    /// # Errors
    /// [`PictureError`] when the file cannot be written.
    pub fn write_png_by_worker(&self, path: impl AsRef<Path>, spans: &[Span]) -> Result<(), PictureError> {
        let mut colour_of = vec![WHITE; self.counts().len()];
        for span in spans {
            let Some(tile) = self.tiles.get(span.piece) else { continue };
            for y in tile.top..tile.top + tile.height {
                let start = y as usize * self.width as usize + tile.left as usize;
                let row = &mut colour_of[start..start + tile.width as usize];
                row.fill(BY_WORKER[span.worker % BY_WORKER.len()]);
            }
        }
        self.write(path.as_ref(), |pixel, stayed| scaled(colour_of[pixel], 1.0 - 0.6 * stayed))
    }

    /// `colour` gets the pixel's index and how long it stayed, from 0 to 1 on a logarithmic scale.
    fn write(&self, path: &Path, colour: impl Fn(usize, f64) -> Colour) -> Result<(), PictureError> {
        let failed = |why| PictureError { path: path.to_owned(), why };
        let longest = f64::from(self.iterations).ln_1p();
        let stayed = |count: u16| f64::from(count).ln_1p() / longest;
        let pixels = self.counts().iter().enumerate();
        let data: Vec<u8> = pixels.flat_map(|(pixel, &count)| colour(pixel, stayed(count))).collect();
        let mut out = BufWriter::new(File::create(path).map_err(failed)?);
        self.encode(&mut out, &data).map_err(failed)?;
        // Dropping the buffer would flush it too, but lose the error: a full disk shows here.
        out.flush().map_err(failed)
    }

    fn encode(&self, out: &mut impl Write, data: &[u8]) -> io::Result<()> {
        let mut encoder = png::Encoder::new(out, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(data)?;
        Ok(writer.finish()?)
    }
}

fn scaled(colour: Colour, by: f64) -> Colour {
    colour.map(|part| (f64::from(part) * by) as u8)
}
