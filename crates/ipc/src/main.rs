//! Tells the lessons about inter-process communication.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    lesson::main("ipc", ipc::lessons::LESSONS)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("these lessons need Linux: elsewhere there is no abstract name, no pidfd and no eventfd");
    ExitCode::FAILURE
}
