//! Tells the lessons about inter-process communication.

use std::process::ExitCode;

fn main() -> ExitCode {
    lesson::main("ipc", ipc::lessons::LESSONS)
}
