//! Tells the lessons about the GIL.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("gil", gil::lessons::LESSONS)
}
