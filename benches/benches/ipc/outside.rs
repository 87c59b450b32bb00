//! The same loops in C and in CPython: programs of their own, both ends of which are theirs. They are asked for so many trips
//! at a time and say how long those took.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::OnceLock,
};

use benches::peers::Peer;
use processes::parent_death::die_with_parent;

use crate::{Cell, Contender, Mode, PIPE, QUEUE, ways::Way};

static C: OnceLock<Peer> = OnceLock::new();
static PYTHON: OnceLock<Peer> = OnceLock::new();

/// Those that can be had on this machine; says which cannot.
pub(crate) fn find() -> Vec<Way> {
    let mut found = Vec::new();
    match Peer::c("ipc") {
        Ok(peer) => {
            C.get_or_init(|| peer);
            found.extend([
                Way { name: "C pipe", open: |cell, core| open(&C, "pipe", cell, core) },
                Way { name: "C Unix socket", open: |cell, core| open(&C, "unix", cell, core) },
                Way { name: "C TCP", open: |cell, core| open(&C, "tcp", cell, core) },
                Way {
                    name: "C seqpacket",
                    open: |cell, core| (cell.size <= 64 << 10).then(|| open(&C, "seqpacket", cell, core))?,
                },
            ]);
        }
        Err(error) => println!("C: left out: {error}"),
    }
    match Peer::python("ipc") {
        Ok(peer) => {
            PYTHON.get_or_init(|| peer);
            found.extend([
                Way { name: PIPE, open: |cell, core| open(&PYTHON, "pipe", cell, core) },
                Way { name: QUEUE, open: |cell, core| open(&PYTHON, "queue", cell, core) },
            ]);
        }
        Err(error) => println!("CPython: left out: {error}"),
    }
    found
}

fn open(program: &'static OnceLock<Peer>, way: &str, cell: Cell, core: usize) -> Option<Box<dyn Contender>> {
    let mut command: Command = program.get()?.command();
    let mode = if cell.mode == Mode::RoundTrip { "trip" } else { "way" };
    command.args([way, mode]).args([cell.size, cell.burst(), core].map(|number| number.to_string()));
    let mut child = die_with_parent(command.stdin(Stdio::piped()).stdout(Stdio::piped())).spawn().ok()?;
    let (ask, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
    Some(Box::new(Outside { child, ask, answers }))
}

struct Outside {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Contender for Outside {
    fn run(&mut self, times: u32) -> f64 {
        let mut line = String::new();
        writeln!(self.ask, "{times}").expect("it listens");
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().parse().unwrap_or_else(|_| panic!("seconds, and not '{line}'"))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // Its own other end goes with it: that has asked for it (PR_SET_PDEATHSIG).
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
