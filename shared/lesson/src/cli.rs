//! The command line, the same in every concept crate.

use std::{
    any::Any,
    ffi::OsString,
    fs,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{self, ExitCode},
    time::Instant,
};

use clap::{CommandFactory, FromArgMatches, Parser, builder::PossibleValuesParser};
use serde::Serialize;

use crate::{
    Claim, Lesson, Story, measure,
    print::{Form, Printer},
};

/// Runs lessons: each asks a question about the concept and answers it by running something.
#[derive(Parser)]
#[command(
    after_help = "Exit code: 0 every claim holds (or is skipped), 1 a claim does not hold, 2 wrong usage."
)]
struct Args {
    /// Lessons to run, all of them if none is named; `list` lists them
    #[arg(value_name = "LESSON")]
    lessons: Vec<String>,
    /// Workers, where a lesson has them (as many as there are cores, if not given)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=4096))]
    workers: Option<u64>,
    /// Seed of whatever is random
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// One JSON object a lesson, and nothing else on stdout
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Only claims that do not hold, and the sum
    #[arg(long)]
    quiet: bool,
    /// Skip claims about time (for a machine that is busy with something else)
    #[arg(long)]
    untimed: bool,
    /// Explain drawings step by step
    #[arg(long)]
    explain: bool,
    /// Write drawings into this directory as SVG, too
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
    /// Play LESSON/SCENE in this process: lessons start themselves again with this
    #[arg(long, hide = true)]
    scene: Option<String>,
    /// And end with this process, which waits for it
    #[arg(long, hide = true)]
    of: Option<u32>,
}

/// One lesson, told: a line of `--json`.
#[derive(Serialize)]
struct Told<'a> {
    concept: &'a str,
    lesson: &'a str,
    claims: &'a [Claim],
    seconds: f64,
}

/// A line of `list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    concept: &'a str,
    lesson: &'a str,
    question: &'a str,
    python: &'a [&'a str],
}

/// The whole `main` of a concept crate: reads the command line, tells the lessons on stdout.
pub fn main(concept: &'static str, lessons: &[Lesson]) -> ExitCode {
    ExitCode::from(tell(concept, lessons, std::env::args_os(), &mut anstream::stdout()))
}

/// Tells the lessons that `args` (with the program's name in front) ask for, on `out`. Returns the exit code:
/// 0 every claim holds, 1 one does not, 2 wrong usage.
///
/// A reader who goes away (`| head`) ends it quietly, with what was judged until then.
pub fn tell<T: Into<OsString> + Clone>(
    concept: &'static str,
    lessons: &[Lesson],
    args: impl IntoIterator<Item = T>,
    out: &mut dyn Write,
) -> u8 {
    let args = match parse(concept, lessons, args) {
        Ok(args) => args,
        Err(error) => {
            // clap itself knows what goes to stdout (help) and what to stderr; if neither can be written to,
            // there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    if let Some(scene) = &args.scene {
        #[cfg(target_os = "linux")]
        if let Some(error) = args.of.and_then(|teller| crate::scene::end_with(teller).err()) {
            eprintln!("cannot end with the lesson: {error}");
        }
        return play(lessons, scene);
    }
    let form = match (args.json, args.quiet) {
        (true, _) => Form::Json,
        (_, true) => Form::Quiet,
        _ => Form::Story,
    };
    let mut printer = Printer::new(out, form);
    if args.lessons.iter().any(|name| name == "list") {
        list(concept, lessons, &mut printer);
        return ending(printer.failed, true);
    }
    // Told before anything is measured: a lesson may take a while.
    if let Some(directory) = &args.svg
        && let Err(why) = can_hold_files(directory)
    {
        eprintln!("cannot write drawings to {}: {why}", directory.display());
        return 2;
    }
    let mut all = Vec::new();
    for lesson in lessons {
        if !args.lessons.is_empty() && !args.lessons.iter().any(|name| name == lesson.name) {
            continue;
        }
        let claims;
        (claims, printer) = run(concept, lesson, &args, printer);
        all.extend(claims);
        if printer.failed.is_some() {
            break;
        }
    }
    printer.sum(concept, &all);
    ending(printer.failed, all.iter().all(|claim| claim.holds != Some(false)))
}

/// That files can be made in `directory`, which is made if it is not there.
fn can_hold_files(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let trial = directory.join(format!(".trial-{}", process::id()));
    fs::write(&trial, "")?;
    fs::remove_file(trial)
}

/// Tells one lesson; whatever goes wrong in it becomes a claim that does not hold, and the next one follows.
fn run<'a>(
    concept: &str,
    lesson: &'a Lesson,
    args: &Args,
    mut printer: Printer<'a>,
) -> (Vec<Claim>, Printer<'a>) {
    let start = Instant::now();
    printer.title(concept, lesson);
    let workers = args.workers.map_or_else(measure::cores, |workers| workers as usize);
    let mut story = Story {
        lesson,
        printer,
        claims: Vec::new(),
        workers,
        seed: args.seed,
        untimed: args.untimed,
        explain: args.explain,
        svg: args.svg.clone(),
    };
    // Unwind safety: what a panic leaves behind is a story cut short, and it says so.
    let end = panic::catch_unwind(AssertUnwindSafe(|| (lesson.run)(&mut story)));
    let trouble = match end {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("error: {error}")),
        Err(payload) => Some(format!("panic: {}", message(&*payload))),
    };
    if let Some(trouble) = trouble {
        story.claim("the lesson runs to its end", "no error and no panic", trouble, false);
    }
    let Story { mut printer, claims, .. } = story;
    if printer.form() == Form::Json {
        let seconds = start.elapsed().as_secs_f64();
        printer.json(&Told { concept, lesson: lesson.name, claims: &claims, seconds });
    }
    printer.gap();
    (claims, printer)
}

fn parse<T: Into<OsString> + Clone>(
    concept: &'static str,
    lessons: &[Lesson],
    args: impl IntoIterator<Item = T>,
) -> Result<Args, clap::Error> {
    let names = lessons.iter().map(|lesson| lesson.name).chain(["list"]);
    let names = PossibleValuesParser::new(names.collect::<Vec<_>>());
    let mut command = Args::command().name(concept).mut_arg("lessons", |arg| arg.value_parser(names));
    let matches = command.try_get_matches_from_mut(args)?;
    Args::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn list(concept: &str, lessons: &[Lesson], printer: &mut Printer<'_>) {
    if printer.form() == Form::Json {
        for Lesson { name: lesson, question, python, .. } in lessons {
            printer.json(&Listed { concept, lesson, question, python });
        }
    } else {
        printer.list(lessons);
    }
}

fn play(lessons: &[Lesson], wanted: &str) -> u8 {
    let scenes =
        lessons.iter().flat_map(|lesson| lesson.scenes.iter().map(move |scene| (lesson.name, scene)));
    for (lesson, (name, scene)) in scenes {
        if format!("{lesson}/{name}") == wanted {
            scene();
            return 0;
        }
    }
    eprintln!("there is no scene '{wanted}'");
    2
}

fn ending(failed: Option<io::Error>, all_hold: bool) -> u8 {
    match failed {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("cannot write to stdout: {error}");
            1
        }
        _ => u8::from(!all_hold),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no text")
}
