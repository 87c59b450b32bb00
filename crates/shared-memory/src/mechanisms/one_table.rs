//! The words of many files, counted by N processes into one table in shared memory.
//!
//! **How** Each worker counts its pieces in a table of its own, as a thread would: a word comes every 10 ns, and two
//! processes that add to one word fight for its cache line. At the end each pours what it has into the common table: one
//! store for each *different* word, in a column of its own. When a worker is killed, its successor clears that column and
//! counts again all that the worker had taken: nothing is lost, nothing counted twice.
//!
//! **Take it** where the result is large and several processes are to look things up in it. **Not** where one process needs
//! the sum, once: threads with a table each, merged, do with less memory.
//!
//! **Cost** the start of the processes, 16 bytes a slot for each worker, and the table's memory before it is known how much
//! is needed: when it is full, all is done again with four times as much.
//!
//! **In Python** nothing: a dict cannot be shared. `Manager().dict()` is a server process that is asked for each word.

use processes::{
    Program,
    pool::{Task, TaskError},
    worker,
};
use serde::{Deserialize, Serialize};
use workload::{
    Job, RunError, Timeline, Words, Workers, Workload,
    words::{Counts, Tally},
};

use super::{
    site::{Bench, Brief, Given, Site, at, no_memory},
    supervise::{Outcome, supervise},
};
use crate::{
    Memfd,
    table::{Plan, Table, TableError, keys::Steps},
};

/// For [`worker::enter`].
pub const JOB: worker::Job = COUNT.job();

static COUNT: Task<u32, Outcome<Poured>, Terms, Reader> =
    Task::with_state("shared-memory: count words", open, count_all);

#[derive(Debug, Serialize, Deserialize)]
struct Terms {
    brief: Brief<Words>,
    table: Given,
}

#[derive(Debug)]
struct Reader {
    bench: Bench<Words>,
    table: Table,
}

/// How a worker ended.
#[derive(Debug, Serialize, Deserialize)]
enum Poured {
    /// All is in the table; what there is to say beside the words.
    All(Tally),
    /// There was no room.
    Full,
}

/// The words of some files.
#[derive(Debug)]
pub struct Counted {
    /// Words and counts, in memory that only this process has.
    pub table: Table,
    /// What was read and what was not; its own counts are empty.
    pub read: Tally,
    /// How often it was begun again, since the table was too small.
    pub again: u32,
}

/// Counts the words of `work`, in a table that has room for `room` different words at first.
///
/// # Errors
/// [`RunError::Cut`]; [`RunError::Start`] when there is no memory or no process; and [`RunError::WorkerDied`] when three
/// processes have died as the same worker.
pub fn count(
    program: &Program,
    work: &Words,
    workers: Workers,
    room: usize,
    timeline: &Timeline,
) -> Result<Counted, RunError> {
    let job = Job::cut(work, timeline)?;
    let workers = workers.at_most(job.len());
    let mut plan = Plan { words: room, columns: workers, letters: room.saturating_mul(16) };
    for again in 0.. {
        let memory = Memfd::create("table", plan.size()).map_err(no_memory)?;
        let table = Table::create(&memory, plan).map_err(no_memory)?;
        if job.is_empty() {
            return Ok(Counted { table, read: Tally::default(), again });
        }
        let site = Site::of(&job)?;
        let terms = Terms { brief: site.brief(work, workers), table: Given::of(&memory) };
        let outputs = supervise(&COUNT, &terms, (workers, program), (Words::NAME, &site.board))?;
        if let Some(read) = read_of(work, outputs) {
            site.board.all_done()?;
            site.board.spans().for_each(|span| timeline.add(span));
            return Ok(Counted { table, read, again });
        }
        // No end to it but that of the memory, which is an error above.
        (plan.words, plan.letters) = (plan.words.saturating_mul(4), plan.letters.saturating_mul(4));
    }
    Err(no_memory("the table is full"))
}

/// What was read by all of them; nothing if the table was too small for one.
fn read_of(work: &Words, outputs: Vec<Poured>) -> Option<Tally> {
    let mut read = Tally::default();
    for output in outputs {
        match output {
            Poured::All(tally) => work.combine(&mut read, tally),
            Poured::Full => return None,
        }
    }
    Some(read)
}

fn open(terms: Terms) -> Result<Reader, TaskError> {
    Ok(Reader { bench: Bench::open(terms.brief)?, table: Table::attach(terms.table.open()?)? })
}

// ANCHOR: count_all
/// Be worker `worker`: all that a predecessor had taken, then whatever is free. What that one had poured is cleared, so what
/// it had done is done again as well.
fn count_all(reader: &mut Reader, worker: u32) -> Result<Outcome<Poured>, TaskError> {
    let Reader { bench, table } = reader;
    let pieces = bench.board.pieces();
    // One who was killed while it poured has left counts: also of words that are not there again, if a file has changed.
    if pieces.taken(worker).next().is_some() {
        table.clear(worker as usize)?;
    }
    let mut mine = Vec::new();
    let mut tally = Tally::default();
    for place in pieces.taken(worker).chain(std::iter::from_fn(|| pieces.take(worker))) {
        match bench.run(place) {
            Ok(part) => bench.work.combine(&mut tally, part),
            Err(fault) => {
                bench.board.stop();
                return Ok(Err(fault));
            }
        }
        mine.push(place);
    }
    match pour(table, worker as usize, &tally.counts) {
        Ok(()) => mine.into_iter().for_each(|place| bench.done(place, worker)),
        Err(TableError::Full { .. }) => {
            bench.board.stop();
            return Ok(Ok(Poured::Full));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Ok(Poured::All(Tally { counts: Counts::default(), ..tally })))
}

/// Says at which step it is.
struct Watched;

impl Steps for Watched {
    fn at(&self, point: &'static str) {
        at(point);
    }
}

/// Puts all `counts` in the worker's own column, in which there is nothing yet.
fn pour(table: &Table, column: usize, counts: &Counts) -> Result<(), TableError> {
    let mut outcome = Ok(());
    counts.for_each(|word, times| {
        if outcome.is_ok() {
            outcome = table.set_with(column, word.as_bytes(), times, &Watched);
        }
    });
    outcome
}
// ANCHOR_END: count_all
