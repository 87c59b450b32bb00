//! Pieces that misbehave in every way in which a worker can.

use std::{process, thread};

use serde::{Deserialize, Serialize};
use workload::PieceError;

pub(crate) type Numbers = contract::Numbers<Special>;

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

impl contract::Special for Special {
    fn act(self, piece: usize) -> Result<Option<Vec<u64>>, PieceError> {
        match self {
            Special::Fail => Err(PieceError::new(format_args!("{piece} is bad"))),
            Special::Panic => panic!("{piece} is worse"),
            Special::Abort => process::abort(),
            Special::Exit(code) => process::exit(code),
            Special::Hang => {
                println!("{}", process::id());
                loop {
                    thread::park();
                }
            }
            Special::Print => {
                println!("this is no frame");
                Ok(None)
            }
            Special::Large(bytes) => Ok(Some(vec![u64::MAX; bytes / 10])),
        }
    }
}
