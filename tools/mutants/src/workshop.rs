//! A copy of the workspace in which code is broken and checked. The workspace itself is only read.

use std::{
    collections::HashMap,
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use testkit::{TestkitError, run_within};

use crate::{Mutant, checks::Check, interrupt};

/// Compiling never hangs; this is only so that nothing can run for ever.
const BUILD: Duration = Duration::from_secs(3_600);
/// What a check may take on code that is not broken, if nothing else was said.
const UNBROKEN: Duration = Duration::from_secs(1_200);

/// A copy of a workspace, and the times its checks took there.
pub struct Workshop {
    copy: TempDir,
    /// Kept from run to run, so that what the workspace depends on is compiled once.
    target: PathBuf,
    _in_use: File,
    limit: Option<Duration>,
    /// How long a check may take: it has passed on the code as it is.
    limits: HashMap<Check, Duration>,
}

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A check failed, as told here.
    Killed(String),
    /// All checks passed.
    Survived,
    /// It does not compile.
    NoMutant,
}

enum Outcome {
    Passed,
    Failed(String),
    DoesNotCompile(String),
}

impl Workshop {
    /// Copies `workspace`. `limit` is for one check, compiling apart; without it the limit is four times what the
    /// check takes on the code as it is, and 30 seconds. `number` tells workshops apart that are open at once.
    ///
    /// # Errors
    /// When it can not be copied, or a workshop of that number is open already.
    pub fn open(workspace: &Path, number: usize, limit: Option<Duration>) -> Result<Self> {
        let target = workspace.join("target/mutants").join(number.to_string());
        fs::create_dir_all(&target)?;
        let in_use = File::create(target.join("in-use"))?;
        in_use.try_lock().with_context(|| format!("{} is used by another run", target.display()))?;
        let copy = tempfile::Builder::new().prefix("mutants-").tempdir()?;
        copy_sources(workspace, copy.path()).context("copy the workspace")?;
        Ok(Self { copy, target, _in_use: in_use, limit, limits: HashMap::new() })
    }

    /// Puts `mutant` into `file` (from the workspace's root), whose text is `source`, runs `checks` until one fails,
    /// and makes `file` whole again. Before a check is first used it must pass on the code as it is.
    ///
    /// # Errors
    /// When it does not, or a check can not be run.
    pub fn judge(&mut self, mutant: &Mutant, file: &Path, source: &str, checks: &[Check]) -> Result<Verdict> {
        for check in checks {
            if !self.limits.contains_key(check) {
                self.write(file, source)?;
                self.pass_unbroken(check)?;
            }
            let limit = self.limits[check];
            self.write(file, &mutant.apply(source))?;
            let verdict = match self.run(check, limit)?.0 {
                Outcome::Passed => continue,
                Outcome::Failed(how) => Verdict::Killed(format!("{check}: {how}")),
                Outcome::DoesNotCompile(_) => Verdict::NoMutant,
            };
            self.write(file, source)?;
            return Ok(verdict);
        }
        self.write(file, source)?;
        Ok(Verdict::Survived)
    }

    /// Writes only what differs: cargo compiles whatever has been written to.
    fn write(&self, file: &Path, text: &str) -> Result<()> {
        let path = self.copy.path().join(file);
        if fs::read_to_string(&path)? != text {
            fs::write(&path, text)?;
        }
        Ok(())
    }

    /// Insists that `check` passes now, and sets its limit.
    fn pass_unbroken(&mut self, check: &Check) -> Result<()> {
        let (outcome, took) = self.run(check, self.limit.unwrap_or(UNBROKEN))?;
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(how) => bail!("without any change, {check} fails: {how}"),
            Outcome::DoesNotCompile(why) => bail!("without any change, {check} does not compile:\n{why}"),
        }
        let limit = self.limit.unwrap_or(4 * took + Duration::from_secs(30));
        println!("passes   {check} on the code as it is, in {:.1} s", took.as_secs_f64());
        self.limits.insert(check.clone(), limit);
        Ok(())
    }

    /// Compiles and runs `check`; also says how long the running took.
    fn run(&self, check: &Check, limit: Duration) -> Result<(Outcome, Duration)> {
        let build = self.cargo(check, &["--no-run"], BUILD)?;
        go_on()?;
        if !build.status.success() {
            let why = String::from_utf8_lossy(&build.stderr).into_owned();
            return Ok((Outcome::DoesNotCompile(why), Duration::ZERO));
        }
        let begin = Instant::now();
        let outcome = match self.cargo(check, &[], limit) {
            Ok(output) if output.status.success() => Outcome::Passed,
            Ok(output) => Outcome::Failed(who_failed(&output)),
            Err(TestkitError::Late { limit, .. }) => {
                Outcome::Failed(format!("no end within {} s", limit.as_secs()))
            }
            Err(TestkitError::LeftBehind { left, .. }) => {
                Outcome::Failed(format!("left behind {}", left.join(", ")))
            }
            Err(why) => return Err(why.into()),
        };
        go_on()?;
        Ok((outcome, begin.elapsed()))
    }

    fn cargo(&self, check: &Check, more: &[&str], limit: Duration) -> Result<Output, TestkitError> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.arg("test").args(check.arguments()).args(more).current_dir(self.copy.path());
        // It is compiled anew for each mutant, which takes longer than the little that it then runs; the checkers,
        // where the time goes, stay optimised.
        cargo.args(["--config", &format!("profile.dev.package.{}.opt-level=0", check.package)]);
        cargo
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            .env("RUST_BACKTRACE", "0");
        run_within(limit, &mut cargo)
    }
}

/// Else what was interrupted would count as a failure.
fn go_on() -> Result<()> {
    if interrupt::is_stopped() { bail!("interrupted") } else { Ok(()) }
}

/// The first test that failed, or what the process said last.
fn who_failed(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let failed = stdout.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    // A test that ends the whole process does not get that far.
    let aborted = || stderr.lines().find(|line| line.contains("process didn't exit successfully"));
    match failed {
        Some(test) => test.trim_end_matches(" - should panic").into(),
        None => aborted().and_then(|line| line.split_once("(signal")).map_or_else(
            || output.status.to_string(),
            |(_, signal)| format!("ended by signal{}", signal.trim_end_matches(')')),
        ),
    }
}

/// All but what is built and what is history.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if kind.is_dir() && name != "target" && name != ".git" {
            fs::create_dir(to.join(&name))?;
            copy_sources(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() {
            // A copy is newer than all that was built before, so cargo takes nothing from an earlier, broken, one.
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}
