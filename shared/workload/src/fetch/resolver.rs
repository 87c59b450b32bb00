//! An address needs no looking up.

use std::net::SocketAddr;

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Looks up names as ureq does, but takes `127.0.0.1:8080` as it is.
///
/// ureq starts a thread for each look-up with a deadline, as the system's look-up has none and must be left behind when time
/// is up. It does so for plain addresses too: 200 clients would start 400 threads.
#[derive(Debug, Default)]
pub(super) struct PlainFirst(DefaultResolver);

impl Resolver for PlainFirst {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let plain = uri.authority().and_then(|authority| authority.as_str().parse::<SocketAddr>().ok());
        match plain {
            Some(address) => {
                let mut addresses = self.empty();
                addresses.push(address);
                Ok(addresses)
            }
            None => self.0.resolve(uri, config, timeout),
        }
    }
}
