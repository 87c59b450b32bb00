//! A thread is a process: the program goes out as text, the result comes back as text, nothing is shared.
//!
//! The first line that a worker reads has the arguments, the rest is the program. It writes its result in the first
//! line and its global variables in the second. A worker whose parent is gone reads no end of a program it could run,
//! or runs it and finds nobody to write to; it ends either way.

use std::{
    io::{self, Read, Write},
    process::{Child, Command, Stdio},
};

use super::{Error, Globals, Outcome, Plan, UnderGil};
use crate::{
    Gil,
    interpreter::{self, Native, Program},
};

/// Killed and waited for when it is dropped, so that an error leaves no process behind.
struct Worker(Option<Child>);

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself; then there is nothing to kill, and to wait is all.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) fn run(
    program: &Program,
    plan: &Plan,
    worker: fn() -> io::Result<Command>,
) -> Result<Outcome, Error> {
    let source = program.source().ok_or(Error::NoSource)?;
    let arguments: Vec<String> = plan.arguments.iter().map(i64::to_string).collect();
    let message = format!("{}\n{source}", arguments.join(" "));
    // All are started before the first is waited for.
    let mut workers = Vec::new();
    for number in 0..plan.threads {
        let child = start(worker, &message).map_err(|source| Error::Io { worker: number, source })?;
        workers.push(child);
    }
    let mut outcome = Outcome { results: Vec::new(), globals: Vec::new(), switches: 0, seconds: 0.0 };
    for (worker, mut child) in workers.into_iter().enumerate() {
        let Some(child) = child.0.take() else { continue };
        let output = child.wait_with_output().map_err(|source| Error::Io { worker, source })?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        match read(&answer).filter(|_| output.status.success()) {
            Some((result, globals)) => {
                outcome.results.push(result);
                outcome.globals.push(globals);
            }
            None => return Err(Error::Answer { worker, answer, status: output.status }),
        }
    }
    Ok(outcome)
}

fn start(worker: fn() -> io::Result<Command>, message: &str) -> io::Result<Worker> {
    let mut child = worker()?.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    let worker = Worker(Some(child));
    // Dropped at the end, which is how the worker knows that this is all.
    stdin.map_or(Ok(()), |mut stdin| stdin.write_all(message.as_bytes()))?;
    Ok(worker)
}

fn read(answer: &str) -> Option<(i64, Vec<i64>)> {
    let mut lines = answer.lines();
    let result = lines.next()?.parse().ok()?;
    let globals = lines.next()?.split_whitespace().map(|value| value.parse().ok()).collect::<Option<_>>()?;
    Some((result, globals))
}

/// What a worker process does: reads a program from stdin, runs it, writes to stdout what came out.
///
/// # Errors
/// When there is no program there, or it does not run. The process should then end with a failure.
pub fn serve(natives: &[(&str, Native)]) -> Result<(), Box<dyn std::error::Error>> {
    let mut message = String::new();
    io::stdin().read_to_string(&mut message)?;
    let (arguments, source) = message.split_once('\n').ok_or("no program on stdin")?;
    let arguments = arguments.split_whitespace().map(str::parse).collect::<Result<Vec<i64>, _>>()?;
    let program = Program::assemble(source, natives)?;
    let (gil, globals) = (Gil::default(), Globals::of(&program));
    let result = interpreter::run(&program, &arguments, &mut UnderGil::attach(&gil, &globals))?;
    let globals: Vec<String> = globals.values().iter().map(i64::to_string).collect();
    writeln!(io::stdout(), "{result}\n{}", globals.join(" "))?;
    Ok(())
}
