//! Calibrates, records, predicts, checks and advises, within half a minute; measures the likely mechanisms only where a
//! prediction fails.

use std::{
    io::{self, Write},
    time::Duration,
};

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;
use workload::Empty;

use crate::{
    calibrate::{Calibration, calibrate},
    check::{self, Check},
    cli::{Args, Kind},
    foresee::{Foreseen, Laws},
    json,
    machine::Machine,
    plan::Effort,
    progress::Progress,
    recommend::Advice,
    row::Measured,
    show,
    subjects::{self, Wish},
};

/// What was found, for the report.
#[derive(Debug)]
pub struct Forecast {
    /// The machine, measured.
    pub calibration: Calibration,
    /// Each work, in the order in which they were tried.
    pub works: Vec<Foreseen>,
    /// What was measured of it in the end.
    pub measured: Vec<Measured>,
    /// The advice for each.
    pub advice: Vec<Advice>,
    /// Whether all went well.
    pub well: bool,
}

/// Everything of one work, as one line of `--json`.
#[derive(Serialize)]
struct LawLine<'a> {
    workload: &'a str,
    laws: &'a Laws,
}

/// Runs it all, and prints as it goes.
///
/// # Errors
/// `out`'s.
pub(crate) fn run(
    args: &Args,
    wish: &Wish,
    machine: &Machine,
    progress: &Progress,
    out: &mut dyn Write,
) -> io::Result<Forecast> {
    let tell = |what: &str| progress.tell(what.to_owned());
    let calibration = calibrate(&wish.mechanisms::<Empty>(), &tell);
    if args.json {
        progress.aside(|| json::object(out, "calibration", &calibration))?;
    } else {
        progress.aside(|| {
            writeln!(out, "{}\n\n{calibration}", machine.line())?;
            calibration.noise().map_or(Ok(()), |noise| writeln!(out, "{noise}"))?;
            writeln!(out).and_then(|()| out.flush())
        })?;
    }
    let mut forecast =
        Forecast { calibration, works: Vec::new(), measured: Vec::new(), advice: Vec::new(), well: true };
    for kind in args.kinds() {
        forecast.one(kind, args.json, wish, progress, out)?;
    }
    if let Some((worst, mean)) = check::errors(&forecast.checks())
        && !args.json
    {
        progress.aside(|| {
            writeln!(
                out,
                "Predicted from one sequential run each, on {} runs that were held out: off by {:.0} % at worst, {:.1} % in the mean.",
                forecast.checks().len(),
                worst * 100.0,
                mean * 100.0
            )
        })?;
    }
    // Whoever only wants the advice has it by now.
    if wish.closer {
        forecast.look_closer(&args.kinds(), wish, progress);
    }
    Ok(forecast)
}

impl Forecast {
    /// All that were checked.
    pub fn checks(&self) -> Vec<Check> {
        self.works.iter().flat_map(|work| work.checks.iter().cloned()).collect()
    }

    /// Looks at memory and timelines, for the report.
    fn look_closer(&mut self, kinds: &[Kind], wish: &Wish, progress: &Progress) {
        for (work, before) in self.works.iter_mut().zip(&mut self.measured) {
            let Some(kind) = kinds.iter().find(|kind| kind.name() == before.workload) else { continue };
            let tell = |what: &str| progress.tell(format!("{}: {what}", kind.name()));
            let mut fail = |why: &str| {
                self.well = false;
                progress.aside(|| eprintln!("error: {}: {why}", kind.name()));
            };
            subjects::look(*kind, wish, work, &tell).unwrap_or_else(|error| fail(&error.to_string()));
            for (row, before) in work.measured.rows.iter().zip(&before.rows) {
                if let (Some(why), None) = (&row.error, &before.error) {
                    fail(&format!("{} x {}: {why}", row.mechanism, row.workers));
                }
            }
            before.clone_from(&work.measured);
        }
    }

    fn one(
        &mut self,
        kind: Kind,
        json: bool,
        wish: &Wish,
        progress: &Progress,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let tell = |what: &str| progress.tell(format!("{}: {what}", kind.name()));
        let mut fail = |why: &str| {
            self.well = false;
            progress.aside(|| eprintln!("error: {}: {why}", kind.name()));
        };
        let work = match subjects::foresee(kind, wish, &self.calibration, &tell) {
            Ok(work) => work,
            Err(error) => {
                fail(&error.to_string());
                return Ok(());
            }
        };
        let failed = || work.measured.rows.iter().filter(|row| row.error.is_some());
        for row in failed() {
            fail(&format!(
                "{} x {}: {}",
                row.mechanism,
                row.workers,
                row.error.as_deref().unwrap_or_default()
            ));
        }
        progress.aside(|| if json { self::json(out, &work) } else { print(out, &work) })?;
        self.advice.extend(work.advice.clone());
        self.measured.push(work.measured.clone());
        self.works.push(work);
        Ok(())
    }
}

fn json(out: &mut dyn Write, work: &Foreseen) -> io::Result<()> {
    json::rows(out, &work.measured)?;
    work.checks.iter().try_for_each(|check| json::object(out, "prediction", check))?;
    work.regret.iter().try_for_each(|regret| json::object(out, "regret", regret))?;
    let workload = work.measured.workload;
    work.laws.iter().try_for_each(|laws| json::object(out, "law", &LawLine { workload, laws }))
}

