//! Tells the lessons about shared memory.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    processes::worker::enter(&shared_memory::mechanisms::JOBS);
    lesson::main("shared-memory", shared_memory::lessons::LESSONS)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("these lessons need Linux: elsewhere there is no memfd, no seal and no futex");
    ExitCode::FAILURE
}
