//! An experiment written in Python, and the figures that it prints.

use std::{collections::BTreeMap, time::Duration};

use super::Interpreter;

/// A Python program that prints one `name figure` a line.
///
/// The programs are files of their own beside this one: `python3 crates/gil/src/cpython/scripts/cpu.py` runs one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script(&'static str);

impl Script {
    /// One thread against two, both with a loop of pure Python: `speedup`, and its `spread` over the rounds.
    pub const CPU: Script = Script(include_str!("scripts/cpu.py"));
    /// One thread against two, both waiting in a call: `speedup`.
    pub const IO: Script = Script(include_str!("scripts/io.py"));
    /// An echo server beside CPU-bound threads: `median_0`, `median_1`, `p99_1`, `rate_1` ... (microseconds; by number
    /// of CPU-bound threads), and `short_1`, the median for an interval of 0.5 ms.
    pub const CONVOY: Script = Script(include_str!("scripts/convoy.py"));
    /// Lost updates, as a share of all: `plain` for `x += 1`, `call` for `x = x + f()`.
    pub const RACE: Script = Script(include_str!("scripts/race.py"));
    /// One thread against two in a native call that releases the lock (`hash`) and in one that does not (`power`).
    pub const NATIVE: Script = Script(include_str!("scripts/native.py"));
    /// One interpreter against two, a lock each: `speedup`, and what it takes to start one, `start` (milliseconds).
    pub const INTERPRETERS: Script = Script(include_str!("scripts/interpreters.py"));
    /// Primes and words on two threads and on two processes: answers and seconds as
    /// `threads_primes`, `processes_seconds` and so on. Asks for `BELOW` and for `TEXT`, the name of a file.
    pub const WORKLOAD: Script = Script(include_str!("scripts/workload.py"));

    /// Runs it in `interpreter`, for at most `within`.
    ///
    /// # Errors
    /// The reason for which a claim about it is skipped: an exception, too little time, or what could not be understood.
    pub fn run(self, interpreter: &Interpreter, within: Duration) -> Result<Figures, String> {
        self.run_with(interpreter, "", within)
    }

    /// The same with `prelude` in front: a line that sets what the script asks for.
    ///
    /// # Errors
    /// As [`run`](Self::run)'s.
    pub fn run_with(
        self,
        interpreter: &Interpreter,
        prelude: &str,
        within: Duration,
    ) -> Result<Figures, String> {
        let code = format!("{prelude}\n{}", self.0);
        let played = lesson::python_at(&interpreter.path, &code, within)?;
        Figures::read(&played.stdout)
    }
}

/// What a script has printed: figures by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures(BTreeMap<String, f64>);

impl Figures {
    /// The figure called `name`.
    ///
    /// # Errors
    /// When the script printed none of that name: it does so where the interpreter cannot do what would be measured.
    pub fn get(&self, name: &str) -> Result<f64, String> {
        self.0.get(name).copied().ok_or_else(|| format!("this interpreter gives no figure for {name}"))
    }

    fn read(text: &str) -> Result<Self, String> {
        let figure = |line: &str| {
            let (name, figure) = line.split_once(' ')?;
            Some((name.to_owned(), figure.trim().parse().ok()?))
        };
        let lines = text.lines().map(|line| figure(line).ok_or_else(|| format!("not a figure: {line:?}")));
        Ok(Self(lines.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_names() {
        let figures = Figures::read("median_0 61.5\nmedian_1 5136\n").unwrap();
        assert_eq!(figures.get("median_1"), Ok(5136.0));
        assert!(figures.get("median_2").unwrap_err().contains("median_2"));
        assert!(Figures::read("median_0 61.5\nTraceback").unwrap_err().contains("Traceback"));
    }
}