/// One work, for people.
pub(crate) fn print(out: &mut dyn Write, work: &Foreseen) -> io::Result<()> {
    let run = &work.recorded;
    let (count, each) = (run.count(), run.count().max(1) as f64);
    writeln!(out, "{}", work.measured.workload)?;
    let pieces = if count == 1 { "1 piece".to_owned() } else { format!("{count} pieces") };
    let asks: f64 = run.pieces.iter().map(|piece| piece.asks).sum();
    let server = if asks > 0.0 {
        format!(", its server computes {}", show::seconds(asks / each))
    } else {
        String::new()
    };
    writeln!(
        out,
        "{pieces}, {} one after the other; each computes {} and waits {} in the mean{server}; N* = {}",
        show::seconds(run.alone()),
        show::seconds((run.demand() - asks) / each),
        show::seconds(run.waiting() / each),
        work.outlook.best_workers
    )?;
    let first = run.fresh;
    if first.cpu + first.wait > 0.1 * run.alone() / each {
        writeln!(
            out,
            "a worker's first piece computes {} more and waits {} more; its server computes {} more",
            show::seconds(first.cpu),
            show::seconds(first.wait),
            show::seconds(first.asks)
        )?;
    }
    if let Some(cold) = run.cold {
        writeln!(
            out,
            "the very first run read from a disk and took {}; what follows is for files that are in memory",
            show::seconds(cold)
        )?;
    }
    if let Some(others) = run.others.others
        && others > 0.1 * run.wall
    {
        writeln!(
            out,
            "meanwhile other processes used {} of processor time: this run was disturbed",
            show::seconds(others)
        )?;
    }
    if !work.checks.is_empty() {
        writeln!(out, "{}", table(&work.checks))?;
    }
    for check in work.checks.iter().filter(|check| !check.holds()) {
        let why = check.kind.unwrap_or("unknown");
        writeln!(
            out,
            "{} x {}: off by {:+.0} %: {why}",
            check.mechanism,
            check.workers,
            check.error * 100.0
        )?;
    }
    if work.measured_more {
        writeln!(out, "So the likely ones were measured, and the advice rests on that.")?;
    }
    if work.disturbed {
        writeln!(
            out,
            "Other processes used the cores while this was measured: on this machine, now, it says little."
        )?;
    }
    if let Some(laws) = &work.laws {
        writeln!(out, "{}", about(laws))?;
    }
    if let Some(advice) = &work.advice {
        writeln!(out, "{}", advice.why)?;
    }
    if let Some(regret) = &work.regret {
        writeln!(
            out,
            "Of {} that were measured afterwards the fastest is {} x {}; the advised one takes {:.2} times as long.",
            regret.of, regret.best, regret.best_workers, regret.times
        )?;
    }
    writeln!(out)?;
    out.flush()
}

/// What textbooks' laws make of the same points.
pub(crate) fn about(laws: &Laws) -> String {
    let percent = |error: f64| format!("{:.0} %", error * 100.0);
    let points = &laws.points[..laws.fitted];
    let (from, to) = (points.first().map_or(1, |point| point.0), points.last().map_or(1, |point| point.0));
    let on = if laws.fitted < laws.points.len() { "on more than these" } else { "on the same points" };
    let each: Vec<String> = laws
        .laws
        .iter()
        .zip(laws.law_errors)
        .map(|(law, error)| format!("{} by {}", law.name(), percent(error)))
        .collect();
    format!(
        "Laws fitted to {} with {from} to {to} workers miss {on}: {}; the prediction by {}.",
        laws.mechanism,
        each.join(", "),
        percent(laws.our_error)
    )
}

fn table(checks: &[Check]) -> Table {
    let mut table = Table::new();
    let style = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(
        ["mechanism", "workers", "predicted", "measured", "error"]
            .into_iter()
            .enumerate()
            .map(|(place, head)| if place == 0 { Cell::new(head) } else { right(head.to_owned()) }),
    );
    for check in checks {
        table.add_row([
            Cell::new(check.mechanism),
            right(check.workers.to_string()),
            right(show::seconds(check.predicted_s)),
            right(show::seconds(check.measured_s)),
            right(format!("{:+.1} %", check.error * 100.0)),
        ]);
    }
    table
}

/// About how long checking one work may take.
pub(crate) fn time(effort: Effort) -> Duration {
    match effort {
        Effort::Usual => Duration::from_secs(2),
        Effort::Quick => Duration::from_secs(1),
        Effort::Tiny => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_predicted_stands_before_what_was_measured() {
        let check = Check {
            workload: "made-up",
            mechanism: "pool",
            workers: 4,
            predicted_s: 2.0,
            pace: 1.0,
            measured_s: 2.5,
            error: 0.25,
            held_out: true,
            kind: None,
        };
        let text = table(&[check]).to_string();
        let line = text.lines().last().unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells, ["pool", "4", "2.00", "s", "2.50", "s", "+25.0", "%"], "{text}");
    }
}
