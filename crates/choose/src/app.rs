//! The program: reads the command line, measures, prints, writes the report.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use lesson::measure::{Samples, gain};
use workload::{Empty, Workers};

use crate::{
    calibrate::{Calibration, calibrate},
    cli::{Args, Kind, Role},
    dispatch, forecast,
    foresee::Foreseen,
    interrupt, json,
    machine::Machine,
    plan::Effort,
    progress::Progress,
    recommend::{Advice, recommend},
    report,
    row::Measured,
    server,
    subjects::{self, Wish},
    table, trace,
};

/// The whole of `main`, but for its first line.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // clap knows what goes to stdout (help) and what to stderr; if neither can be written to, nobody is there.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match &args.role {
        Some(Role::Probe { workload, mechanism, workers }) => {
            return ended(subjects::probed(*workload, mechanism, *workers));
        }
        Some(Role::Serve { milliseconds }) => {
            let served = server::serve(Duration::from_millis(*milliseconds));
            return ended(served.map_err(|error| format!("the document server: {error}")));
        }
        #[cfg(target_os = "linux")]
        Some(Role::Run(args)) => return crate::each::run(args),
        Some(Role::Python(args)) => return crate::beside::run(args),
        Some(Role::Compare(args)) => return crate::compare::run(args),
        #[cfg(target_os = "linux")]
        Some(Role::Ledger(args)) => return crate::ledger::run(args),
        #[cfg(target_os = "linux")]
        Some(Role::Echo) => return ended(crate::ledger::echo().map_err(|error| error.to_string())),
        #[cfg(target_os = "linux")]
        Some(Role::Die { part }) => {
            return ended(crate::ledger::die(*part).map_err(|error| error.to_string()));
        }
        None => {}
    }
    if let Err(why) = args.check() {
        eprintln!("error: {why}");
        return ExitCode::from(2);
    }
    let progress = Progress::new(expected(&args));
    let bar = progress.clone();
    if let Err(error) = interrupt::end_on_signal(move || bar.end()) {
        eprintln!("warning: Ctrl-C cannot be handled: {error}");
    }
    let mut session = Session { args, progress, out: Box::new(anstream::stdout()), well: true };
    match session.run() {
        // Whoever reads has read enough (`| head`).
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => session.fail(&format!("cannot write to stdout: {error}")),
        Ok(()) => {}
    }
    session.progress.end();
    ExitCode::from(u8::from(!session.well))
}

