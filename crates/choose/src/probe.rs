//! One run in a fresh process of its own, looked at from outside: how much memory it takes, and who did what when.
//!
//! Fresh, because memory that earlier runs have left behind would count; of its own, because looking takes time, which
//! must not be in the figures.

use std::{
    io::{self, BufRead, Read, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use workload::{Exchange, Mechanism, Span, Timeline, Workers, Workload, sequential};

use crate::{memory, own, row::SEQUENTIAL};

/// What was seen.
#[derive(Debug)]
pub struct Seen {
    /// Who did what when.
    pub spans: Vec<Span>,
    /// Orders to other processes, and their answers.
    pub exchanges: Vec<Exchange>,
    /// The answer, for a reader.
    pub answer: Value,
    /// The most memory at any moment, of the process and its children, in bytes.
    pub peak_memory: Option<u64>,
}

/// What the run says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    spans: Vec<Span>,
    exchanges: Vec<Exchange>,
    answer: Value,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The process could not be started or talked to.
    #[error("the process that was to be looked at: {0}")]
    Io(#[from] io::Error),
    /// It failed; it has said why on stderr.
    #[error("the process that was to be looked at {0}")]
    Failed(std::process::ExitStatus),
    /// What it said is no report.
    #[error("the process that was to be looked at says something else: {0}")]
    Json(#[from] serde_json::Error),
}

/// Runs `work` through the mechanism called `mechanism` in a process of its own and looks at it.
///
/// # Errors
/// [`ProbeError`].
pub fn look<W: Workload>(work: &W, mechanism: &str, workers: usize) -> Result<Seen, ProbeError> {
    let mut command = Command::new(own::program()?);
    command.args(["probe", W::NAME, mechanism, &workers.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let pipe = || io::Error::from(io::ErrorKind::BrokenPipe);
    let mut stdin = child.stdin.take().ok_or_else(pipe)?;
    let mut stdout = child.stdout.take().ok_or_else(pipe)?;
    let done = AtomicBool::new(false);
    // Once before there is anything to do: a short run may end before the thread has looked for the first time.
    let before = memory::tree(child.id());
    let (said, peak_memory) = thread::scope(|scope| {
        let looking = scope.spawn(|| memory::peak(child.id(), &done));
        let said = talk(&mut stdin, &mut stdout, work);
        // Before the child is waited for: until then nobody else can get its id.
        done.store(true, Ordering::Relaxed);
        (said, looking.join().unwrap_or(None).max(before))
    });
    // Only now: the end of its input is what ends it when we end.
    drop(stdin);
    let status = child.wait()?;
    if !status.success() {
        return Err(ProbeError::Failed(status));
    }
    let Report { spans, exchanges, answer } = serde_json::from_slice(&said?)?;
    Ok(Seen { spans, exchanges, answer, peak_memory })
}

fn talk(stdin: &mut impl Write, stdout: &mut impl Read, work: &impl Workload) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(work)?;
    line.push(b'\n');
    stdin.write_all(&line)?;
    let mut said = Vec::new();
    stdout.read_to_end(&mut said)?;
    Ok(said)
}

/// The other side: the run that is looked at. Reads the work from stdin, writes its report to stdout.
///
/// # Errors
/// In a sentence.
pub fn run<W: Workload>(mechanisms: &[Mechanism<W>], name: &str, workers: Workers) -> Result<(), String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| error.to_string())?;
    let work: W = serde_json::from_str(&line).map_err(|error| error.to_string())?;
    own::end_with_stdin();
    let timeline = Timeline::on();
    let whole = if name == SEQUENTIAL {
        sequential(&work, &timeline)
    } else {
        let mechanism = mechanisms.iter().find(|mechanism| mechanism.name == name);
        (mechanism.ok_or(format!("no mechanism is called {name}"))?.run)(&work, workers, &timeline)
    };
    let whole = whole.map_err(|error| error.to_string())?;
    let (spans, exchanges) = (timeline.spans(), timeline.exchanges());
    let report = Report { spans, exchanges, answer: work.answer(&whole) };
    serde_json::to_writer(io::stdout().lock(), &report).map_err(|error| error.to_string())
}
