//! Mixed work, the everyday case: pictures come over HTTP, and are decoded, blurred, made small and encoded again.
//!
//! One picture is one piece: `GET {base_url}/picture/{number}`, PNG or JPEG, by a real client and real decoders (the
//! `image` crate). First it waits for the server, then it computes; so neither one worker a core nor one a picture is
//! right, but something between, N* = C (D + Z) / D with C cores, D computing and Z waiting. The server may be anyone's,
//! or that of [`Images::local`]; it burns cores of the same machine then, though little: it keeps its pictures encoded.
//!
//! In Python: `requests.get` and Pillow, in threads for the waiting or in processes for the computing.
//!
//! ```
//! use std::time::Duration;
//! use workload::{Images, Timeline, sequential};
//!
//! let (images, _server) = Images::local(3, Duration::from_millis(1))?;
//! let made = sequential(&images, &Timeline::off())?;
//! assert_eq!(made.pictures, 3);
//! assert!(made.bytes_out < made.bytes_in);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod picture;
mod treat;

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    Fetch, PieceError, Size, Workload,
    fetch::{Server, checksum, client},
};

pub(crate) use picture::Album;
pub use picture::picture;
pub use treat::{THUMBNAIL, treat};

/// Gets pictures over HTTP and makes thumbnails of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// Where they come from: how many, by when, how often it is tried.
    pub source: Fetch,
}

/// Thumbnails that were made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnails {
    /// How many.
    pub pictures: u64,
    /// Bytes of the pictures.
    pub bytes_in: u64,
    /// Bytes of the thumbnails.
    pub bytes_out: u64,
    /// Sum of the thumbnails' [`checksum`]s, modulo 2^64, each with its number.
    pub checksum: u64,
}

impl Images {
    /// `pictures` pictures below `base_url`.
    pub fn new(base_url: impl Into<String>, pictures: u64) -> Self {
        Self { source: Fetch::new(base_url, pictures) }
    }

    /// The same from a server of our own on this machine, which answers `latency` after each request.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn local(pictures: u64, latency: Duration) -> io::Result<(Self, Server)> {
        let server = Server::start(latency)?;
        Ok((Self::new(server.url(), pictures), server))
    }

    /// [`Images::local`] with so much work as `size` says: 8 pictures of 1 ms, or 100 of 20 ms.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn local_sized(size: Size) -> io::Result<(Self, Server)> {
        match size {
            Size::Test => Self::local(8, Duration::from_millis(1)),
            Size::Lesson | Size::Measure => Self::local(100, Duration::from_millis(20)),
        }
    }
}

/// What becomes of one picture, given as the server sends it.
///
/// # Errors
/// When it is no picture.
pub fn made(number: u64, bytes: &[u8]) -> Result<Thumbnails, PieceError> {
    let thumbnail = treat(bytes).map_err(|why| PieceError::new(format_args!("picture {number}: {why}")))?;
    Ok(Thumbnails {
        pictures: 1,
        bytes_in: bytes.len() as u64,
        bytes_out: thumbnail.len() as u64,
        checksum: checksum(number, &thumbnail),
    })
}

impl Workload for Images {
    const NAME: &'static str = "images";
    const WAITS: bool = true;
    /// The number of a picture.
    type Piece = u64;
    type Part = Thumbnails;

    fn pieces(&self) -> Result<Vec<u64>, PieceError> {
        client::check(&self.source)?;
        Ok((0..self.source.documents).collect())
    }

    fn run(&self, &number: &u64) -> Result<Thumbnails, PieceError> {
        client::get(&self.source, "picture", number, |bytes| made(number, bytes))?
    }

    fn combine(&self, left: &mut Thumbnails, right: Thumbnails) {
        left.pictures += right.pictures;
        left.bytes_in += right.bytes_in;
        left.bytes_out += right.bytes_out;
        left.checksum = left.checksum.wrapping_add(right.checksum);
    }
}
