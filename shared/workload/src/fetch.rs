//! Work that waits: documents come over HTTP, and the time goes by in the network, not on a core.
//!
//! One document is one piece: `GET {base_url}/doc/{number}`, for each number below [`Fetch::documents`]. So more workers than cores
//! pay, up to as many as there are documents. Real sockets and a real client library ([`ureq`]); the server may be anyone's, or
//! the one of [`Fetch::local`], which answers each request a set time after it came.
//!
//! What fails is tried again a few times, unless trying again is pointless (404); then it is an error that names the URL. No
//! answer can keep a worker for ever: each attempt has a deadline, each body a largest size.
//!
//! In Python: `ThreadPoolExecutor(64).map(requests.get, urls)`.
//!
//! ```
//! use std::time::Duration;
//! use workload::{Fetch, Timeline, sequential};
//!
//! let (fetch, server) = Fetch::local(3, Duration::from_millis(1))?;
//! let fetched = sequential(&fetch, &Timeline::off())?;
//! assert_eq!(fetched.documents, 3);
//! drop(server);
//! assert!(sequential(&fetch, &Timeline::off()).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod client;
mod connection;
mod document;
mod event_loop;
mod reply;
mod request;
mod resolver;
mod server;

use std::{io, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{PieceError, Size, Workload};

pub use client::MOST_BYTES;
pub use document::{body, checksum};
pub use reply::Fault;
pub use server::Server;

/// Gets documents over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetch {
    /// `http://host:port`, perhaps with a path. Without encryption: https is refused.
    pub base_url: String,
    /// How many documents.
    pub documents: u64,
    /// How long one attempt at one document may take, from looking up the name to the last byte. Milliseconds.
    pub timeout_ms: u64,
    /// How many more attempts after the first.
    pub retries: u32,
}

/// Documents that came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// How many.
    pub documents: u64,
    /// Their bodies together.
    pub bytes: u64,
    /// Sum of their [`checksum`]s, modulo 2^64: whatever order they came in, it is the same, but not when two of them
    /// are exchanged.
    pub checksum: u64,
}

impl Fetch {
    /// `documents` documents below `base_url`, with 10 seconds and 2 retries for each.
    pub fn new(base_url: impl Into<String>, documents: u64) -> Self {
        Self { base_url: base_url.into(), documents, timeout_ms: 10_000, retries: 2 }
    }

    /// The same from a server of our own on this machine, which answers `latency` after each request. It ends when it is dropped.
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn local(documents: u64, latency: Duration) -> io::Result<(Self, Server)> {
        let server = Server::start(latency)?;
        Ok((Self::new(server.url(), documents), server))
    }

    /// [`Fetch::local`] with so much work as `size` says: 8 documents of 1 ms, or 200 of 20 ms (4 seconds one after
    /// the other).
    ///
    /// # Errors
    /// When the server cannot be started.
    pub fn local_sized(size: Size) -> io::Result<(Self, Server)> {
        match size {
            Size::Test => Self::local(8, Duration::from_millis(1)),
            Size::Lesson | Size::Measure => Self::local(200, Duration::from_millis(20)),
        }
    }
}

impl Workload for Fetch {
    const NAME: &'static str = "fetch";
    const WAITS: bool = true;
    /// The number of a document.
    type Piece = u64;
    type Part = Fetched;

    fn pieces(&self) -> Result<Vec<u64>, PieceError> {
        client::check(self)?;
        Ok((0..self.documents).collect())
    }

    fn run(&self, &number: &u64) -> Result<Fetched, PieceError> {
        client::get(self, "doc", number, |body| Fetched {
            documents: 1,
            bytes: body.len() as u64,
            checksum: checksum(number, body),
        })
    }

    fn combine(&self, left: &mut Fetched, right: Fetched) {
        left.documents += right.documents;
        left.bytes += right.bytes;
        left.checksum = left.checksum.wrapping_add(right.checksum);
    }
}
