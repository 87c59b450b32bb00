//! A recorded run, as it is sent: numbers only, as there may be many thousands of pieces.

use serde::{Deserialize, Serialize};

use crate::{
    burned::Burned,
    record::{Fresh, Half, Piece, Recorded},
};

/// Of a [`Piece`]: processor time, waiting, the server's, combining, width; how many, bytes in and out.
type Figures = ([f64; 5], usize, [u64; 2]);

/// A [`Recorded`].
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Run {
    cut: f64,
    pieces: Vec<Figures>,
    ran: usize,
    fresh: [f64; 3],
    half: [f64; 5],
    wall: f64,
    others: [Option<f64>; 2],
    cold: Option<f64>,
}

impl From<&Recorded> for Run {
    fn from(run: &Recorded) -> Self {
        let piece = |one: &Piece| -> Figures {
            let times = [one.cpu, one.wait, one.asks, one.combine, one.width];
            (times, one.count, [one.bytes_in, one.bytes_out])
        };
        let Half { bytes, whole, encode, decode, join } = run.half;
        Self {
            cut: run.cut,
            pieces: run.pieces.iter().map(piece).collect(),
            ran: run.ran,
            fresh: [run.fresh.cpu, run.fresh.wait, run.fresh.asks],
            half: [bytes, whole, encode, decode, join],
            wall: run.wall,
            others: [run.others.others, run.others.stolen],
            cold: run.cold,
        }
    }
}

impl Run {
    pub(super) fn recorded(self) -> Recorded {
        let piece = |([cpu, wait, asks, combine, width], count, [bytes_in, bytes_out]): Figures| Piece {
            cpu,
            wait,
            asks,
            combine,
            width,
            count,
            bytes_in,
            bytes_out,
        };
        let ([cpu, wait, asks], [bytes, whole, encode, decode, join]) = (self.fresh, self.half);
        let [others, stolen] = self.others;
        Recorded {
            cut: self.cut,
            pieces: self.pieces.into_iter().map(piece).collect(),
            ran: self.ran,
            fresh: Fresh { cpu, wait, asks },
            half: Half { bytes, whole, encode, decode, join },
            wall: self.wall,
            others: Burned { others, stolen },
            cold: self.cold,
        }
    }
}
