//! Tells the lessons about synchronization.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("synchronization", synchronization::lessons::LESSONS)
}
