//! One sequential run, looked at closely: what each piece costs, and what everyone else did meanwhile.
//!
//! Per piece: how long it took by the wall, how much processor time its thread used (`CLOCK_THREAD_CPUTIME_ID`,
//! clock_gettime(2)) and the children that it waited for, and so how long it *waited*. A piece that never gave up its
//! core (`ru_nvcsw`, getrusage(2)) has not waited, whatever the wall says: then others were in the way.
//!
//! Beside it: what a server on this machine computed for it, what a worker's very first piece costs more than later
//! ones (a connection, a table), how large parts are and what it costs to encode them and to put them together.

mod run;

use serde::Serialize;

use crate::burned::Burned;

pub(crate) use run::thread_cpu;
pub use run::{record, record_well};

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
