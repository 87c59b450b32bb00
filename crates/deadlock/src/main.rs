//! Tells the lessons about deadlock.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("deadlock", deadlock::lessons::LESSONS)
}
