//! Runs the work one piece after the other, with an eye on every clock.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use workload::{Job, RunError, Timeline, Workload};

use super::{Fresh, Half, Piece, Recorded};
use crate::{burned, cpu};

/// Clocks of this thread, its children and the server, at one moment.
#[derive(Clone, Copy)]
struct Clocks {
    wall: Instant,
    own: f64,
    waits: i64,
}

impl Clocks {
    fn now() -> Self {
        let (waits, own) = (cpu::waits(), thread_cpu() + cpu::children());
        Self { wall: Instant::now(), own, waits }
    }
}

/// Seconds of processor time of this thread.
pub(crate) fn thread_cpu() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Records `work` twice, if it is so short that this costs little, and takes of each piece the better half of both:
/// the first run of a process pays for pages and caches that later ones find ready, and whoever disturbs a piece rarely
/// disturbs it twice. Otherwise like [`record`].
///
/// A run that had to wait for a disk is recorded anew: the next one finds its files in the page cache, as will all those
/// that are predicted from it. How long it took is kept ([`Recorded::cold`]).
///
/// # Errors
/// Those of [`record`].
pub fn record_well<W: Workload>(
    work: &W,
    server: Option<u32>,
    patience: Duration,
) -> Result<(Recorded, Option<W::Part>), RunError> {
    const SHORT: f64 = 2.0;
    let blocks = cpu::blocks_read();
    let (mut first, mut answer) = record(work, server, patience)?;
    let mut cold = None;
    if cpu::blocks_read() > blocks && first.wall < patience.as_secs_f64() {
        let again = record(work, server, patience)?;
        // A block or two is nothing: it must have cost something.
        cold = (first.wall > 1.2 * again.0.wall).then_some(first.wall);
        (first, answer) = again;
    }
    if first.wall <= SHORT {
        let (second, again) = record(work, server, patience)?;
        (first, answer) = (first.better_of(&second), again);
    }
    Ok((Recorded { cold, ..first }, answer))
}

/// Runs `work` one piece after the other and records it. `server` is the process id of a server on this machine that
/// works for it, if there is one. Where pieces wait, running them ends after `patience`, and the rest is taken to be
/// like those that ran: waiting is alike, and takes long.
///
/// Second comes the answer, if all pieces ran.
///
/// # Errors
/// [`RunError::Cut`], [`RunError::Piece`] and [`RunError::Panicked`], as the work has it.
pub fn record<W: Workload>(
    work: &W,
    server: Option<u32>,
    patience: Duration,
) -> Result<(Recorded, Option<W::Part>), RunError> {
    let timeline = Timeline::off();
    let begun = Instant::now();
    let job = Job::cut(work, &timeline)?;
    let cut = begun.elapsed().as_secs_f64();
    let total = job.len();
    let around = burned::Moment::now(server);
    let before = Clocks::now();
    let start = before.wall;
    let mut pieces: Vec<Piece> = Vec::with_capacity(total);
    let (mut left, mut right) = (W::Part::default(), W::Part::default());
    let mut group = 1;
    let mut waits = false;
    let mut index = 0;
    while index < total {
        let half = if index < total / 2 { total / 2 } else { total };
        let range = index..(index + group).min(half);
        let before = Clocks::now();
        let parts = range.clone().map(|index| job.run(0, index)).collect::<Result<Vec<_>, _>>()?;
        let ran = Clocks::now();
        let bytes_out = parts.first().map_or(0, size);
        let side = if index < total / 2 { &mut left } else { &mut right };
        let combining = thread_cpu();
        for (index, part) in range.clone().zip(parts) {
            job.combine(side, part, index)?;
        }
        let combine = thread_cpu() - combining;
        let wall = ran.wall.duration_since(before.wall).as_secs_f64();
        let cpu = ran.own - before.own;
        let has_waited = ran.waits > before.waits;
        waits |= has_waited && wall > 2.0 * cpu;
        let count = range.len() as f64;
        let one = Piece {
            cpu: cpu / count,
            wait: if has_waited { (wall - cpu).max(0.0) / count } else { 0.0 },
            asks: 0.0,
            combine: combine / count,
            width: if has_waited && cpu > 1.1 * wall { cpu / wall } else { 1.0 },
            count: 1,
            bytes_in: size(&job.pieces()[index]),
            bytes_out,
        };
        pieces.extend(range.clone().map(|_| one));
        index = range.end;
        // Reading the clocks costs about a microsecond: tiny pieces are clocked several at a time.
        group = if wall < 20e-6 { (2 * group).min(1024) } else { (group / 2).max(1) };
        if waits && start.elapsed() > patience && pieces.len() >= 16 {
            break;
        }
    }
    let wall = start.elapsed().as_secs_f64();
    let (asks, others) = around.since(Clocks::now().own - before.own);
    let ran = pieces.len();
    spread(&mut pieces, asks);
    let whole_ran = ran == total;
    let half = if whole_ran { halves(&job, &mut left, right)? } else { Half::default() };
    let fresh = fresh(&job, server, wall / ran.max(1) as f64)?;
    let mut recorded = Recorded { cut, pieces, ran, fresh, half, wall: cut + wall, others, cold: None };
    for index in ran..total {
        recorded.pieces.push(recorded.pieces[index - ran]);
    }
    Ok((recorded, whole_ran.then_some(left)))
}

