//! The worker for anyone's scheduler: a piece a line on standard input, a part a line on standard output.
//!
//! Each line is a JSON object that says all there is to know, so that any worker can do any line, in any order,
//! twice if need be:
//!
//! ```json
//! {"workload": "primes", "work": {"below": 1000}, "piece": {"from": 0, "to": 100}, "id": 7}
//! {"id": 7, "part": {"count": 25}}
//! {"id": 7, "error": "why not"}
//! ```
//!
//! `id` is the scheduler's: it comes back as it was, `null` if there was none. [`cut`] puts into it what [`join`]
//! needs.

use std::{
    collections::BTreeSet,
    io::{self, BufRead, Read, Write},
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use workload::{Assembly, Failure, RunError, Timeline, Workload, attempt};

use crate::worker::Job;

/// The longest line that is read, in bytes: 64 MiB.
pub const LIMIT: usize = 64 << 20;

/// Does one piece: `(work, piece)` to part, all as JSON.
pub(crate) type Do = fn(Value, Value) -> Result<Value, String>;

/// Puts parts together: `(work, how many, index and part of each)` to answer.
pub(crate) type Join = fn(Value, usize, &mut dyn Iterator<Item = Parted>) -> Result<Value, JoinError>;

type Parted = Result<(usize, Value), JoinError>;

/// What [`cut`] writes as `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Id {
    workload: String,
    work: Value,
    /// Index of the piece.
    piece: usize,
    /// How many pieces there are.
    of: usize,
}

