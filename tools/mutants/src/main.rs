//! Lists or runs the mutants of the hand-made primitives: exit code 0 if every one is killed or known to be none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use mutants::{
    Mutant,
    checks::{self, Check},
    equivalent, interrupt, of_source,
    workshop::{Verdict, Workshop},
};

/// Breaks the primitives of synchronization and of shared-memory in one place at a time and runs their checks on each.
#[derive(Parser)]
struct Arguments {
    /// Only files whose name contains one of these, such as `futex/` or `shared-memory/lock/`. The name is the path below
    /// crates/synchronization/src, or `shared-memory/` and that below crates/shared-memory/src.
    files: Vec<String>,
    /// Only list the mutants.
    #[arg(long)]
    list: bool,
    /// How many mutants are checked at once, each in a copy of the workspace of its own.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Seconds that a check may take, compiling apart [default: 30 and four times what it takes unbroken].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
}

/// Where there is something to break.
struct Place {
    package: &'static str,
    /// What stands before the path in the names of its files.
    prefix: &'static str,
    /// Files and folders below `src`; none means all but the lessons, which are broken already where they shall be.
    only: &'static [&'static str],
}

const PLACES: [Place; 2] = [
    Place { package: "synchronization", prefix: "", only: &[] },
    Place {
        package: "shared-memory",
        prefix: "shared-memory/",
        only: &["board.rs", "gate.rs", "lock/", "mpmc/", "ring/", "seqlock", "sync/", "table"],
    },
];

/// A mutant with all that is needed to judge it.
struct Case {
    mutant: Mutant,
    /// From the workspace's root.
    file: PathBuf,
    source: Arc<str>,
    checks: Vec<Check>,
    /// Why it is known to do the same as the original.
    equivalent: Option<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let cases = cases(&workspace, &arguments.files)?;
    if arguments.list {
        for Case { mutant, equivalent, .. } in &cases {
            println!("{mutant}{}", equivalent.as_ref().map_or("", |_| "  (equivalent)"));
        }
        println!("{} mutants", cases.len());
        return Ok(true);
    }
    interrupt::stop_on_signals()?;
    let verdicts = judge_all(&workspace, &cases, arguments)?;
    Ok(sum_up(&cases, &verdicts))
}

/// The mutants of all files whose path contains one of `wanted` (or of all files).
fn cases(workspace: &Path, wanted: &[String]) -> Result<Vec<Case>> {
    let list = include_str!("../equivalent.txt");
    let mut equivalent = equivalent::parse(list).context("equivalent.txt")?;
    let mut cases = Vec::new();
    for Place { package, prefix, only } in PLACES {
        let home = workspace.join("crates").join(package);
        let (sources, tests) = (home.join("src"), home.join("tests"));
        let mut files = Vec::new();
        primitives(&sources, &mut files)?;
        for path in files {
            let below = path.strip_prefix(&sources)?.to_string_lossy().into_owned();
            if !only.is_empty() && !only.iter().any(|start| below.starts_with(start)) {
                continue;
            }
            let file = format!("{prefix}{below}");
            if !wanted.is_empty() && !wanted.iter().any(|part| file.contains(part.as_str())) {
                equivalent.retain(|name, _| !name.starts_with(&format!("{file} ")));
                continue;
            }
            let source: Arc<str> = fs::read_to_string(&path)?.into();
            let checks = checks::for_file(package, &below, &tests)?;
            for mutant in of_source(&file, &source).with_context(|| file.clone())? {
                let (source, checks) = (Arc::clone(&source), checks.clone());
                let file = path.strip_prefix(workspace)?.into();
                cases.push(Case {
                    equivalent: equivalent.remove(&mutant.to_string()),
                    mutant,
                    file,
                    source,
                    checks,
                });
            }
        }
    }
    if let Some(name) = equivalent.keys().next() {
        bail!("equivalent.txt names what is no mutant (any more): {name}");
    }
    if cases.is_empty() {
        bail!("no file with a mutant is named like that");
    }
    Ok(cases)
}

/// All files of code to break: not the lessons, which are broken already where they shall be.
fn primitives(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() && entry.file_name() != "lessons" {
            primitives(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The verdict on each case, in order.
fn judge_all(workspace: &Path, cases: &[Case], arguments: &Arguments) -> Result<Vec<Verdict>> {
    let limit = arguments.limit.map(Duration::from_secs);
    let next = AtomicUsize::new(0);
    let work = |number| {
        let mut workshop = Workshop::open(workspace, number, limit)?;
        let mut judged = Vec::new();
        // Relaxed: it only hands out numbers.
        while let at = next.fetch_add(1, Relaxed)
            && let Some(case) = cases.get(at)
        {
            let verdict = workshop.judge(&case.mutant, &case.file, &case.source, &case.checks);
            // The others need not go on.
            let verdict = verdict.inspect_err(|_| next.store(cases.len(), Relaxed))?;
            println!("{}", line(case, &verdict));
            judged.push((at, verdict));
        }
        Ok(judged)
    };
    let mut judged = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..usize::from(arguments.jobs)).map(|number| scope.spawn(move || work(number))).collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
        results.collect::<Result<Vec<_>>>()
    })?
    .concat();
    judged.sort_by_key(|(at, _)| *at);
    Ok(judged.into_iter().map(|(_, verdict)| verdict).collect())
}

fn line(Case { mutant, equivalent, .. }: &Case, verdict: &Verdict) -> String {
    let line = mutant.line;
    match (verdict, equivalent) {
        (Verdict::Killed(by), None) => format!("killed   {mutant}  (line {line}; {by})"),
        (Verdict::Killed(by), Some(_)) => format!("KILLED   {mutant}  (line {line}; {by}): not equivalent"),
        (Verdict::Survived, None) => format!("SURVIVES {mutant}  (line {line})"),
        (Verdict::Survived, Some(reason)) => format!("survives {mutant}  (line {line}): {reason}"),
        (Verdict::NoMutant, _) => format!("no code  {mutant}  (line {line}): does not compile"),
    }
}

/// Prints the score and whoever survived; true if all is as it should be.
fn sum_up(cases: &[Case], verdicts: &[Verdict]) -> bool {
    let judged = || cases.iter().zip(verdicts);
    let count = |wanted: &dyn Fn(&Case, &Verdict) -> bool| judged().filter(|(c, v)| wanted(c, v)).count();
    let killed = count(&|_, verdict| matches!(verdict, Verdict::Killed(_)));
    let no_code = count(&|_, verdict| *verdict == Verdict::NoMutant);
    let accepted = count(&|case, verdict| *verdict == Verdict::Survived && case.equivalent.is_some());
    println!(
        "\nkilled {killed} of {} ({accepted} survive as they should, {no_code} more do not compile)",
        cases.len() - no_code
    );
    let wrong = |(case, verdict): &(&Case, &Verdict)| match verdict {
        Verdict::Killed(_) => case.equivalent.is_some(),
        Verdict::Survived => case.equivalent.is_none(),
        Verdict::NoMutant => false,
    };
    let wrong: Vec<_> = judged().filter(wrong).collect();
    for (case, verdict) in &wrong {
        println!("{}:{}\n    {}", case.file.display(), case.mutant.line, line(case, verdict));
    }
    wrong.is_empty()
}
