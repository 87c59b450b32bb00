//! Every regular file below some directories, in an order that is the same each time.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use super::{Name, Skipped};
use crate::PieceError;

/// What was found: files to read, and what could not even be listed.
#[derive(Debug, Default)]
pub(super) struct Corpus {
    /// Path and length in bytes.
    pub(super) files: Vec<(PathBuf, u64)>,
    pub(super) skipped: Vec<Skipped>,
}

impl Corpus {
    /// Lists what is below `roots`, until `limit` bytes are reached: depth first, names of a directory sorted by
    /// their bytes. A root may be a single file, and may be a symbolic link; below it no link is followed, so
    /// that a link to a directory above cannot lead in circles.
    ///
    /// Only metadata is read: about 1 us for each file.
    ///
    /// # Errors
    /// A root that is missing or cannot be listed. A directory *below* it that cannot be listed is skipped.
    pub(super) fn below(roots: &[Name], limit: u64) -> Result<Self, PieceError> {
        let mut corpus = Self::default();
        let mut bytes = 0;
        for root in roots.iter().map(Name::path) {
            if bytes >= limit {
                break;
            }
            let error = |why: io::Error| PieceError::new(format_args!("{}: {why}", root.display()));
            let metadata = fs::metadata(root).map_err(error)?;
            if !metadata.is_dir() {
                // A device or a named pipe has no size and never ends.
                if !metadata.is_file() {
                    return Err(error(io::Error::other("neither a directory nor a regular file")));
                }
                bytes += metadata.len();
                // Without links, as a reader of pieces follows none.
                corpus.files.push((root.canonicalize().map_err(error)?, metadata.len()));
                continue;
            }
            // A stack and not recursion: a tree may be deeper than a thread's stack. Top of the stack = next.
            let mut ahead = children(root).map_err(error)?;
            while bytes < limit
                && let Some(entry) = ahead.pop()
            {
                match corpus.visit(&entry, &mut ahead) {
                    Ok(found) => bytes += found,
                    Err(why) => corpus.skipped.push(Skipped::new(entry.path(), &why)),
                }
            }
        }
        Ok(corpus)
    }

    /// Takes one entry in and returns its size: a file's length, or 0.
    fn visit(&mut self, entry: &fs::DirEntry, ahead: &mut Vec<fs::DirEntry>) -> io::Result<u64> {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            ahead.append(&mut children(&entry.path())?);
        } else if kind.is_file() {
            let len = entry.metadata()?.len();
            self.files.push((entry.path(), len));
            return Ok(len);
        }
        Ok(0)
    }
}

/// The entries of a directory, the last name first.
fn children(directory: &Path) -> io::Result<Vec<fs::DirEntry>> {
    let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_cached_key(|entry| std::cmp::Reverse(entry.file_name()));
    Ok(entries)
}

/// Real text that is already on the machine: the sources that cargo has downloaded, or, where it has downloaded
/// none, the sources of this workspace.
pub(super) fn default_roots() -> Vec<Name> {
    let cargo_home =
        env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")));
    if let Some(sources) = cargo_home.map(|home| home.join("registry/src"))
        && children(&sources).is_ok_and(|registries| !registries.is_empty())
    {
        return vec![sources.into()];
    }
    // Where the workspace stood when it was compiled, else (it has moved) where we are now. Not its top: `target`
    // and `.git` are no sources.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).filter(|top| top.is_dir());
    let here = workspace.unwrap_or(Path::new("."));
    let sources: Vec<Name> = ["benches", "crates", "docs", "shared"]
        .iter()
        .map(|part| here.join(part))
        .filter(|part| part.is_dir())
        .map(Name::from)
        .collect();
    if sources.is_empty() { vec![here.into()] } else { sources }
}
