//! A server on this machine that ends when it is dropped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::event::{EventfdFlags, eventfd};

use super::{
    event_loop::EventLoop,
    reply::{Desk, Fault},
};

/// Serves [`super::body`]`(n)` as `/doc/n`, each a set time after its request came, to any number of clients at once, on one
/// thread. Dropping it closes all connections and ends the thread. Linux only.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    /// Written to when it is to end.
    stop: OwnedFd,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one, on a port that the system chooses, for this machine's own use only.
    ///
    /// # Errors
    /// When there is no port, descriptor or thread to be had.
    pub fn start(latency: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        // std lets 128 connections wait to be accepted. The next ones would be dropped, and their clients would try again
        // after a whole second.
        rustix::net::listen(&listener, 4096)?;
        let address = listener.local_addr()?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let desk = Desk::default();
        let requests = Arc::clone(&desk.requests);
        let latency = u64::try_from(latency.as_nanos()).map_err(io::Error::other)?;
        let event_loop = EventLoop::new(listener, stop.try_clone()?, latency, desk)?;
        let thread = thread::Builder::new().name("http-server".to_owned()).spawn(move || {
            if let Err(error) = event_loop.run() {
                // It can't happen to a loop that owns its descriptors; clients would see the connection closed.
                panic!("the HTTP server cannot go on: {error}");
            }
        })?;
        Ok(Self { address, requests, stop, thread: Some(thread) })
    }

    /// `http://127.0.0.1:port`: a base URL for [`super::Fetch`].
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A base URL below which `fault` happens to every document.
    pub fn faulty_url(&self, fault: Fault) -> String {
        format!("{}/{}", self.url(), fault.name())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many documents it was asked for so far, faulty ones too.
    pub fn requests(&self) -> u64 {
        // Relaxed: a count, nothing else is read on its strength.
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Neither can fail: the counter is far from its limit, and a panic of the thread has been printed.
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
