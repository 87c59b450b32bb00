//! One picture in shared memory, drawn by N processes: no tile is sent.
//!
//! **How** A worker takes a tile from the board, computes it in its own first-level cache, and stores it in its place, where
//! the caller sees it. Then it says on the board that the tile is done. When a worker is killed, the tiles it owed are drawn
//! again: the same pixels in the same place, so nobody need know how far it had come.
//!
//! **Take it** where the output is large and each piece has a place of its own in it: pictures, columns, matrices. **Not**
//! where the size of a part is not known beforehand.
//!
//! **Cost** the start of the processes (about a millisecond each), then one atomic step a tile.
//!
//! **In Python** `SharedMemory` with a numpy array on it, and a `Pool` whose workers return nothing.

use processes::{
    Program,
    pool::{Task, TaskError},
    worker,
};
use serde::{Deserialize, Serialize};
use workload::{
    Failure, Job, Mandelbrot, PieceError, RunError, Timeline, Workers, Workload, mandelbrot::Counts,
};

use super::{
    site::{Bench, Brief, Fault, Given, Site, at, no_memory},
    supervise::{Outcome, supervise},
};
use crate::{Memfd, canvas::Canvas};

/// For [`worker::enter`].
pub const JOB: worker::Job = DRAW.job();

static DRAW: Task<u32, Outcome<()>, Terms, Easel> =
    Task::with_state("shared-memory: draw in place", open, draw_all);

#[derive(Debug, Serialize, Deserialize)]
struct Terms {
    brief: Brief<Mandelbrot>,
    canvas: Given,
}

/// What a worker has before it.
struct Easel {
    bench: Bench<Mandelbrot>,
    areas: Vec<workload::mandelbrot::Area>,
    canvas: Canvas,
}

/// Draws the picture, and copies it out as the workload's part.
///
/// # Errors
/// As [`draw`].
pub fn run(work: &Mandelbrot, workers: Workers, timeline: &Timeline) -> Result<Counts, RunError> {
    let canvas = draw(&Program::this(), work, workers, timeline)?;
    let areas = work.pieces().map_err(|why| RunError::Cut { workload: Mandelbrot::NAME, why })?;
    canvas.tiles(&areas).map_err(no_memory)
}

/// Draws the picture in memory that only this process has when it returns.
///
/// # Errors
/// [`RunError::Cut`]; [`RunError::Start`] when there is no memory or no process; and [`RunError::WorkerDied`] when three
/// processes have died as the same worker.
pub fn draw(
    program: &Program,
    work: &Mandelbrot,
    workers: Workers,
    timeline: &Timeline,
) -> Result<Canvas, RunError> {
    let job = Job::cut(work, timeline)?;
    let workers = workers.at_most(job.len());
    let memory = Memfd::create("canvas", Canvas::size(work.width, work.height)).map_err(no_memory)?;
    let canvas = Canvas::create(&memory, work.width, work.height).map_err(no_memory)?;
    let site = Site::of(&job)?;
    let terms = Terms { brief: site.brief(work, workers), canvas: Given::of(&memory) };
    supervise(&DRAW, &terms, (workers, program), (Mandelbrot::NAME, &site.board))?;
    site.board.all_done()?;
    site.board.spans().for_each(|span| timeline.add(span));
    Ok(canvas)
}

fn open(terms: Terms) -> Result<Easel, TaskError> {
    let bench = Bench::open(terms.brief)?;
    let areas = bench.work.pieces()?;
    let canvas = Canvas::attach(terms.canvas.open()?)?;
    // Each worker has tiles on nearly all pages: one call costs less than a fault for each of them.
    canvas.populate();
    Ok(Easel { bench, areas, canvas })
}

// ANCHOR: draw_all
/// Be worker `worker`: what a predecessor owes, then whatever is free.
fn draw_all(easel: &mut Easel, worker: u32) -> Result<Outcome<()>, TaskError> {
    let pieces = easel.bench.board.pieces();
    for place in pieces.owed(worker).chain(std::iter::from_fn(|| pieces.take(worker))) {
        if let Err(fault) = draw_one(easel, place) {
            easel.bench.board.stop();
            return Ok(Err(fault));
        }
        easel.bench.done(place, worker);
    }
    Ok(Ok(()))
}
// ANCHOR_END: draw_all

fn draw_one(easel: &Easel, place: usize) -> Result<(), Fault> {
    let part = easel.bench.run(place)?;
    let drawn = easel.canvas.draw(easel.areas[place], part.as_slice());
    at("drawn");
    drawn.map_err(|why| (place, Failure::Error(PieceError::new(why))))
}