fn ended(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn expected(args: &Args) -> Duration {
    let each = match (args.effort(), args.measure, args.check_all) {
        (Effort::Tiny, ..) => 1,
        (_, false, true) | (Effort::Usual, true, _) => 40,
        (_, false, false) => 6,
        (Effort::Quick, true, _) => 3,
    };
    Duration::from_secs(each * args.kinds().len() as u64)
}

struct Session {
    args: Args,
    progress: Progress,
    out: Box<dyn Write>,
    /// Whether everything has gone well so far.
    well: bool,
}

impl Session {
    fn run(&mut self) -> io::Result<()> {
        let machine = Machine::here();
        if !self.args.measure {
            return self.predict(&machine);
        }
        let gain: Samples = (0..3).map(|_| gain(machine.cores)).collect();
        self.head(&machine, gain.median())?;
        let wish = self.wish();
        let costs = self.dispatch_costs(&wish);
        // For the report only: what the mechanisms themselves cost is measured here.
        let calibration = (!self.args.no_report && wish.effort != Effort::Tiny)
            .then(|| calibrate(&[], &|what| self.progress.tell(what.to_owned())));
        let (mut all, mut advice) = (Vec::new(), Vec::new());
        for kind in self.args.kinds() {
            if let Some(measured) = self.measure(kind, &wish, &costs) {
                let this = recommend(&measured, machine.cores);
                self.show(&measured, this.as_ref())?;
                advice.extend(this);
                all.push(measured);
            }
        }
        // Files before the last lines: they are to be written also when nobody reads to the end.
        let files = self.write_files(&machine, gain.median(), calibration.as_ref(), &all, &advice, &[]);
        if self.args.json {
            json::recommendation(&mut self.out, &advice, &machine, gain.median())?;
        } else {
            self.end(&advice)?;
        }
        files.into_iter().try_for_each(|line| self.note(&line))
    }

    fn wish(&self) -> Wish {
        let mut workers = self.args.workers.clone();
        workers.sort_unstable();
        workers.dedup();
        Wish {
            effort: self.args.effort(),
            runs: self.args.runs.map(usize::from),
            workers,
            mechanisms: self.args.mechanisms.clone(),
            input: self.args.input.clone(),
            base_url: self.args.base_url.clone(),
            closer: !self.args.no_report || self.args.trace.is_some(),
            check_all: self.args.check_all,
        }
    }

    /// One recorded run of each work instead of many of everything.
    fn predict(&mut self, machine: &Machine) -> io::Result<()> {
        let wish = self.wish();
        let found = forecast::run(&self.args, &wish, machine, &self.progress, &mut self.out)?;
        self.well &= found.well;
        let gain = found.calibration.gain();
        let files = self.write_files(
            machine,
            gain,
            Some(&found.calibration),
            &found.measured,
            &found.advice,
            &found.works,
        );
        if self.args.json {
            json::recommendation(&mut self.out, &found.advice, machine, gain)?;
        } else {
            self.print(|out| {
                found.advice.iter().try_for_each(|Advice { workload, mechanism, workers, .. }| {
                    writeln!(out, "{workload}: {mechanism} x {workers}")
                })
            })?;
        }
        files.into_iter().try_for_each(|line| self.note(&line))
    }

    fn measure(&mut self, kind: Kind, wish: &Wish, costs: &HashMap<&str, f64>) -> Option<Measured> {
        let progress = &self.progress;
        let tell = |what: &str| progress.tell(format!("{}: {what}", kind.name()));
        match subjects::measure(kind, wish, &tell) {
            Ok(mut measured) => {
                for row in &mut measured.rows {
                    row.dispatch_ns = costs.get(row.mechanism).copied();
                }
                Some(measured)
            }
            Err(error) => {
                self.fail(&format!("{}: {error}", kind.name()));
                None
            }
        }
    }

    /// What an empty piece costs each mechanism, with as many workers as there are cores.
    fn dispatch_costs(&mut self, wish: &Wish) -> HashMap<&'static str, f64> {
        let rounds = if wish.effort == Effort::Usual { 5 } else { 1 };
        let mut costs = HashMap::new();
        for mechanism in wish.mechanisms::<Empty>() {
            self.progress.tell(format!("empty pieces: {}", mechanism.name));
            match dispatch::cost(&mechanism, Workers::cores(), rounds) {
                Ok(cost) => drop(costs.insert(mechanism.name, cost)),
                Err(error) => self.fail(&format!("{}: empty pieces: {error}", mechanism.name)),
            }
        }
        costs
    }

    fn head(&mut self, machine: &Machine, gain: f64) -> io::Result<()> {
        let cores = machine.cores;
        let ceiling = match cores {
            1 => "One core: nothing parallel can be concluded about work that computes.".to_owned(),
            _ => format!("A pure kernel gains {gain:.2} times on {cores} threads just now: the ceiling."),
        };
        let line = format!("{}\n{ceiling}\n", machine.line());
        self.print(|out| writeln!(out, "{line}"))
    }

    fn show(&mut self, measured: &Measured, advice: Option<&Advice>) -> io::Result<()> {
        for row in measured.rows.iter().filter(|row| row.error.is_some()) {
            self.well = false;
            if self.args.json {
                let why = row.error.as_deref().unwrap_or_default();
                self.fail(&format!("{}: {} x {}: {why}", measured.workload, row.mechanism, row.workers));
            }
        }
        let Self { progress, out, args, .. } = self;
        progress
            .aside(|| if args.json { json::rows(out, measured) } else { table::print(out, measured, advice) })
    }

    fn end(&mut self, advice: &[Advice]) -> io::Result<()> {
        if advice.is_empty() {
            return Ok(());
        }
        self.print(|out| {
            writeln!(out, "{}\n", table::LEGEND)?;
            for Advice { workload, mechanism, workers, .. } in advice {
                writeln!(out, "{workload}: {mechanism} x {workers}")?;
            }
            Ok(())
        })
    }

    /// Writes report and picture, and says where: whatever fails here, the figures are printed.
    fn write_files(
        &mut self,
        machine: &Machine,
        gain: f64,
        calibration: Option<&Calibration>,
        all: &[Measured],
        advice: &[Advice],
        works: &[Foreseen],
    ) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.args.no_report {
            let path = self.args.report.clone().unwrap_or_else(report::usual_place);
            let contents = report::Contents { machine, gain, calibration, all, advice };
            let page = report::forecast_page(&contents, works);
            self.write(&path, &page).inspect(|path| lines.push(format!("report: {path}")));
        }
        if let Some(path) = self.args.picture.clone() {
            self.write(&path, &report::picture(all)).inspect(|path| lines.push(format!("picture: {path}")));
        }
        if let Some(path) = self.args.trace.clone() {
            let timelines = trace::trace(all).to_string();
            self.write(&path, &timelines).inspect(|path| lines.push(format!("trace: {path}")));
        }
        lines
    }

    fn write(&mut self, path: &Path, text: &str) -> Option<String> {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let written = directory.map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
        match written {
            Ok(()) => Some(path.display().to_string()),
            Err(error) => {
                self.fail(&format!("cannot write {}: {error}", path.display()));
                None
            }
        }
    }

    /// Something for people: on stdout, or nowhere when programs read it.
    fn print(&mut self, text: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let Self { progress, out, args, .. } = self;
        if args.json { Ok(()) } else { progress.aside(|| text(out).and_then(|()| out.flush())) }
    }

    /// Something worth knowing: beside the result when programs read that.
    fn note(&mut self, line: &str) -> io::Result<()> {
        if self.args.json {
            eprintln!("{line}");
            return Ok(());
        }
        self.print(|out| writeln!(out, "{line}"))
    }

    fn fail(&mut self, why: &str) {
        self.well = false;
        self.progress.aside(|| eprintln!("error: {why}"));
    }
}
