//! Programs in other languages that do the same work: built and run where their tools are installed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// A program of another language, ready to run.
#[derive(Debug)]
pub struct Peer {
    program: PathBuf,
    first: Option<PathBuf>,
}

/// What a peer printed: its answer, and the seconds that it took by its own clock (without its start).
#[derive(Debug)]
pub struct Done {
    /// The words of its answer.
    pub answer: Vec<String>,
    /// Seconds for the work.
    pub seconds: f64,
}

impl Peer {
    /// The C program `peers/NAME.c`, with OpenMP. `Err` says what is missing.
    ///
    /// # Errors
    /// When there is no `cc`, or it knows no OpenMP.
    pub fn c(name: &str) -> io::Result<Self> {
        let program = place(&format!("{name}-c"))?;
        let options = ["-O3", "-march=native", "-ffp-contract=off", "-fopenmp", "-o"];
        build(Command::new("cc").args(options).arg(&program).arg(source(name, "c")))?;
        Ok(Self { program, first: None })
    }

    /// The Go program `peers/NAME.go`.
    ///
    /// # Errors
    /// When there is no `go`.
    pub fn go(name: &str) -> io::Result<Self> {
        let program = place(&format!("{name}-go"))?;
        build(Command::new("go").args(["build", "-o"]).arg(&program).arg(source(name, "go")))?;
        Ok(Self { program, first: None })
    }

    /// The Python program `peers/NAME.py`.
    ///
    /// # Errors
    /// When there is no `python3`.
    pub fn python(name: &str) -> io::Result<Self> {
        build(Command::new("python3").arg("-c").arg("pass"))?;
        Ok(Self { program: "python3".into(), first: Some(source(name, "py")) })
    }

    /// The Rust program `peers/NAME`, no part of this workspace, where `just peers` has built it.
    ///
    /// # Errors
    /// When nobody has.
    pub fn built(name: &str) -> io::Result<Self> {
        let program = place("release")?.join(name);
        if program.is_file() {
            Ok(Self { program, first: None })
        } else {
            Err(io::Error::new(io::ErrorKind::NotFound, "it is not built: `just peers` does that"))
        }
    }

    /// How it is started, for whoever talks to it while it runs.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.first);
        command
    }

    /// Runs it once.
    ///
    /// # Errors
    /// When it cannot be started, fails, or does not end its line with seconds.
    pub fn run(&self, args: &[&str]) -> io::Result<Done> {
        let output = self.command().args(args).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let mut answer: Vec<String> = printed.split_whitespace().map(str::to_owned).collect();
        let seconds = answer.pop().and_then(|last| last.parse().ok());
        match seconds {
            Some(seconds) if output.status.success() => Ok(Done { answer, seconds }),
            _ => Err(io::Error::other(format!(
                "{} ended with {}: {}",
                self.program.display(),
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            ))),
        }
    }
}

fn source(name: &str, ending: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(format!("{name}.{ending}"))
}

/// `target/peers/NAME`: this program is `target/release/deps/...`.
fn place(name: &str) -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    let folder = program.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?.join("peers");
    fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

fn build(command: &mut Command) -> io::Result<()> {
    let tool = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| io::Error::new(error.kind(), format!("no {tool}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{tool}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