/// Gives each piece that waited its part of what the server computed.
fn spread(pieces: &mut [Piece], asks: f64) {
    let waiting = pieces.iter().map(|piece| piece.wait).sum::<f64>();
    if waiting > 0.0 {
        let number = pieces.iter().filter(|piece| piece.wait > 0.0).count() as f64;
        for piece in pieces.iter_mut().filter(|piece| piece.wait > 0.0) {
            piece.asks = (asks / number).min(piece.wait);
        }
    }
}

/// Bytes of `value`, encoded; 0 if it cannot be.
fn size(value: &impl Serialize) -> u64 {
    postcard::serialize_with_flavor(value, postcard::ser_flavors::Size::default()).unwrap_or(0) as u64
}

/// Beyond this the halves are not encoded for the sake of measuring: it would take too long and too much memory.
const MOST_BYTES: u64 = 64 << 20;

/// Puts the halves together, and looks at what it and sending one costs.
fn halves<W: Workload>(job: &Job<'_, W>, left: &mut W::Part, right: W::Part) -> Result<Half, RunError> {
    let bytes = size(&right);
    let (mut encode, mut decode) = (0.0, 0.0);
    if bytes <= MOST_BYTES {
        let start = thread_cpu();
        let encoded = postcard::to_allocvec(&right);
        encode = thread_cpu() - start;
        if let Ok(encoded) = encoded {
            let start = thread_cpu();
            let decoded: Result<W::Part, _> = postcard::from_bytes(&encoded);
            decode = thread_cpu() - start;
            drop(decoded);
        }
    }
    let start = thread_cpu();
    job.combine(left, right, job.len() / 2)?;
    let join = thread_cpu() - start;
    Ok(Half { bytes: bytes as f64, whole: size(left) as f64, encode, decode, join })
}

/// What first pieces cost more: of three threads that do the same piece twice, the middle one. Nothing where pieces
/// are so long that it would not show.
fn fresh<W: Workload>(job: &Job<'_, W>, server: Option<u32>, piece: f64) -> Result<Fresh, RunError> {
    if job.is_empty() || piece > 0.05 {
        return Ok(Fresh::default());
    }
    let index = job.len() / 2;
    let mut differences: [Vec<f64>; 3] = Default::default();
    for _ in 0..3 {
        let two = || -> Result<[[f64; 3]; 2], RunError> {
            let mut both = [[0.0; 3]; 2];
            for one in &mut both {
                let (before, asked) = (Clocks::now(), server.and_then(burned::process));
                job.run(0, index)?;
                let after = Clocks::now();
                let asks =
                    server.and_then(burned::process).zip(asked).map_or(0.0, |(after, before)| after - before);
                let (wall, cpu) =
                    (after.wall.duration_since(before.wall).as_secs_f64(), after.own - before.own);
                let wait = if after.waits > before.waits { (wall - cpu).max(0.0) } else { 0.0 };
                *one = [cpu, wait, asks];
            }
            Ok(both)
        };
        // A scope, so that the thread may borrow; it is joined at once.
        let both = thread::scope(|scope| scope.spawn(two).join());
        let [first, second] = both.unwrap_or_else(|payload| std::panic::resume_unwind(payload))?;
        for (place, all) in differences.iter_mut().enumerate() {
            all.push(first[place] - second[place]);
        }
    }
    let [cpu, wait, asks] = differences.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[1].max(0.0)
    });
    Ok(Fresh { cpu, wait, asks })
}
