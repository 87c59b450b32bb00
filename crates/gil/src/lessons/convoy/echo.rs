//! An echo server beside CPU-bound threads, under the model's lock or under none; the client is outside of it.

use std::{
    hint::black_box,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use lesson::measure::Samples;

use crate::{Gil, Held};

/// Between an answer and the next request. Longer than an interval: the server has its lock back by then, and waits in
/// `read` for what comes next. Were it shorter, a request would wait for one interval or for two.
pub(in crate::lessons) const PAUSE: Duration = Duration::from_millis(7);

/// Busy threads end after this time even if the client is not done: without forced switching it might never be.
const LIMIT: Duration = Duration::from_millis(600);

/// What the server and the busy threads run under.
pub(in crate::lessons) struct Setup {
    /// `None`: no lock at all.
    pub(in crate::lessons) gil: Option<Gil>,
    /// How many CPU-bound threads there are.
    pub(in crate::lessons) busy: usize,
}

/// What the client saw.
pub(in crate::lessons) struct Seen {
    /// Requests answered a second, without the pauses: what a client that never rests would get.
    pub(in crate::lessons) rate: f64,
    /// Round trips in microseconds.
    pub(in crate::lessons) trips: Samples,
    /// Answers that were not what was asked.
    pub(in crate::lessons) wrong: usize,
}

impl Setup {
    pub(in crate::lessons) fn without_gil(busy: usize) -> Self {
        Self { gil: None, busy }
    }

    pub(in crate::lessons) fn with_gil(interval: Duration, busy: usize) -> Self {
        Self { gil: Some(Gil::new(interval)), busy }
    }

    /// Lets the client ask for as long as `time`, and `least` times at least.
    pub(in crate::lessons) fn measure(&self, time: Duration, least: usize) -> io::Result<Seen> {
        let (here, there) = connection()?;
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..self.busy {
                scope.spawn(|| self.compute(&stop));
            }
            let server = scope.spawn(|| self.serve(here));
            let seen = ask(there, time, least);
            // Before anything is returned: nobody else would tell them.
            stop.store(true, Relaxed);
            server.join().unwrap_or_else(|_| Err(io::Error::other("the server panicked")))?;
            seen
        })
    }

    // ANCHOR: server
    /// Both calls let the lock go, and both have to get it back.
    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        let mut held = self.gil.as_ref().map(Gil::attach);
        let mut request = [0; 64];
        loop {
            let length = blocking(&mut held, || connection.read(&mut request))?;
            if length == 0 {
                return Ok(());
            }
            blocking(&mut held, || connection.write_all(&request[..length]))?;
        }
    }

    /// A loop of pure Python: a checkpoint at the end of each turn.
    fn compute(&self, stop: &AtomicBool) {
        let mut held = self.gil.as_ref().map(Gil::attach);
        let (mut x, begun) = (0_u64, Instant::now());
        // Relaxed: it only has to be seen some time.
        while !stop.load(Relaxed) && begun.elapsed() < LIMIT {
            for step in 0..200 {
                x = black_box(x.wrapping_add(step) & 0xFFFF);
            }
            if let Some(held) = &mut held {
                held.checkpoint();
            }
        }
    }
    // ANCHOR_END: server
}

fn blocking<T>(held: &mut Option<Held<'_>>, work: impl FnOnce() -> T) -> T {
    match held {
        Some(held) => held.blocking(work),
        None => work(),
    }
}

/// Two ends of a connection through the loopback, nothing held back for company.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let there = TcpStream::connect(listener.local_addr()?)?;
    let (here, _) = listener.accept()?;
    for end in [&here, &there] {
        end.set_nodelay(true)?;
        // A server that is never let on ends the lesson with an error, not never.
        end.set_read_timeout(Some(Duration::from_secs(20)))?;
    }
    Ok((here, there))
}

fn ask(mut connection: TcpStream, time: Duration, least: usize) -> io::Result<Seen> {
    let (mut trips, mut wrong) = (Samples::default(), 0);
    let begun = Instant::now();
    while begun.elapsed() < time || trips.len() < least {
        let request = [trips.len() as u8; 64];
        let mut answer = [0; 64];
        let start = Instant::now();
        connection.write_all(&request)?;
        connection.read_exact(&mut answer)?;
        trips.push(1e6 * start.elapsed().as_secs_f64());
        wrong += usize::from(answer != request);
        thread::sleep(PAUSE);
    }
    let waited: f64 = trips.in_order().iter().sum();
    Ok(Seen { rate: 1e6 * trips.len() as f64 / waited, trips, wrong })
}
