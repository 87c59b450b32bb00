//! The report: one HTML file that needs nothing else, and one picture.

use std::{
    env,
    path::{Path, PathBuf},
};

mod bars;
mod chart;
mod curve;
mod foreseen;
mod lanes;
mod page;
mod picture;
mod prospect;
mod tiles;

use crate::row::SEQUENTIAL;

pub use page::{Contents, forecast_page, page};
pub use picture::picture;

/// A mechanism with so many workers, for people.
fn named(mechanism: &str, workers: usize) -> String {
    if mechanism == SEQUENTIAL { mechanism.to_owned() } else { format!("{mechanism} x {workers}") }
}

/// Where the report goes unless one says otherwise: to cargo's target directory, or, where there is none, to the
/// directory for temporary files.
pub fn usual_place() -> PathBuf {
    // Where the workspace stood when this was compiled; it may be gone, or be another machine's.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let target = env::var_os("CARGO_TARGET_DIR")
        .map(PathBuf::from)
        .or_else(|| Some(workspace?.join("target")).filter(|target| target.is_dir()));
    target.unwrap_or_else(env::temp_dir).join("choose.html")
}
