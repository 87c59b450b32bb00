//! `choose run --each 'convert {} out/{/}' FILES...`: any program, once for each input, as many at once as pay here.
//!
//! A few inputs are run one after the other and looked at from outside: how long, how much of it on a processor, how
//! much memory. Their costs are replayed for each number at once (`replay`), the number is chosen (`advice`), and
//! checked on inputs that were not used for predicting (`check`); where it was wrong, fewer are tried. Then the rest
//! is run with that number. No input is run twice, unless `--repeat` says that it may be.
//!
//! In Python: `subprocess.run` from a `ThreadPoolExecutor`, with a number of workers that one has to guess; from a shell:
//! `xargs -P`, `parallel -j`. Linux only.

mod advice;
mod args;
mod check;
mod crew;
mod family;
mod load;
mod outcome;
mod replay;
mod room;
mod template;
mod voice;

use std::{ffi::OsString, io, process::ExitCode, sync::Arc};

use lesson::measure::cores;
use serde_json::json;

use self::{
    advice::Known,
    check::{Check, TOLERATED},
    crew::Crew,
    family::Family,
    load::Load,
    outcome::{Cost, Outcome},
    template::Template,
    voice::Voice,
};
use crate::{interrupt, show};

pub use args::RunArgs;
pub(crate) use room::Room;

/// The sample is over after this long...
const SAMPLE_SECONDS: f64 = 2.0;
/// ... or after this part of the inputs.
const SAMPLE_PART: usize = 4;
/// A check takes this many inputs for each that runs at once, and about so long.
const CHECK_ROUNDS: usize = 2;
const CHECK_SECONDS: f64 = 1.0;
/// From this share of the cores on, what others use of them is too much.
const BUSY: f64 = 0.25;

/// All of it. 0 when the command has succeeded for every input, 1 when not, 2 when nothing could be run at all.
pub fn run(args: &RunArgs) -> ExitCode {
    let prepared = args.all_inputs().and_then(|inputs| {
        let template = Template::parse(&args.each)?;
        inputs.iter().try_for_each(|input| template.check(input))?;
        Ok((template, inputs))
    });
    let (template, inputs) = match prepared {
        Ok(prepared) => prepared,
        Err(why) => {
            eprintln!("error: {why}");
            return ExitCode::from(2);
        }
    };
    let family = Arc::new(Family::default());
    let all = Arc::clone(&family);
    if let Err(error) = interrupt::end_on_signal(move || all.end()) {
        eprintln!("error: Ctrl-C cannot be handled, and would leave the command running: {error}");
        return ExitCode::from(2);
    }
    let limit = args.limit;
    let crew =
        Crew { template: &template, inputs: &inputs, limit, family: &family, room: Room::new(args.memory) };
    let voice = Voice { json: args.json, inputs: &inputs, out: io::stdout() };
    let mut session = Session {
        args,
        inputs: &inputs,
        crew,
        voice,
        sample: Vec::new(),
        next: 0,
        failed: Vec::new(),
        busy: false,
    };
    let ended = session.all();
    if let Err(error) = &ended {
        // Whoever reads standard output is gone, or the system gives up: nobody is left running.
        family.end();
        eprintln!("error: {error}; {} of {} inputs were not run", inputs.len() - session.next, inputs.len());
    }
    ExitCode::from(u8::from(ended.is_err() || !session.failed.is_empty() || session.next < session.wanted()))
}

struct Session<'a> {
    args: &'a RunArgs,
    inputs: &'a [OsString],
    crew: Crew<'a>,
    voice: Voice<'a>,
    /// What the command cost one after the other, for inputs that it succeeded for.
    sample: Vec<Cost>,
    /// The first input that was not run.
    next: usize,
    failed: Vec<String>,
    /// Whether others used much of the cores while the sample ran.
    busy: bool,
}

