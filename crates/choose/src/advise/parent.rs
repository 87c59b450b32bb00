//! The side that asks: starts the process that measures, waits for it, and ends it when nothing more comes.

use std::{
    fs,
    io::{self, PipeReader, Read, Write},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use processes::{ended::ended_within, parent_death::die_with_parent};
use workload::Workload;

use super::{
    AdviseError, MEASURING,
    child::mark,
    order::{Cost, Order, Said, Traced, What, Wrong},
};
use crate::own;

/// How the process that measures has ended, and all that it has said.
struct Ended {
    said: Vec<Said>,
    /// `None`: it said nothing for too long and was ended.
    status: Option<ExitStatus>,
    /// The last line on its standard output or error, if that was looked at.
    last_words: Option<String>,
}

/// One piece after the other.
pub(super) fn trace<W: Workload>(
    order: &Order<W>,
    limit: Duration,
) -> Result<(Traced, Vec<Cost>), AdviseError> {
    // It watches its pieces itself; this is for one that cannot, as when cutting the work hangs.
    let Ended { mut said, status, last_words } = run(order, 2 * limit + Duration::from_secs(20))?;
    match said.pop() {
        Some(Said::Traced(traced, costs)) => Ok((traced, costs)),
        Some(Said::Wrong(wrong)) => Err(error(wrong, limit)),
        last => {
            let piece = if let Some(Said::Piece(piece)) = last { Some(piece) } else { None };
            Err(match last_words.as_deref().and_then(refused_bytes) {
                Some(bytes) => AdviseError::Memory { piece, bytes },
                None => AdviseError::Died { piece, how: how(status), last_words },
            })
        }
    }
}

/// What the standard library says before it ends a process that gets no memory.
fn refused_bytes(line: &str) -> Option<u64> {
    line.strip_prefix("memory allocation of ")?.strip_suffix(" bytes failed")?.parse().ok()
}

/// Where the child was when it ended, and how.
pub(super) struct Lost {
    /// Empty: at no mechanism.
    pub(super) mechanism: String,
    pub(super) workers: usize,
    pub(super) how: String,
}

/// Anything else: what came of it, which is the last that the child said.
pub(super) fn ask<W: Workload>(
    order: &Order<W>,
    silence: Duration,
) -> Result<Result<Said, Lost>, AdviseError> {
    let Ended { mut said, status, .. } = run(order, silence)?;
    let lost = |mechanism, workers| Ok(Err(Lost { mechanism, workers, how: how(status) }));
    match said.pop() {
        Some(Said::Wrong(wrong)) => Err(error(wrong, silence)),
        Some(Said::Run(mechanism, workers)) => lost(mechanism, workers),
        Some(outcome @ (Said::Calibrated(_) | Said::Foreseen(_) | Said::Rows(_))) => Ok(Ok(outcome)),
        _ => lost(String::new(), 0),
    }
}

fn error(wrong: Wrong, limit: Duration) -> AdviseError {
    match wrong {
        Wrong::Failed(why) => AdviseError::Failed(why),
        Wrong::Late(piece) => AdviseError::Late { piece, limit },
        Wrong::Directory(piece) => AdviseError::Directory { piece },
        Wrong::Nothing => AdviseError::NothingToDo,
    }
}

fn how(status: Option<ExitStatus>) -> String {
    status.map_or_else(|| "it did not end and was killed".to_owned(), |status| status.to_string())
}

fn run<W: Workload>(order: &Order<W>, silence: Duration) -> io::Result<Ended> {
    let report = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(own::program()?);
    command.arg(mark(process::id().cast_signed())).arg(W::NAME).arg(report.path());
    command.env(MEASURING, process::id().to_string());
    command.stdin(Stdio::piped());
    let words = match order.what {
        What::Trace { .. } => Some(Words::of(&mut command)?),
        // The same again and again, and from many at once.
        _ => {
            command.stdout(Stdio::null()).stderr(Stdio::null());
            None
        }
    };
    let mut child = die_with_parent(&mut command).spawn()?;
    // It holds the writing end of a pipe that is to end with the child.
    drop(command);
    let ended = wait(&mut child, order, report.as_file(), silence);
    if ended.is_err() {
        // Its workers end with it: the kernel sees to that.
        child.kill()?;
        child.wait()?;
    }
    let status = ended?;
    let text = fs::read_to_string(report.path())?;
    // The last line may be half written when its writer was ended.
    let said = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Ok(Ended { said, status, last_words: words.and_then(Words::last) })
}

/// Tells the child what to do and waits for its end. `None`: it said nothing for too long, and was ended.
fn wait<W: Workload>(
    child: &mut Child,
    order: &Order<W>,
    report: &fs::File,
    silence: Duration,
) -> io::Result<Option<ExitStatus>> {
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    // If it ends without reading, its status says more than the broken pipe.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(&line));
    let (mut length, mut heard) = (0, Instant::now());
    while !ended_within(child.id(), Duration::from_millis(100).min(silence))? {
        let now = report.metadata()?.len();
        if now > length {
            (length, heard) = (now, Instant::now());
        }
        if heard.elapsed() > silence {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
    }
    child.wait().map(Some)
}

/// What pieces print: it is not this program's output, so it comes out on standard error; and the end of it may say why
/// the process has ended.
struct Words {
    end: Arc<Mutex<Vec<u8>>>,
    over: Receiver<()>,
}

impl Words {
    /// Enough for a backtrace, which may stand behind what matters.
    const KEPT: usize = 64 << 10;

    /// Of the process that `command` will start.
    fn of(command: &mut Command) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let end = Arc::new(Mutex::new(Vec::new()));
        let (tell, over) = channel();
        let kept = Arc::clone(&end);
        thread::Builder::new().name("words".to_owned()).spawn(move || {
            pass_on(reader, &kept);
            drop(tell);
        })?;
        Ok(Self { end, over })
    }

    /// The last line, after the process has ended.
    fn last(self) -> Option<String> {
        // The pipe ends with the process; if a child of its own still holds it, what came until now is all.
        let _ = self.over.recv_timeout(Duration::from_secs(1));
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        last_line(&String::from_utf8_lossy(&end)).map(str::to_owned)
    }
}

/// The last line that says something, and not where in the code it was said.
fn last_line(text: &str) -> Option<&str> {
    let said = text.rsplit_once("stack backtrace:\n").map_or(text, |(said, _)| said);
    said.lines().map(str::trim).rfind(|line| !line.is_empty())
}

fn pass_on(mut reader: PipeReader, end: &Mutex<Vec<u8>>) {
    let mut some = [0; 4096];
    loop {
        let count = match reader.read(&mut some) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        // If nobody can hear it, the process is not to wait for that.
        let _ = io::stderr().write_all(&some[..count]);
        let mut end = end.lock().unwrap_or_else(PoisonError::into_inner);
        end.extend(&some[..count]);
        let over = end.len().saturating_sub(Words::KEPT);
        end.drain(..over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backtrace_is_not_what_was_said() {
        assert_eq!(last_line("one\n two \n\n"), Some("two"));
        assert_eq!(last_line("one\nstack backtrace:\n   0: main\nnote: more\n"), Some("one"));
        assert_eq!(last_line(""), None);
    }

    #[test]
    fn bytes_that_were_refused_are_read_from_what_the_standard_library_says() {
        assert_eq!(refused_bytes("memory allocation of 4294967296 bytes failed"), Some(1 << 32));
        assert_eq!(refused_bytes("memory allocation of some bytes failed"), None);
        assert_eq!(refused_bytes("out of cheese"), None);
    }
}
