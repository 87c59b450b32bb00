//! A workload whose pieces do what a test wants.

use std::{process, thread};

use serde::{Deserialize, Serialize};
use workload::{PieceError, Workload};

/// The answer is the list of pieces, in their order: a combine that must not swap sides.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Numbers {
    pub(crate) pieces: usize,
    /// What some of them do before.
    pub(crate) special: Vec<(usize, Special)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Special {
    Fail,
    Panic,
    Abort,
    Exit(i32),
    /// Prints its process id on standard output and never ends.
    Hang,
    /// Prints where a careless frame would be.
    Print,
    /// A part of so many bytes.
    Large(usize),
}

impl Numbers {
    pub(crate) fn plain(pieces: usize) -> Self {
        Self { pieces, special: Vec::new() }
    }

    pub(crate) fn with(pieces: usize, special: impl Into<Vec<(usize, Special)>>) -> Self {
        Self { pieces, special: special.into() }
    }
}

impl Workload for Numbers {
    const NAME: &'static str = "numbers";
    type Piece = usize;
    type Part = Vec<u64>;

    fn pieces(&self) -> Result<Vec<usize>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, piece: &usize) -> Result<Vec<u64>, PieceError> {
        let special = self.special.iter().find(|(at, _)| at == piece).map(|(_, special)| *special);
        match special {
            Some(Special::Fail) => return Err(PieceError::new(format_args!("{piece} is bad"))),
            Some(Special::Panic) => panic!("{piece} is worse"),
            Some(Special::Abort) => process::abort(),
            Some(Special::Exit(code)) => process::exit(code),
            Some(Special::Hang) => {
                println!("{}", process::id());
                loop {
                    thread::park();
                }
            }
            Some(Special::Print) => println!("this is no frame"),
            Some(Special::Large(bytes)) => return Ok(vec![u64::MAX; bytes / 10]),
            None => {}
        }
        Ok(vec![*piece as u64])
    }

    fn combine(&self, left: &mut Vec<u64>, mut right: Vec<u64>) {
        left.append(&mut right);
    }
}
