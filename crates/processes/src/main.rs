//! Tells the lessons about processes; with `--worker`, `--cut` and `--join` it does pieces for anyone's scheduler.

use std::process::ExitCode;

mod tool;

fn main() -> ExitCode {
    processes::worker::enter(tool::JOBS);
    match tool::main() {
        Some(code) => code,
        None => lesson::main("processes", processes::lessons::LESSONS),
    }
}
