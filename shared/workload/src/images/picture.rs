//! The pictures that the server serves: rings and noise, the same each time.

use std::{collections::HashMap, io::Cursor};

use image::{ImageFormat, Rgb, RgbImage};

/// So many differ; the next ones are the same again, so that a server has to make few.
const DIFFERENT: u64 = 16;

/// Pixels.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 360;

/// Picture `number`, encoded: PNG if it is even, JPEG if it is odd.
pub fn picture(number: u64) -> Vec<u8> {
    let number = number % DIFFERENT;
    let centre = (number as u32 * 29 % WIDTH, number as u32 * 53 % HEIGHT);
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (across, down) = (x.abs_diff(centre.0), y.abs_diff(centre.1));
        let ring = (across * across + down * down) / 61;
        // A little noise, or a decoder would have nothing to do.
        let noise = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b)) >> 28;
        Rgb([ring as u8, (ring >> 3) as u8, (number as u8) << 4 | noise as u8])
    });
    let format = if number.is_multiple_of(2) { ImageFormat::Png } else { ImageFormat::Jpeg };
    let mut encoded = Cursor::new(Vec::new());
    // To memory, of a size and a kind of pixel that both formats know: it cannot fail; if it did, the body is empty and
    // the client says that it is no picture.
    let _ = picture.write_to(&mut encoded, format);
    encoded.into_inner()
}

/// Pictures that were asked for, encoded: what a server does again and again should not cost the cores of its clients.
#[derive(Debug, Default)]
pub(crate) struct Album(HashMap<u64, Vec<u8>>);

impl Album {
    pub(crate) fn page(&mut self, number: u64) -> &[u8] {
        self.0.entry(number % DIFFERENT).or_insert_with(|| picture(number))
    }
}
