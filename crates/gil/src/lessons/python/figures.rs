//! The same experiments in the model and in an interpreter, row by row.

use std::{thread, time::Duration};

use lesson::measure::{self, Samples};

use super::super::{convoy::Setup, cpu, native, race};
use crate::{
    Gil, INTERVAL,
    cpython::{Figures, Interpreter, Script},
    interpreter::Program,
    regime::{self, Counting, Plan, Regime},
};

/// For one script: far more than it takes.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Row by row: what it is, which script measures it, and under which name.
const ROWS: [(&str, Script, &str); 14] = [
    ("CPU-bound, 2 threads: speed-up", Script::CPU, "speedup"),
    ("waiting, 2 threads: speed-up", Script::IO, "speedup"),
    ("echo alone: p50 us", Script::CONVOY, "median_0"),
    ("  and 1 busy thread: p50 us", Script::CONVOY, "median_1"),
    ("  p99 us", Script::CONVOY, "p99_1"),
    ("  requests/s, pauses left out", Script::CONVOY, "rate_1"),
    ("  and 2 busy threads: p50 us", Script::CONVOY, "median_2"),
    ("  1 busy, interval 0.5 ms: p50 us", Script::CONVOY, "short_1"),
    ("x += 1: % lost", Script::RACE, "plain"),
    ("x = x + f(): % lost", Script::RACE, "call"),
    ("native, lets go: speed-up", Script::NATIVE, "hash"),
    ("native, keeps: speed-up", Script::NATIVE, "power"),
    ("2 interpreters: speed-up", Script::INTERPRETERS, "speedup"),
    ("  to start one: ms", Script::INTERPRETERS, "start"),
];
pub(super) const CPU: usize = 0;
pub(super) const CONVOY: usize = 3;
pub(super) const LOST: usize = 9;

/// Figures of the model or of an interpreter, in the order of [`ROWS`].
pub(super) struct Column {
    heading: String,
    figures: Vec<Option<f64>>,
    spread: f64,
}

impl Column {
    pub(super) fn get(&self, row: usize) -> Option<f64> {
        self.figures[row]
    }

    /// By which factor rounds of the same work differ.
    pub(super) fn spread(&self) -> f64 {
        self.spread
    }
}

/// What an interpreter says. A script that fails leaves its rows empty.
pub(super) fn reality(one: &Interpreter) -> Column {
    let mut done: Vec<(Script, Figures)> = Vec::new();
    let mut figures = Vec::new();
    for (_, script, name) in ROWS {
        if !done.iter().any(|(ran, _)| *ran == script) {
            done.push((script, script.run(one, LIMIT).unwrap_or_default()));
        }
        let found = done.iter().find(|(ran, _)| *ran == script).and_then(|(_, found)| found.get(name).ok());
        figures.push(found.map(|figure| if script == Script::RACE { 100.0 * figure } else { figure }));
    }
    let spread =
        done.iter().find(|(ran, _)| *ran == Script::CPU).and_then(|(_, found)| found.get("spread").ok());
    Column { heading: one.name(), figures, spread: spread.unwrap_or(f64::NAN) }
}

/// What the model says, with the GIL or without.
pub(super) fn model(gil: bool) -> Column {
    let shared = if gil { Regime::OneGil } else { Regime::NoGil(Counting::Biased) };
    let (cpu, spread) = speedup(shared).unzip();
    let (interpreters, _) = speedup(Regime::GilEach).unzip();
    let echo = |interval, busy, millis| {
        let setup = if gil { Setup::with_gil(interval, busy) } else { Setup::without_gil(busy) };
        setup.measure(Duration::from_millis(millis), 5).ok()
    };
    let alone = echo(INTERVAL, 0, 100).map(|seen| seen.trips.median());
    let one = echo(INTERVAL, 1, 300);
    let two = echo(INTERVAL, 2, 350).map(|seen| seen.trips.median());
    let short = echo(INTERVAL / 10, 1, 120).map(|seen| seen.trips.median());
    let [lets_go, keeps] = native::speedups();
    let figures = vec![
        cpu,
        Some(waiting()),
        alone,
        one.as_ref().map(|seen| seen.trips.median()),
        one.as_ref().map(|seen| seen.trips.quantile(0.99)),
        one.as_ref().map(|seen| seen.rate),
        two,
        short,
        lost(shared, race::PLAIN),
        lost(shared, race::CALL),
        Some(lets_go),
        gil.then_some(keeps),
        interpreters,
        None,
    ];
    Column { heading: "model".into(), figures, spread: spread.unwrap_or(f64::NAN) }
}

/// Of two threads over one, and by which factor the rounds differ.
fn speedup(regime: Regime) -> Option<(f64, f64)> {
    const ROUNDS: i64 = 600_000;
    let program = Program::assemble(cpu::PROGRAM, &[]).ok()?;
    let seconds = |threads: usize| {
        let plan = Plan::threads(threads).argument(ROUNDS / threads as i64);
        regime::run(&regime, &program, &plan).ok().map(|outcome| outcome.seconds)
    };
    let mut ratios = Samples::default();
    for _ in 0..5 {
        ratios.push(seconds(1)? / seconds(2)?);
    }
    Some((ratios.median(), ratios.quantile(0.75) / ratios.quantile(0.25)))
}

fn waiting() -> f64 {
    let seconds = |threads: u32, waits: u32| {
        let gil = Gil::default();
        measure::seconds(|| {
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        let mut held = gil.attach();
                        (0..waits).for_each(|_| held.blocking(|| thread::sleep(Duration::from_millis(10))));
                    });
                }
            });
        })
    };
    seconds(1, 8) / seconds(2, 4)
}

/// In percent, the middle of five rounds.
fn lost(regime: Regime, body: &str) -> Option<f64> {
    // As many as in the script: hundreds of switches a round, or luck decides.
    const TIMES: i64 = 200_000;
    let program = race::looped(body, &[]).ok()?;
    let round = || race::lost(&regime, &program, TIMES).ok();
    let rounds: Option<Samples> = (0..5).map(|_| Some(100.0 * round()?)).collect();
    Some(rounds?.median())
}

pub(super) fn table(columns: &[Column]) -> String {
    let cell = |figure: Option<f64>| match figure {
        None => "-".to_owned(),
        Some(figure) if figure >= 100.0 => format!("{figure:.0}"),
        Some(figure) => format!("{figure:.2}"),
    };
    let line = |first: &str, cells: &mut dyn Iterator<Item = String>| {
        cells.fold(format!("{first:36}"), |line, cell| format!("{line} {cell:>8}"))
    };
    let mut lines = vec![line("", &mut columns.iter().map(|column| column.heading.clone()))];
    for (row, (name, ..)) in ROWS.iter().enumerate() {
        lines.push(line(name, &mut columns.iter().map(|column| cell(column.figures[row]))));
    }
    lines.join("\n")
}
