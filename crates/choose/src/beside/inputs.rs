//! The work for both languages, and Rust's answers to it.

use std::{error::Error, fs, io::Write, time::Duration};

use lesson::measure;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use workload::{
    Fetch, Mandelbrot, Primes, RunError, Timeline, Words, Workers, Workload, fetch::Server, mandelbrot::Tile,
};

/// What both do.
pub(super) struct Inputs {
    mandelbrot: Mandelbrot,
    primes: Primes,
    words: Words,
    text: NamedTempFile,
    fetch: Fetch,
    waiting: Workers,
    /// Serves until it is dropped.
    _server: Server,
}

/// Rust's answer to one workload, and how long it took.
pub(super) struct Expected {
    pub(super) workload: &'static str,
    pub(super) waits: bool,
    pub(super) workers: usize,
    pub(super) seconds: f64,
    answer: Value,
}

impl Expected {
    /// Whether Python says the same, in all that it says.
    pub(super) fn agrees(&self, answer: &Value) -> bool {
        let says = answer.as_object().filter(|says| !says.is_empty());
        says.is_some_and(|says| says.iter().all(|(key, value)| self.answer.get(key) == Some(value)))
    }
}

impl Inputs {
    pub(super) fn new(tiny: bool) -> Result<Self, Box<dyn Error>> {
        let (width, height, below, lines, documents) =
            if tiny { (48, 32, 4_000, 300, 8) } else { (240, 180, 120_000, 40_000, 100) };
        let mut text = NamedTempFile::new()?;
        for line in 0..lines {
            // Numbers part words, as does everything that is no letter.
            writeln!(
                text,
                "The {line} quick Brown-fox{} jumps over lazyDog {}",
                line % 7,
                ["x", "yy"][line % 2]
            )?;
        }
        text.flush()?;
        let server = Server::start(Duration::from_millis(if tiny { 1 } else { 20 }))?;
        let tile = Tile { width, height: 1 };
        Ok(Self {
            mandelbrot: Mandelbrot { width, height, iterations: 200, tile },
            primes: Primes { below, pieces: 64 },
            words: Words { piece_bytes: 16 << 10, ..Words::in_directory(fs::canonicalize(text.path())?) },
            text,
            fetch: Fetch::new(server.url(), documents),
            waiting: Workers::new(if tiny { 4 } else { 32 })?,
            _server: server,
        })
    }

    /// What the script is told.
    pub(super) fn config(&self) -> Value {
        let Mandelbrot { width, height, iterations, .. } = self.mandelbrot;
        json!({
            "workers": Workers::cores().get(),
            "mandelbrot": { "width": width, "height": height, "iterations": iterations },
            "primes": { "below": self.primes.below },
            "words": { "file": self.text.path() },
            "fetch": {
                "url": self.fetch.base_url, "documents": self.fetch.documents, "workers": self.waiting.get(),
            },
        })
    }

    /// Rust's answers.
    pub(super) fn expected(&self) -> Result<[Expected; 4], RunError> {
        let cores = Workers::cores();
        Ok([
            expected(&self.mandelbrot, cores)?,
            expected(&self.primes, cores)?,
            expected(&self.words, cores)?,
            expected(&self.fetch, self.waiting)?,
        ])
    }
}

fn expected<W: Workload>(work: &W, workers: Workers) -> Result<Expected, RunError> {
    let dynamic = threads::mechanisms::mechanism::<W>("dynamic")
        .ok_or_else(|| RunError::Start { what: "dynamic".to_owned(), why: "it is not there".to_owned() })?;
    let mut outcome = Ok(W::Part::default());
    let seconds = measure::seconds(|| outcome = (dynamic.run)(work, workers, &Timeline::off()));
    let answer = work.answer(&outcome?);
    Ok(Expected { workload: W::NAME, waits: W::WAITS, workers: workers.get(), seconds, answer })
}
