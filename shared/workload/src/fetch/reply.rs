//! What the server says to which request; also everything that servers get wrong, on demand.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{document, request::Request};

/// A server's fault, below a path of its own: [`super::Server::faulty_url`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 404: the document does not exist.
    Missing,
    /// 500: the server fails.
    Broken,
    /// 503 the first time that a document is asked for, and the document afterwards.
    Flaky,
    /// The connection ends in the middle of the body.
    Short,
    /// The body never ends.
    Endless,
    /// No answer ever comes.
    Silent,
    /// The connection ends before the answer.
    HangUp,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 7] = [
        Fault::Missing,
        Fault::Broken,
        Fault::Flaky,
        Fault::Short,
        Fault::Endless,
        Fault::Silent,
        Fault::HangUp,
    ];

    /// The first part of its path.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Broken => "broken",
            Fault::Flaky => "flaky",
            Fault::Short => "short",
            Fault::Endless => "endless",
            Fault::Silent => "silent",
            Fault::HangUp => "close",
        }
    }
}

/// Decides what to say.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// Documents that were asked for before, where the first time fails.
    seen: HashSet<u64>,
    #[cfg(feature = "images")]
    album: crate::images::Album,
    /// How often it was asked for a document.
    pub(super) requests: Arc<AtomicU64>,
}

impl Desk {
    /// The reply to `request`, and whether it takes its time: only a document does.
    pub(super) fn reply(&mut self, request: &Request) -> (Reply, bool) {
        let then = if request.keep_alive { Then::NextRequest } else { Then::HangUp };
        #[cfg(feature = "images")]
        if let Some(number) = request.target.strip_prefix("/picture/").and_then(|number| number.parse().ok())
        {
            // Relaxed, as below.
            self.requests.fetch_add(1, Ordering::Relaxed);
            return (Reply::with(self.album.page(number), then), true);
        }
        let Some((fault, number)) = route(request.target) else {
            return (Reply::status("404 Not Found", then), false);
        };
        // Relaxed: a count, nothing else is read on its strength.
        self.requests.fetch_add(1, Ordering::Relaxed);
        match fault {
            Some(Fault::Flaky) if self.seen.insert(number) => (Reply::faulty(Fault::Flaky, then), false),
            None | Some(Fault::Flaky) => (Reply::document(number, then), true),
            Some(fault) => (Reply::faulty(fault, then), false),
        }
    }
}

/// What is wrong with which document, if there is one of that name.
fn route(target: &str) -> Option<(Option<Fault>, u64)> {
    let (before, number) = target.split_once("/doc/")?;
    let number = number.parse().ok()?;
    if before.is_empty() {
        return Some((None, number));
    }
    let fault = Fault::ALL.into_iter().find(|fault| before.strip_prefix('/') == Some(fault.name()))?;
    Some((Some(fault), number))
}

/// Bytes to send, and what to do then.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// What follows a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next request on the same connection.
    NextRequest,
    /// The end of the connection.
    HangUp,
    /// The same bytes again, for ever.
    Again,
    /// Nothing, while the client waits.
    Silence,
}

impl Reply {
    /// A status without a body.
    pub(super) fn status(status: &str, then: Then) -> Self {
        let end = if then == Then::HangUp { "Connection: close\r\n" } else { "" };
        Self { bytes: format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n{end}\r\n").into(), then }
    }

    fn document(number: u64, then: Then) -> Self {
        Self::with(&document::body(number), then)
    }

    fn with(body: &[u8], then: Then) -> Self {
        let mut bytes = head(body.len());
        bytes.extend(body);
        Self { bytes, then }
    }

    fn faulty(fault: Fault, then: Then) -> Self {
        match fault {
            Fault::Missing => Self::status("404 Not Found", then),
            Fault::Broken => Self::status("500 Internal Server Error", then),
            Fault::Flaky => Self::status("503 Service Unavailable", then),
            Fault::Short => {
                let mut bytes = head(2000);
                bytes.extend([b'x'; 1000]);
                Self { bytes, then: Then::HangUp }
            }
            Fault::Endless => {
                // Without a length a body goes on until the connection ends. Sent again, the head is part of the body.
                let mut bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
                bytes.resize(64 << 10, b'x');
                Self { bytes, then: Then::Again }
            }
            Fault::Silent => Self { bytes: Vec::new(), then: Then::Silence },
            Fault::HangUp => Self { bytes: Vec::new(), then: Then::HangUp },
        }
    }
}

fn head(len: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes() {
        assert_eq!(route("/doc/7"), Some((None, 7)));
        for fault in Fault::ALL {
            assert_eq!(route(&format!("/{}/doc/0", fault.name())), Some((Some(fault), 0)));
        }
        for unknown in ["/", "/doc/", "/doc/-1", "/doc/x", "/doc/1/2", "/other/doc/1", "missing/doc/1", "*"] {
            assert_eq!(route(unknown), None, "{unknown}");
        }
    }
}