impl Session<'_> {
    fn all(&mut self) -> io::Result<()> {
        let began = Load::now();
        if let Some(workers) = self.args.workers {
            self.batch(self.inputs.len(), workers.get())?;
        } else if self.sample()? {
            let others = began.others_since();
            let workers = self.advise(others)?;
            if !self.args.only_advise {
                let workers = self.check(workers)?;
                self.rest(workers)?;
            }
        }
        self.summary()
    }

    /// One after the other, for a while. Whether to go on.
    fn sample(&mut self) -> io::Result<bool> {
        let most = self.inputs.len().div_ceil(SAMPLE_PART);
        let mut seconds = 0.0;
        while self.next < most && (self.next == 0 || seconds < SAMPLE_SECONDS) {
            let (took, costs) = self.batch(1, 1)?;
            seconds += took;
            self.sample.extend(costs);
        }
        if self.sample.len() >= SAMPLE_PART {
            // The first one has paid for reading the program from disk.
            self.sample.remove(0);
        }
        if self.sample.is_empty() && self.next < self.inputs.len() && !self.args.keep_going {
            self.voice.say(&format!(
                "The first {} failed, all of them: nothing else is run (--keep-going would).",
                self.next
            ));
            return Ok(false);
        }
        Ok(true)
    }

    fn known(&self) -> Known<'_> {
        let left = self.inputs.len() - self.next;
        Known { sample: &self.sample, left, cores: cores(), room: self.crew.room, busy: self.busy }
    }

    fn advise(&mut self, others: Option<f64>) -> io::Result<usize> {
        if self.sample.is_empty() {
            return Ok(cores());
        }
        self.busy = others.is_some_and(|others| others > BUSY * cores() as f64);
        let advice = self.known().advise();
        let memory = show::bytes(self.crew.room.dearest);
        self.voice.line(&json!({ "trace": {
            "inputs": self.sample.len(), "max_rss_bytes": self.crew.room.dearest, "others_cores": others,
            "runs": self.sample.iter().map(|cost| json!({"wall_s": cost.wall, "cpu_s": cost.cpu})).collect::<Vec<_>>(),
        }}))?;
        self.voice.line(&json!({ "advice": advice }))?;
        self.voice.say(&format!(
            "{} Measured on {}; up to {memory} each.",
            advice.why,
            many(self.sample.len())
        ));
        if let Some(others) = others.filter(|_| self.busy) {
            let cores = cores();
            self.voice.say(&format!(
                "Something else kept {others:.1} of the {cores} cores busy meanwhile: these figures are rough."
            ));
        }
        Ok(advice.workers)
    }

    /// Tries the number on inputs that were not used for it, and fewer if it does not keep what it promised.
    fn check(&mut self, mut workers: usize) -> io::Result<usize> {
        if self.args.repeat {
            self.checked(0..self.next, workers)?;
            return Ok(workers);
        }
        let mut best: Option<f64> = None;
        while workers > 1 && !self.sample.is_empty() {
            let pace = self.known().predict(8 * workers, workers) / (8 * workers) as f64;
            let by_time = (CHECK_SECONDS / pace.max(1e-6)).ceil() as usize;
            let count = by_time.clamp(CHECK_ROUNDS * workers, 1000 * CHECK_ROUNDS);
            // Not worth it when little would be left: then the rest itself is the check.
            if self.inputs.len() - self.next < 2 * count {
                break;
            }
            let check = self.checked(self.next..self.next + count, workers)?;
            let rate = check.inputs as f64 / check.measured_s.max(1e-9);
            if best.is_some_and(|best| rate < best * (1.0 - TOLERATED / 3.0)) {
                workers *= 2;
                break;
            }
            best = Some(best.map_or(rate, |best| best.max(rate)));
            if check.error <= TOLERATED {
                break;
            }
            workers = workers.div_ceil(2);
        }
        if best.is_some() {
            self.voice.say(&format!("The rest: {workers} at once."));
        }
        Ok(workers)
    }

    fn checked(&mut self, inputs: std::ops::Range<usize>, workers: usize) -> io::Result<Check> {
        let predicted = self.known().predict(inputs.len(), workers);
        let began = Load::now();
        let (measured, costs) = self.some(inputs, workers)?;
        let others = began.others_since().filter(|_| cores() > 1);
        let check = Check::new([predicted, measured], workers, [&self.sample, &costs], others);
        self.voice.line(&json!({ "prediction": check }))?;
        self.voice.say(&check.line());
        Ok(check)
    }

    fn rest(&mut self, workers: usize) -> io::Result<()> {
        let left = self.next..self.inputs.len();
        if left.is_empty() {
            return Ok(());
        }
        if self.sample.is_empty() {
            self.some(left, workers).map(drop)
        } else {
            self.checked(left, workers).map(drop)
        }
    }

    /// The next `count` inputs.
    fn batch(&mut self, count: usize, workers: usize) -> io::Result<(f64, Vec<Cost>)> {
        self.some(self.next..self.next + count, workers)
    }

    /// These inputs: how long they took together, and what each cost that succeeded.
    fn some(&mut self, inputs: std::ops::Range<usize>, workers: usize) -> io::Result<(f64, Vec<Cost>)> {
        let Self { crew, voice, failed, next, .. } = self;
        let again = inputs.start < *next;
        let mut costs = Vec::new();
        let mut take = |mut outcome: Outcome| {
            match outcome.end.is_success() {
                true => costs.push(outcome.cost),
                false => failed.push(format!("{}: {}", voice.inputs[outcome.index].display(), outcome.end)),
            }
            if again {
                // What it writes was shown the first time.
                outcome.written = None;
            } else {
                *next += 1;
            }
            if again && outcome.end.is_success() { Ok(()) } else { voice.outcome(outcome) }
        };
        let seconds = crew.run(inputs, workers, &mut take)?;
        Ok((seconds, costs))
    }

    /// How many inputs were to be run: all, or with `--only-advise` the sample.
    fn wanted(&self) -> usize {
        if self.args.only_advise && !self.sample.is_empty() { self.next } else { self.inputs.len() }
    }

    fn summary(&mut self) -> io::Result<()> {
        let (all, run, failed) = (self.inputs.len(), self.next, self.failed.len());
        self.voice.line(&json!({ "summary": {
            "inputs": all, "run": run, "failed": failed, "not_run": all - run,
        }}))?;
        self.voice.say(&format!("{}: {run} run, {failed} failed, {} not run", many(all), all - run));
        self.failed.iter().for_each(|line| self.voice.say(&format!("  {line}")));
        Ok(())
    }
}

fn many(inputs: usize) -> String {
    if inputs == 1 { "1 input".to_owned() } else { format!("{inputs} inputs") }
}
