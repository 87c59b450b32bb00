//! Work that goes through something that only one thread at a time may use, as an embedded interpreter or a C library with
//! a state of its own: `cargo run --release -p own-work --bin locked`. Threads wait for each other; processes do not, as
//! each has its own.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workload::{PieceError, Workload};

/// The library, of which a process has one.
static LIBRARY: Mutex<()> = Mutex::new(());

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Locked {
    pieces: u64,
}

// ANCHOR: workload
impl Workload for Locked {
    const NAME: &'static str = "locked";
    type Piece = u64;
    type Part = Vec<[u8; 32]>;

    fn pieces(&self) -> Result<Vec<u64>, PieceError> {
        Ok((0..self.pieces).collect())
    }

    fn run(&self, piece: &u64) -> Result<Vec<[u8; 32]>, PieceError> {
        let own = again(Sha256::digest(piece.to_le_bytes()).into(), 2_000);
        let _one_at_a_time = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(vec![again(own, 18_000)])
    }

    fn combine(&self, left: &mut Vec<[u8; 32]>, right: Vec<[u8; 32]>) {
        left.extend(right);
    }
}
// ANCHOR_END: workload

/// Something that takes so many rounds.
fn again(digest: [u8; 32], rounds: u32) -> [u8; 32] {
    (0..rounds).fold(digest, |digest, _| Sha256::digest(digest).into())
}

fn main() -> anyhow::Result<()> {
    choose::enter::<Locked>();
    println!("{}", choose::advise(Locked { pieces: 128 })?);
    Ok(())
}
