//! Tells the lessons about shared memory.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    use processes::worker::{enter, job};

    // The lessons compare with workers that get their pieces through pipes.
    let through_pipes = [job::<workload::Mandelbrot>(), job::<workload::Words>()];
    enter(&[shared_memory::mechanisms::JOBS.as_slice(), &through_pipes].concat());
    lesson::main("shared-memory", shared_memory::lessons::LESSONS)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("these lessons need Linux: elsewhere there is no memfd, no seal and no futex");
    ExitCode::FAILURE
}
