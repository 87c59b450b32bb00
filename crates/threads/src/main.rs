//! Tells the lessons about threads.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("threads", threads::lessons::LESSONS)
}
