//! One sequential run, looked at closely: what each piece costs, and what everyone else did meanwhile.
//!
//! Per piece: how long it took by the wall, how much processor time its thread used (`CLOCK_THREAD_CPUTIME_ID`,
//! clock_gettime(2)) and the children that it waited for, and so how long it *waited*. A piece that never gave up its
//! core (`ru_nvcsw`, getrusage(2)) has not waited, whatever the wall says: then others were in the way.
//!
//! Beside it: what a server on this machine computed for it, what a worker's very first piece costs more than later
//! ones (a connection, a table), how large parts are and what it costs to encode them and to put them together.

use std::{
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use workload::{Job, RunError, Timeline, Workload};

use crate::{
    burned::{self, Burned},
    cpu,
};

/// What one piece costs. Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Piece {
    /// Processor time of its thread, and of children that it waited for.
    pub cpu: f64,
    /// Waiting that takes no core of its own; the server's computing for it is in here.
    pub wait: f64,
    /// Of that, processor time of a server on the same cores.
    pub asks: f64,
    /// Putting its part to the others, where they are put together one by one.
    pub combine: f64,
    /// How many cores it uses at once: more than 1 if it has threads or children of its own.
    pub width: f64,
    /// How many pieces of the work this one stands for: 1, unless they are tiny.
    pub count: usize,
    /// Bytes that a worker process would be sent, encoded by postcard.
    pub bytes_in: u64,
    /// Bytes that it would send back.
    pub bytes_out: u64,
}

/// What a worker's first piece costs more than later ones. Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Fresh {
    /// Its processor time.
    pub cpu: f64,
    /// Its waiting.
    pub wait: f64,
    /// The server's processor time.
    pub asks: f64,
}

/// What the part of half of the pieces is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Half {
    /// Its bytes, encoded.
    pub bytes: f64,
    /// Those of the whole.
    pub whole: f64,
    /// Seconds to encode it.
    pub encode: f64,
    /// Seconds to decode it.
    pub decode: f64,
    /// Seconds to put it behind the other half.
    pub join: f64,
}

/// One sequential run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recorded {
    /// Seconds to cut the work into pieces.
    pub cut: f64,
    /// The pieces, in order.
    pub pieces: Vec<Piece>,
    /// How many of the work's pieces were really run; the others are taken to be like them.
    pub ran: usize,
    /// First pieces.
    pub fresh: Fresh,
    /// Parts.
    pub half: Half,
    /// Seconds that all took.
    pub wall: f64,
    /// What others burned meanwhile: neither this process nor the server.
    pub others: Burned,
    /// Seconds that the very first run took, if that had to read from a disk what later ones found in memory.
    pub cold: Option<f64>,
}

impl Recorded {
    /// Seconds that one worker takes who starts for nothing.
    pub fn alone(&self) -> f64 {
        self.cut + self.pieces.iter().map(Piece::alone).sum::<f64>()
    }

    /// The same on a machine where computing takes `pace` times as long.
    pub(crate) fn at(&self, pace: f64) -> Self {
        let mut run = self.clone();
        for piece in &mut run.pieces {
            let asks = piece.asks * pace;
            // What its server computes is part of what it waits.
            piece.wait += asks - piece.asks;
            (piece.asks, piece.cpu, piece.combine) = (asks, piece.cpu * pace, piece.combine * pace);
        }
        let Half { encode, decode, join, .. } = &mut run.half;
        [&mut run.cut, &mut run.fresh.cpu, encode, decode, join].into_iter().for_each(|time| *time *= pace);
        run
    }

    /// How many pieces the work has.
    pub fn count(&self) -> usize {
        self.pieces.iter().map(|piece| piece.count).sum()
    }

