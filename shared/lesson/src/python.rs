//! The other side of a comparison with Python, where one is installed.

use std::{ffi::OsStr, process::Command, time::Duration};

use crate::{Played, scene};

/// Runs `code` in `python3`, killed after `within`.
///
/// # Errors
/// The reason for which a claim about it is skipped: no Python here, an exception, or too little time.
pub fn python(code: &str, within: Duration) -> Result<Played, String> {
    python_at("python3", code, within)
}

/// The same in an `interpreter` of the caller's choice: a name to be found in `PATH`, or a path.
///
/// # Errors
/// As [`python`]'s.
pub fn python_at(interpreter: impl AsRef<OsStr>, code: &str, within: Duration) -> Result<Played, String> {
    let interpreter = interpreter.as_ref();
    let name = interpreter.to_string_lossy();
    let played = scene::watched(Command::new(interpreter).args(["-I", "-c", code]), within)
        .map_err(|error| format!("{name} cannot be run here: {error}"))?;
    match played.status {
        Some(status) if status.success() => Ok(played),
        Some(status) => {
            let last = played.stderr.lines().last().unwrap_or_default();
            Err(format!("{name} ended with {status}: {last}"))
        }
        None => Err(format!("{name} took more than {} s", within.as_secs_f64())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_or_a_reason() {
        let limit = Duration::from_secs(60);
        match python("print(6 * 7)", limit) {
            Ok(played) => {
                assert_eq!(played.stdout, "42\n");
                let why = python("raise SystemError('no')", limit).unwrap_err();
                assert!(why.contains("SystemError: no"), "{why}");
            }
            Err(why) => assert!(why.starts_with("python3 cannot be run here"), "{why}"),
        }
    }
}
