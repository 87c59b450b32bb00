//! The side that asks: starts the process that measures, waits for it, and ends it when nothing more comes.

use std::{
    fs,
    io::{self, Write},
    process::{self, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use processes::{ended::ended_within, parent_death::die_with_parent};
use workload::Workload;

use super::{
    AdviseError, MEASURING,
    child::mark,
    order::{Order, Said, Traced, What, Wrong},
};
use crate::{own, row::Row};

/// How the process that measures has ended, and all that it has said.
struct Ended {
    said: Vec<Said>,
    /// `None`: it said nothing for too long and was ended.
    status: Option<ExitStatus>,
}

/// One piece after the other.
pub(super) fn trace<W: Workload>(order: &Order<W>, limit: Duration) -> Result<Traced, AdviseError> {
    // It watches its pieces itself; this is for one that cannot, as when cutting the work hangs.
    let Ended { mut said, status } = run(order, 2 * limit + Duration::from_secs(20))?;
    match said.pop() {
        Some(Said::Traced(traced)) => Ok(traced),
        Some(Said::Wrong(wrong)) => Err(error(wrong, limit)),
        last => {
            let piece = if let Some(Said::Piece(piece)) = last { Some(piece) } else { None };
            Err(AdviseError::Died { piece, how: how(status) })
        }
    }
}

/// The mechanism at which the child ended, with how many workers, and how.
pub(super) type EndedAt = (String, usize, String);

/// The mechanisms in turn: their rows.
pub(super) fn measure<W: Workload>(
    order: &Order<W>,
    names: &[&'static str],
    silence: Duration,
) -> Result<Result<Vec<Row>, EndedAt>, AdviseError> {
    let Ended { mut said, status } = run(order, silence)?;
    match said.pop() {
        Some(Said::Rows(rows)) => Ok(Ok(rows.into_iter().filter_map(|figures| figures.row(names)).collect())),
        Some(Said::Wrong(wrong)) => Err(error(wrong, silence)),
        Some(Said::Run(name, workers)) => Ok(Err((name, workers, how(status)))),
        _ => Err(AdviseError::Died { piece: None, how: how(status) }),
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
    match order.what {
        // What pieces print is not this program's output.
        What::Trace { .. } => command.stdout(io::stderr()),
        // The same again and again, and from many at once.
        What::Measure { .. } => command.stdout(Stdio::null()).stderr(Stdio::null()),
    };
    let mut child = die_with_parent(&mut command).spawn()?;
    let mut line = serde_json::to_vec(order)?;
    line.push(b'\n');
    // If it ends without reading, its status says more than the broken pipe.
    let _ = child.stdin.take().map(|mut stdin| stdin.write_all(&line));
    let (mut length, mut heard) = (0, Instant::now());
    while !ended_within(child.id(), Duration::from_millis(100).min(silence))? {
        let now = report.as_file().metadata()?.len();
        if now > length {
            (length, heard) = (now, Instant::now());
        }
        if heard.elapsed() > silence {
            // Its workers end with it: the kernel sees to that.
            child.kill()?;
            child.wait()?;
            return Ok(Ended { said: said(&report)?, status: None });
        }
    }
    Ok(Ended { status: Some(child.wait()?), said: said(&report)? })
}

fn said(report: &tempfile::NamedTempFile) -> io::Result<Vec<Said>> {
    let text = fs::read_to_string(report.path())?;
    // The last line may be half written when its writer was ended.
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}
