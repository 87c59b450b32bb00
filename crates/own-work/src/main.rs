//! The SHA-256 of every file below a directory, and advice on how to get it: `cargo run --release -p own-work -- DIR`.

use std::{env, fs, path::PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workload::{PieceError, Workload};

/// All files below a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Digests {
    directory: PathBuf,
}

// ANCHOR: workload
impl Workload for Digests {
    const NAME: &'static str = "digests";
    type Piece = PathBuf;
    /// The digests, in the order of the files.
    type Part = Vec<[u8; 32]>;

    fn pieces(&self) -> Result<Vec<PathBuf>, PieceError> {
        let (mut files, mut directories) = (Vec::new(), vec![self.directory.clone()]);
        while let Some(directory) = directories.pop() {
            let wrong = |why| PieceError::new(format_args!("{}: {why}", directory.display()));
            for entry in fs::read_dir(&directory).map_err(wrong)? {
                let entry = entry.map_err(wrong)?;
                match entry.file_type().map_err(wrong)? {
                    kind if kind.is_dir() => directories.push(entry.path()),
                    kind if kind.is_file() => files.push(entry.path()),
                    _ => {}
                }
            }
        }
        files.sort();
        Ok(files)
    }

    fn run(&self, file: &PathBuf) -> Result<Vec<[u8; 32]>, PieceError> {
        let bytes =
            fs::read(file).map_err(|why| PieceError::new(format_args!("{}: {why}", file.display())))?;
        Ok(vec![Sha256::digest(&bytes).into()])
    }

    fn combine(&self, left: &mut Vec<[u8; 32]>, right: Vec<[u8; 32]>) {
        left.extend(right);
    }
}

fn main() -> anyhow::Result<()> {
    choose::enter::<Digests>();
    let directory = env::args_os().nth(1).map_or_else(env::current_dir, |given| Ok(given.into()))?;
    println!("{}", choose::advise(Digests { directory })?);
    Ok(())
}
// ANCHOR_END: workload
