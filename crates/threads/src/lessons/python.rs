//! The other side of a comparison with Python, where one is installed.

use std::process::{Command, Output, Stdio};

/// Runs `code` in `python3`. `Err` is the reason for which a claim about it is skipped.
pub(super) fn python(code: &str) -> Result<Output, String> {
    Command::new("python3")
        .args(["-I", "-c", code])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("python3 cannot be run here: {error}"))
}
