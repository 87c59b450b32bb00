//! Tells the lessons about shared memory.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("shared-memory", shared_memory::lessons::LESSONS)
}
