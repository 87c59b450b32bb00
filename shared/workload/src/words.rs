//! Memory-bound work on real input, with a merge at the end: how often does each word occur below a directory?
//!
//! A word is a run of ASCII letters, as long as possible, in lower case; every other byte separates, so that files
//! need not be text. Links are not followed. What cannot be read is reported and counted, and the rest goes on.
//!
//! A piece is about 1 MiB: some hundred small files, or a stretch of a large one, borders never through a word.
//! The part of a piece is a table of its own, and tables are merged afterwards: that beats one table behind a lock
//! five times over, as words come every 10 ns and a lock that is contended takes longer than that to change hands.
//!
//! In Python: `sum(pool.imap(count_words, paths), Counter())`.
//!
//! ```
//! use workload::{Timeline, Words, Workload, sequential};
//!
//! let directory = std::env::temp_dir().join(format!("words-example-{}", std::process::id()));
//! std::fs::create_dir(&directory)?;
//! std::fs::write(directory.join("a.txt"), "To be, or not to be")?;
//!
//! let words = Words::in_directory(&directory);
//! let tally = sequential(&words, &Timeline::off())?;
//! assert_eq!(tally.counts.top(2), [("be".to_owned(), 2), ("to".to_owned(), 2)]);
//! assert_eq!(words.answer(&tally)["total"], 6);
//! # std::fs::remove_dir_all(&directory)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod corpus;
mod counts;
mod cut;
mod key;
mod name;
mod read;
mod table;
mod tally;
mod tokens;
mod wire;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{PieceError, Size, Workload};

pub use counts::Counts;
pub use cut::{Bundle, Stretch};
pub use key::hash;
pub use name::Name;
pub use tally::{Skipped, Tally};

/// Counts the words of all files below some directories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Directories, or single files.
    pub roots: Vec<Name>,
    /// How many bytes a piece has; 0 is taken as 1.
    pub piece_bytes: u64,
    /// Only the first so many bytes, in the order of the files.
    pub limit: Option<u64>,
}

impl Words {
    /// How many bytes a piece has unless one says otherwise: a millisecond of work, long against what handing it out
    /// costs, short against the whole.
    pub const PIECE_BYTES: u64 = 1 << 20;

    /// All files below `directory` (or that file alone).
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { roots: vec![Name::from(directory)], piece_bytes: Self::PIECE_BYTES, limit: None }
    }

    /// All sources that cargo has downloaded (below `CARGO_HOME` or `~/.cargo`), or, where there are none, those of
    /// this workspace: tens to hundreds of megabytes of real text, on every machine that has compiled this.
    pub fn in_sources() -> Self {
        Self { roots: corpus::default_roots(), piece_bytes: Self::PIECE_BYTES, limit: None }
    }

    /// The first bytes of [`Words::in_sources`], as many as `size` asks for.
    pub fn sized(size: Size) -> Self {
        let (limit, piece_bytes) = match size {
            Size::Test => (256 << 10, 16 << 10),
            Size::Lesson => (16 << 20, 256 << 10),
            Size::Measure => (128 << 20, Self::PIECE_BYTES),
        };
        Self { limit: Some(limit), piece_bytes, ..Self::in_sources() }
    }
}

impl Workload for Words {
    const NAME: &'static str = "words";
    type Piece = Bundle;
    type Part = Tally;

    fn pieces(&self) -> Result<Vec<Bundle>, PieceError> {
        let limit = self.limit.unwrap_or(u64::MAX);
        Ok(cut::cut(corpus::Corpus::below(&self.roots, limit)?, self.piece_bytes.max(1), limit))
    }

    fn run(&self, bundle: &Bundle) -> Result<Tally, PieceError> {
        let mut tally = Tally::default();
        for skipped in &bundle.skipped {
            tally.skip(skipped.clone());
        }
        for stretch in &bundle.stretches {
            match read::count(stretch, &mut tally.counts) {
                Ok(()) => tally.files += u64::from(stretch.from == 0),
                Err(why) => tally.skip(Skipped::new(stretch.file.path(), &why)),
            }
        }
        Ok(tally)
    }

    fn combine(&self, left: &mut Tally, right: Tally) {
        left.append(right);
    }

    /// `{"files","skipped","total","distinct","top":[["word",n],...20]}`
    fn answer(&self, whole: &Tally) -> Value {
        json!({
            "files": whole.files,
            "skipped": whole.skipped,
            "total": whole.counts.total(),
            "distinct": whole.counts.distinct(),
            "top": whole.counts.top(20),
        })
    }
}
