//! Gets one document, with a deadline, a largest size and a bounded number of retries.

use std::{cell::RefCell, io::Read, thread, time::Duration};

use ureq::{Agent, Error, http::Uri, unversioned::transport::DefaultConnector};

use super::{Fetch, resolver::PlainFirst};
use crate::PieceError;

/// The largest body that is taken: 16 MiB. What never ends fills no memory.
pub const MOST_BYTES: u64 = 16 << 20;

/// The first wait before another attempt; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A connection that stays open, and a buffer.
struct Client {
    agent: Agent,
    body: Vec<u8>,
}

thread_local! {
    /// One for each thread, so that 200 threads do not wait for each other's lock to take a connection out of a common
    /// pool. It is closed when the thread ends.
    static CLIENT: RefCell<Client> = RefCell::new(Client::new());
}

impl Client {
    fn new() -> Self {
        let config = Agent::config_builder()
            // What a proxy in the environment would answer is not what is asked for.
            .proxy(None)
            .max_idle_connections(2)
            // The defaults are 128 KiB each: fresh memory, for every connection.
            .input_buffer_size(8 << 10)
            .output_buffer_size(2 << 10)
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::new(), PlainFirst::default());
        Self { agent, body: Vec::with_capacity(8 << 10) }
    }

    /// One attempt. The body stays in the buffer.
    fn attempt(&mut self, url: &str, timeout: Duration) -> Result<(), Error> {
        self.body.clear();
        let request = self.agent.get(url).config().timeout_global(Some(timeout)).build();
        let mut response = request.call()?;
        response.body_mut().with_config().limit(MOST_BYTES).reader().read_to_end(&mut self.body)?;
        Ok(())
    }
}

/// Refuses what cannot work for any document.
pub(crate) fn check(fetch: &Fetch) -> Result<(), PieceError> {
    let wrong = |why: &str| Err(PieceError::new(format_args!("{}: {why}", fetch.base_url)));
    match fetch.base_url.parse::<Uri>() {
        Err(why) => return wrong(&why.to_string()),
        Ok(uri) if uri.scheme_str() != Some("http") || uri.host().is_none_or(str::is_empty) => {
            return wrong("not of the form http://host:port");
        }
        Ok(uri) if uri.query().is_some() => return wrong("a query (?) cannot be part of a base URL"),
        Ok(_) => {}
    }
    if fetch.timeout_ms == 0 {
        return wrong("a timeout of 0 ms leaves no time for any answer");
    }
    Ok(())
}

/// Gets `number` of a kind (`doc`) and shows its body to `look`.
pub(crate) fn get<T>(
    fetch: &Fetch,
    kind: &str,
    number: u64,
    look: impl FnOnce(&[u8]) -> T,
) -> Result<T, PieceError> {
    let url = format!("{}/{kind}/{number}", fetch.base_url.trim_end_matches('/'));
    let timeout = Duration::from_millis(fetch.timeout_ms);
    CLIENT.with_borrow_mut(|client| {
        let mut pause = FIRST_PAUSE;
        let mut attempts = 1_u64;
        loop {
            match client.attempt(&url, timeout) {
                Ok(()) => return Ok(look(&client.body)),
                Err(error) if attempts > u64::from(fetch.retries) || !may_pass(&error) => {
                    let why = explain(&error, fetch.timeout_ms);
                    let times = if attempts == 1 { String::new() } else { format!(" ({attempts} attempts)") };
                    return Err(PieceError::new(format_args!("{url}: {why}{times}")));
                }
                Err(_) => {}
            }
            // A server in trouble is not helped by being asked again at once.
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            attempts += 1;
        }
    })
}

/// Whether the next attempt may end otherwise.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::StatusCode(status) => *status >= 500,
        Error::Io(_)
        | Error::Timeout(_)
        | Error::ConnectionFailed
        | Error::HostNotFound
        | Error::Protocol(_) => true,
        _ => false,
    }
}

fn explain(error: &Error, timeout_ms: u64) -> String {
    match error {
        Error::StatusCode(status) => format!("status {status}"),
        Error::Timeout(_) => format!("no complete answer within {timeout_ms} ms"),
        Error::BodyExceedsLimit(most) => format!("the body has more than {most} bytes"),
        other => other.to_string(),
    }
}
