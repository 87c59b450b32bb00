//! Decode, blur, thumbnail, encode: what is done to one picture. It computes and touches nothing else.

use std::io::Cursor;

use image::{
    ImageError, ImageReader, Limits,
    codecs::jpeg::JpegEncoder,
    imageops::{fast_blur, thumbnail},
};

/// Width and height of a thumbnail, in pixels.
pub const THUMBNAIL: (u32, u32) = (120, 90);

/// A picture in JPEG or PNG becomes its thumbnail in JPEG: the same bytes each time.
///
/// # Errors
/// When it is neither, or broken, or so large (8192 pixels across) that it would fill the memory.
pub fn treat(bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(8192), Some(8192));
    reader.limits(limits);
    let picture = reader.decode()?.into_rgb8();
    // Blurred first, so that what is finer than a thumbnail's pixel leaves no pattern.
    let small = thumbnail(&fast_blur(&picture, 2.0), THUMBNAIL.0, THUMBNAIL.1);
    let mut encoded = Vec::new();
    JpegEncoder::new_with_quality(&mut encoded, 80).encode_image(&small)?;
    Ok(encoded)
}
