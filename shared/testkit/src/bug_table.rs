//! The table of seeded bugs, made from what the tests found and never by hand.
//!
//! Run the tests with `TESTKIT_BUGS=target/bugs.tsv`, then `cargo run -p testkit --example bug_table target/bugs.tsv`.
//! Each line of the file is one finding: name, found by, in which execution (or nothing), with what message.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    path::Path,
};

use crate::{Found, TestkitError};

/// The variable that names the file.
pub const BUGS: &str = "TESTKIT_BUGS";

/// Adds a finding to the file, if one is wanted. One short write with O_APPEND: test binaries may run side by side.
pub(crate) fn record(found: &Found, expected: &str) {
    let Some(path) = env::var_os(BUGS) else { return };
    let after = found.after_executions.map_or(String::new(), |number| number.to_string());
    let fields = [&found.name, &found.by, &after, expected].map(|field| field.replace(['\t', '\n'], " "));
    let outcome = File::options().create(true).append(true).open(&path);
    let outcome = outcome.and_then(|mut file| file.write_all(format!("{}\n", fields.join("\t")).as_bytes()));
    if let Err(why) = outcome {
        panic!("{BUGS}={}: {why}", path.display());
    }
}

/// The findings in the file at `path` as a Markdown table, one row a bug: later runs replace earlier ones of the same
/// name by the same checker.
///
/// # Errors
/// [`System`](TestkitError::System) when the file can not be read.
pub fn render(path: &Path) -> Result<String, TestkitError> {
    let text = fs::read_to_string(path).map_err(TestkitError::system(format!("read {}", path.display())))?;
    let mut bugs: BTreeMap<&str, BTreeMap<&str, (&str, &str)>> = BTreeMap::new();
    for line in text.lines() {
        let mut fields = line.split('\t');
        if let (Some(name), Some(by), Some(after), Some(message)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        {
            bugs.entry(name).or_default().insert(by, (after, message));
        }
    }
    let mut table = String::from("| seeded bug | found by (in execution) | as |\n|---|---|---|\n");
    for (name, findings) in &bugs {
        let by: Vec<String> = findings
            .iter()
            .map(
                |(by, (after, _))| {
                    if after.is_empty() { (*by).to_owned() } else { format!("{by} ({after})") }
                },
            )
            .collect();
        let message = findings.values().next().map_or("", |(_, message)| message);
        // Writing to a String can not fail.
        let _ = writeln!(table, "| {name} | {} | {message} |", by.join(", "));
    }
    let _ = writeln!(table, "\n{} seeded bugs, all found.", bugs.len());
    Ok(table)
}
