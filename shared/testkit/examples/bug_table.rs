//! Prints the table of seeded bugs from the file that `TESTKIT_BUGS` named while the tests ran.

use std::{env, path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let Some(path) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: bug_table FILE (written by tests that ran with TESTKIT_BUGS=FILE)");
        return ExitCode::from(2);
    };
    match testkit::bug_table::render(&path) {
        Ok(table) => print!("{table}"),
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
