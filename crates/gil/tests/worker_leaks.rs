//! Workers that cannot be started, say nothing, or talk nonsense: each is an error, and no process is left behind.

use std::{io, process::Command};

use gil::{
    interpreter::Program,
    regime::{self, Error, Plan, Regime},
};
use testkit::LeakGuard;

#[test]
fn workers_that_are_none_are_an_error_and_leave_no_process_behind() {
    fn missing() -> io::Result<Command> {
        Ok(Command::new("/nonexistent/worker"))
    }
    fn silent() -> io::Result<Command> {
        let mut command = Command::new("sh");
        command.args(["-c", "cat >/dev/null"]);
        Ok(command)
    }
    fn chatty() -> io::Result<Command> {
        let mut command = Command::new("sh");
        command.args(["-c", "cat >/dev/null; echo many words"]);
        Ok(command)
    }
    fn deaf() -> io::Result<Command> {
        Ok(Command::new("true"))
    }
    let guard = LeakGuard::new("gil-");
    let program = Program::assemble("def main\npush 1\nreturn", &[]).unwrap();
    let plan = Plan::threads(4);
    let run = |worker: fn() -> io::Result<Command>| regime::run(&Regime::Processes(worker), &program, &plan);
    assert!(matches!(run(missing), Err(Error::Io { worker: 0, .. })));
    assert!(matches!(run(silent), Err(Error::Answer { worker: 0, .. })));
    assert!(matches!(run(chatty), Err(Error::Answer { worker: 0, .. })));
    // It may be gone before it has been told anything, or after.
    assert!(matches!(run(deaf), Err(Error::Answer { .. } | Error::Io { .. })));
    guard.check().unwrap();
}
