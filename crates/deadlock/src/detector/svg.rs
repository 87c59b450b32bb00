//! The picture of a deadlock for a page.

use super::Report;

impl Report {
    /// SVG.
    pub fn svg(&self) -> String {
        String::new()
    }
}
