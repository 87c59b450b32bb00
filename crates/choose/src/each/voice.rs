//! What is said, and where: standard output is the command's, what we have to say goes to standard error; with `--json`
//! all is said in lines of JSON on standard output.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek, Write},
};

use serde_json::{Value, json};

use super::outcome::{End, Outcome};

/// Says it.
pub(super) struct Voice<'a> {
    pub(super) json: bool,
    pub(super) inputs: &'a [OsString],
    pub(super) out: io::Stdout,
}

impl Voice<'_> {
    /// What became of one input: all that it has written, in one piece, and how it ended if not well.
    pub(super) fn outcome(&mut self, outcome: Outcome) -> io::Result<()> {
        let input = self.inputs[outcome.index].display().to_string();
        let Outcome { end, cost, memory, written, .. } = outcome;
        if !self.json {
            if let Some([mut stdout, mut stderr]) = written {
                copy(&mut stdout, &mut self.out.lock())?;
                copy(&mut stderr, &mut io::stderr().lock())?;
            }
            if !end.is_success() {
                eprintln!("FAILED {input}: {end}");
            }
            return Ok(());
        }
        let [stdout, stderr] = match written {
            Some([mut stdout, mut stderr]) => [text(&mut stdout)?, text(&mut stderr)?],
            None => [String::new(), String::new()],
        };
        let (code, signal) = match end {
            End::Code(code) => (Some(code), None),
            End::Signal(signal) => (None, Some(signal)),
            _ => (None, None),
        };
        let error = (!end.is_success()).then(|| end.to_string());
        self.line(&json!({
            "input": input, "exit_code": code, "signal": signal, "error": error,
            "wall_s": cost.wall, "cpu_s": cost.cpu, "max_rss_bytes": memory,
            "stdout": stdout, "stderr": stderr,
        }))
    }

    /// One line for programs, in one write.
    pub(super) fn line(&mut self, value: &Value) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        let mut out = self.out.lock();
        out.write_all(format!("{value}\n").as_bytes())?;
        out.flush()
    }

    /// Something for people.
    pub(super) fn say(&self, text: &str) {
        if !self.json {
            eprintln!("{text}");
        }
    }
}

fn copy(from: &mut File, to: &mut dyn Write) -> io::Result<()> {
    from.rewind()?;
    io::copy(from, to)?;
    to.flush()
}

/// As text: what is no UTF-8 is replaced.
fn text(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