/// Reads pieces, does them and writes parts, until `input` ends or nobody reads `output` any more.
///
/// A line that makes no sense gets an error line with its number, and the next one follows.
///
/// # Errors
/// Those of `input` and `output`, but for a reader that has gone away.
pub fn serve(jobs: &[Job], mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut number = 0;
    while let Some(line) = next_line(&mut input)? {
        number += 1;
        let reply = match line {
            Ok(line) if line.trim_ascii().is_empty() => continue,
            Ok(line) => reply(jobs, &line, number),
            Err(why) => json!({"id": null, "error": format!("line {number}: {why}")}),
        };
        // One write and at once: a scheduler may hand out the next piece only when it has this part.
        match output.write_all(format!("{reply}\n").as_bytes()).and_then(|()| output.flush()) {
            Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// One line's reply.
fn reply(jobs: &[Job], line: &[u8], number: usize) -> Value {
    let mut request = match serde_json::from_slice::<Value>(line) {
        Ok(Value::Object(request)) => request,
        Ok(_) => return json!({"id": null, "error": format!("line {number}: is no JSON object")}),
        Err(error) => return json!({"id": null, "error": format!("line {number}, {}", place(&error))}),
    };
    let id = request.remove("id").unwrap_or(Value::Null);
    let mut field = |name: &str| request.remove(name).ok_or(format!("line {number}: has no `{name}`"));
    let done = (|| {
        let (name, work, piece) = (field("workload")?, field("work")?, field("piece")?);
        let job = name.as_str().and_then(|name| jobs.iter().find(|job| job.name == name));
        let job = job.ok_or_else(|| {
            let known: Vec<_> = jobs.iter().map(|job| job.name).collect();
            format!("line {number}: there is no workload {name}, only: {}", known.join(", "))
        })?;
        (job.line)(work, piece)
    })();
    match done {
        Ok(part) => json!({"id": id, "part": part}),
        Err(why) => json!({"id": id, "error": why}),
    }
}

pub(crate) fn do_line<W: Workload>(work: Value, piece: Value) -> Result<Value, String> {
    let work: W = serde_json::from_value(work).map_err(|error| format!("`work`: {error}"))?;
    let piece: W::Piece = serde_json::from_value(piece).map_err(|error| format!("`piece`: {error}"))?;
    let part = attempt(&work, &piece).map_err(|failure| match failure {
        Failure::Error(why) => why.to_string(),
        Failure::Panic(message) => format!("panicked: {message}"),
    })?;
    serde_json::to_value(part).map_err(|error| format!("its part is no JSON: {error}"))
}

/// Why lines cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// Not a single line.
    #[error("there is nothing to join: no line came")]
    Nothing,
    /// A line that is no part of a [`cut`], or of another one.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// A piece that could not be done: the first line that says so.
    #[error("piece {piece} failed: {why}")]
    Failed {
        /// Its index.
        piece: usize,
        /// The worker's words.
        why: String,
    },
    /// Pieces are missing.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes the pieces of `work`, a line each, for [`serve`]; their ids say what [`join`] has to know.
///
/// # Errors
/// [`RunError::Cut`] and those of `output`, but for a reader that has gone away.
pub fn cut<W: Workload>(work: &W, mut output: impl Write) -> Result<(), JoinError> {
    let timeline = Timeline::off();
    let job = workload::Job::cut(work, &timeline)?;
    let whole = serde_json::to_value(work).map_err(io::Error::other)?;
    for (piece, index) in job.pieces().iter().zip(0..) {
        let id = Id { workload: W::NAME.to_owned(), work: whole.clone(), piece: index, of: job.len() };
        let line = json!({"workload": W::NAME, "work": whole, "piece": piece, "id": id});
        match writeln!(output, "{line}") {
            Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(output.flush()?)
}

/// Reads parts of one [`cut`], in any order, and gives the answer: `{"workload": .., "answer": ..}`. A part that
/// came twice counts once.
///
/// # Errors
/// [`JoinError`], for the first line that is wrong or says that a piece failed.
pub fn join(jobs: &[Job], mut input: impl BufRead) -> Result<Value, JoinError> {
    let mut number = 0;
    let mut next = || -> Option<Result<(usize, Id, Value), JoinError>> {
        loop {
            number += 1;
            let wrong = |why: String| Some(Err(JoinError::Line { line: number, why }));
            match next_line(&mut input) {
                Ok(Some(Ok(line))) if line.trim_ascii().is_empty() => {}
                Ok(Some(Ok(line))) => return Some(part(&line, number).map(|(id, part)| (number, id, part))),
                Ok(Some(Err(why))) => return wrong(why),
                Ok(None) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        }
    };
    let (line, first, part) = next().ok_or(JoinError::Nothing)??;
    let job = jobs.iter().find(|job| job.name == first.workload).ok_or_else(|| {
        let why = format!("there is no workload `{}`", first.workload);
        JoinError::Line { line, why }
    })?;
    let mut seen = BTreeSet::from([first.piece]);
    let rest = std::iter::from_fn(next).filter_map(|next| match next {
        Ok((line, id, _)) if (Id { piece: first.piece, ..id.clone() }) != first => {
            Some(Err(JoinError::Line {
                line,
                why: "is a part of other work than the lines before".to_owned(),
            }))
        }
        Ok((_, id, part)) => seen.insert(id.piece).then_some(Ok((id.piece, part))),
        Err(error) => Some(Err(error)),
    });
    let mut parts = std::iter::once(Ok((first.piece, part))).chain(rest);
    let answer = (job.join)(first.work.clone(), first.of, &mut parts)?;
    Ok(json!({"workload": job.name, "answer": answer}))
}

pub(crate) fn join_parts<W: Workload>(
    work: Value,
    of: usize,
    parts: &mut dyn Iterator<Item = Parted>,
) -> Result<Value, JoinError> {
    let work: W = serde_json::from_value(work)
        .map_err(|error| JoinError::Line { line: 1, why: format!("`work`: {error}") })?;
    let mut whole = Assembly::new(&work);
    for part in parts {
        let (index, part) = part?;
        let part = serde_json::from_value(part)
            .map_err(|error| JoinError::Failed { piece: index, why: format!("its part: {error}") })?;
        if index >= of {
            return Err(JoinError::Failed { piece: index, why: format!("there are only {of} pieces") });
        }
        whole.add(index, part);
    }
    Ok(work.answer(&whole.finish(of)?))
}

/// The id and the part of a line that a worker wrote.
fn part(line: &[u8], number: usize) -> Result<(Id, Value), JoinError> {
    let wrong = |why: String| JoinError::Line { line: number, why };
    let mut reply: serde_json::Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| wrong(place(&error)))?;
    let error = reply.get("error").map(|error| error.as_str().map_or(error.to_string(), str::to_owned));
    let id = match (serde_json::from_value::<Id>(reply.remove("id").unwrap_or_default()), &error) {
        (Ok(id), _) => id,
        (Err(_), Some(error)) => return Err(wrong(format!("a worker says: {error}"))),
        (Err(why), None) => return Err(wrong(format!("its `id` is not from `--cut`: {why}"))),
    };
    match (reply.remove("part"), error) {
        (_, Some(why)) => Err(JoinError::Failed { piece: id.piece, why }),
        (Some(part), None) => Ok((id, part)),
        (None, None) => Err(wrong("has neither `part` nor `error`".to_owned())),
    }
}

/// The next line, without its end; inside, why it is none (too long: its rest has been skipped).
fn next_line(input: &mut impl BufRead) -> io::Result<Option<Result<Vec<u8>, String>>> {
    let mut line = Vec::new();
    input.take(LIMIT as u64 + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LIMIT {
        input.skip_until(b'\n')?;
        return Ok(Some(Err(format!("is longer than {LIMIT} bytes"))));
    }
    Ok(Some(Ok(line)))
}

/// A JSON error with its place in the line (serde_json counts lines too, of which there is one).
fn place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let why = text.split(" at line ").next().unwrap_or(&text);
    format!("column {}: {why}", error.column())
}
