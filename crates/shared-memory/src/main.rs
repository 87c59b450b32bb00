//! Tells the lessons about shared memory (Linux: elsewhere there is no memfd, no seal and no futex).

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("shared-memory", shared_memory::lessons::LESSONS)
}
