//! Pieces are cut by bytes: small files are bundled, a large one is split.

use serde::{Deserialize, Serialize};

use super::{Name, Skipped, corpus::Corpus};

/// A stretch of a file. It holds the words that *begin* in it; the last one may reach beyond its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Which file.
    pub file: Name,
    /// Its first byte.
    pub from: u64,
    /// The byte after its last.
    pub to: u64,
    /// Where the file ended when it was cut: what is appended later is not looked at.
    pub end: u64,
}

/// What one worker reads at a time: stretches of `piece_bytes` together (the last piece may have fewer).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Stretches of files, in order.
    pub stretches: Vec<Stretch>,
    /// Directories that could not be listed: found when cutting, reported with the answer.
    pub skipped: Vec<Skipped>,
}

/// Cuts the first `limit` bytes of `corpus` into bundles of `piece_bytes`.
pub(super) fn cut(corpus: Corpus, piece_bytes: u64, limit: u64) -> Vec<Bundle> {
    let mut bundles = Vec::new();
    let mut bundle = Bundle { stretches: Vec::new(), skipped: corpus.skipped };
    let (mut room, mut left) = (piece_bytes, limit);
    for (path, end) in corpus.files {
        let wanted = end.min(left);
        left -= wanted;
        // An empty file is one empty stretch, so that it is opened and counted like any other.
        let mut from = 0;
        loop {
            let to = wanted.min(from + room);
            room -= to - from;
            bundle.stretches.push(Stretch { file: path.clone().into(), from, to, end });
            // Many empty files fill no bytes: they must not all end up in a single bundle.
            if room == 0 || bundle.stretches.len() >= MOST_STRETCHES {
                bundles.push(std::mem::take(&mut bundle));
                room = piece_bytes;
            }
            from = to;
            if from == wanted {
                break;
            }
        }
    }
    if bundle != Bundle::default() {
        bundles.push(bundle);
    }
    bundles
}

/// Opening a file costs as much as counting some kilobytes: this many are work enough for one piece.
const MOST_STRETCHES: usize = 1024;