    /// Processor time of all pieces, the server's too. Seconds.
    pub fn demand(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.cpu + piece.combine + piece.asks).sum()
    }

    /// Waiting of all pieces, without what the server computes meanwhile. Seconds.
    pub fn waiting(&self) -> f64 {
        self.pieces.iter().map(|piece| (piece.wait - piece.asks).max(0.0)).sum()
    }

    /// The longest piece. Seconds.
    pub fn longest(&self) -> f64 {
        self.pieces.iter().map(Piece::alone).fold(0.0, f64::max)
    }

    /// Bytes of the part of so many of the pieces recorded here.
    pub(crate) fn bytes(&self, pieces: usize) -> f64 {
        self.half.bytes * self.scale(pieces)
    }

    /// Seconds to encode the part of so many.
    pub(crate) fn encode(&self, pieces: usize) -> f64 {
        self.half.encode * self.scale(pieces)
    }

    /// Seconds to decode it.
    pub(crate) fn decode(&self, pieces: usize) -> f64 {
        self.half.decode * self.scale(pieces)
    }

    /// Seconds to put it behind its left neighbours.
    pub(crate) fn join(&self, pieces: usize) -> f64 {
        self.half.join * self.scale(pieces)
    }

    /// How large the part of so many is, in terms of the half's.
    ///
    /// Known are the parts of one piece, of half and of all. Between these it grows by a power: by the first, where
    /// parts are rows of a picture; by the zeroth, where they are sums; between, where they are tables in which the
    /// same keys come again (Heaps' law).
    fn scale(&self, pieces: usize) -> f64 {
        let Half { bytes: half, whole, .. } = self.half;
        if pieces == 0 || half <= 0.0 || whole <= 0.0 {
            return f64::from(u8::from(pieces > 0));
        }
        let all = self.count() as f64;
        let one = self.pieces.iter().map(|piece| piece.bytes_out).sum::<u64>() as f64 / all;
        let (pieces, middle) = (pieces as f64 * all / self.pieces.len() as f64, all / 2.0);
        let power = |(few, small): (f64, f64), (many, large): (f64, f64)| {
            ((large / small).ln() / (many / few).ln()).clamp(0.0, 1.0)
        };
        let power = if pieces < middle && middle > 1.0 && one > 0.0 {
            power((1.0, one), (middle, half))
        } else {
            power((middle, half), (all, whole))
        };
        (pieces / middle).powf(power)
    }

    /// Of each piece the better half of both: the same work was recorded twice.
    fn better_of(mut self, other: &Self) -> Self {
        fn better(one: &mut f64, other: f64) {
            *one = one.min(other);
        }
        for (piece, other) in self.pieces.iter_mut().zip(&other.pieces) {
            better(&mut piece.cpu, other.cpu);
            better(&mut piece.wait, other.wait);
            piece.asks = piece.asks.min(other.asks).min(piece.wait);
            better(&mut piece.combine, other.combine);
            better(&mut piece.width, other.width);
        }
        better(&mut self.fresh.cpu, other.fresh.cpu);
        better(&mut self.fresh.wait, other.fresh.wait);
        better(&mut self.fresh.asks, other.fresh.asks);
        better(&mut self.half.encode, other.half.encode);
        better(&mut self.half.decode, other.half.decode);
        better(&mut self.half.join, other.half.join);
        better(&mut self.cut, other.cut);
        self
    }

    /// The same with neighbours taken together where there are more than a simulation has to tell apart.
    pub(crate) fn coarse(&self) -> Self {
        const MOST: usize = 20_000;
        let group = self.pieces.len().div_ceil(MOST).max(1);
        let pieces = if group == 1 {
            self.pieces.clone()
        } else {
            self.pieces
                .chunks(group)
                .map(|chunk| chunk.iter().fold(Piece::default(), |a, b| a + *b))
                .collect()
        };
        Self { pieces, ..self.clone() }
    }
}

impl Piece {
    /// Seconds that it takes alone.
    pub fn alone(&self) -> f64 {
        self.cpu / self.width.max(1.0) + self.wait.max(self.asks) + self.combine
    }
}

impl std::ops::Add for Piece {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            wait: self.wait + other.wait,
            asks: self.asks + other.asks,
            combine: self.combine + other.combine,
            width: self.width.max(other.width),
            count: self.count + other.count,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
        }
    }
}

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
