//! Measures every mechanism on this machine and says which to take.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: workers are this program, and do nothing else of it.
    processes::worker::enter(&choose::subjects::jobs());
    choose::app::main()
}
