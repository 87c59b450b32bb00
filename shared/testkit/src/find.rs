//! A seeded bug must be found: runs a broken twin in a child of this test binary and insists that it fails as expected.

use std::{
    env,
    panic::{self, AssertUnwindSafe},
    process::{self, Command, Output},
    thread,
    time::Duration,
};

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::{bug_table, run_within};

/// Names the twin that a child is to run.
const TWIN: &str = "TESTKIT_TWIN";
/// How the child says that it has come as far as the twin.
const BEGINS: &str = "testkit: the twin begins";
/// The child's exit code when the twin did not fail, and when it panicked.
const HELD: i32 = 90;
const PANICKED: i32 = 91;

/// The finding of a seeded bug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The bug.
    pub name: String,
    /// Who found it, if it said so, else `a run`.
    pub by: String,
    /// In which execution, if whoever found it said so.
    pub after_executions: Option<u64>,
    /// All that the failing child wrote to stderr: message, schedule.
    pub output: String,
}

/// As [`must_find_within`], with a minute to find it.
pub fn must_find(name: &str, expected: &str, twin: impl FnOnce()) -> Found {
    must_find_within(Duration::from_secs(60), name, expected, twin)
}

/// `twin` holds a bug on purpose and must fail with a message that contains `expected`, by a panic or an abort. It
/// runs in a child, because a checker that has found a deadlock may abort the process: this test binary again, only
/// the calling test, in which this call then runs `twin` and ends. So call it on the test's own thread. Several calls in one test need different names, and nothing between them may use a
/// result: the child passes the earlier ones with an empty [`Found`].
///
/// A twin that tells where it failed in a line with `in execution <number> (<checker>)` gets that into the result.
/// Prints one line, and with `TESTKIT_BUGS` set to a path adds one to the [table](bug_table) there.
///
/// # Panics
/// When the twin does not fail, fails for another reason (too few executions, say), hangs, or is not reached.
pub fn must_find_within(limit: Duration, name: &str, expected: &str, twin: impl FnOnce()) -> Found {
    match env::var(TWIN) {
        Ok(wanted) if wanted == name => run_twin(twin),
        // The child passes an earlier call of the same test.
        Ok(_) => {
            return Found {
                name: name.into(),
                by: String::new(),
                after_executions: None,
                output: String::new(),
            };
        }
        Err(_) => {}
    }
    let test = calling_test();
    let mut command = Command::new(env::current_exe().expect("this test binary has a path"));
    command.args([&test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"]);
    command.env(TWIN, name).env("RUST_BACKTRACE", "0");
    let output = match run_within(limit, &mut command) {
        Ok(output) => output,
        Err(why) => panic!("seeded bug {name:?} was not found: {why}"),
    };
    let found = judge(name, &test, expected, &output);
    let after = found.after_executions.map_or(String::new(), |n| format!(" in execution {n}"));
    println!("seeded bug: {name}: found by {}{after}", found.by);
    bug_table::record(&found, expected);
    found
}

/// What the child does.
fn run_twin(twin: impl FnOnce()) -> ! {
    // An abort is an expected end here and shall not leave a core file. If it can not be had, it is only untidy.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    eprintln!("{BEGINS}");
    let outcome = panic::catch_unwind(AssertUnwindSafe(twin));
    process::exit(if outcome.is_ok() { HELD } else { PANICKED });
}

fn judge(name: &str, test: &str, expected: &str, output: &Output) -> Found {
    use std::os::unix::process::ExitStatusExt;

    const SIGABRT: i32 = 6;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let Some((_, told)) = stderr.split_once(BEGINS) else {
        panic!(
            "seeded bug {name:?}: the child ran no such twin in test {test:?}; is it called on another thread?\n\
             {}{stderr}",
            String::from_utf8_lossy(&output.stdout)
        );
    };
    match (output.status.code(), output.status.signal()) {
        (Some(PANICKED), _) | (_, Some(SIGABRT)) => {}
        (Some(HELD), _) => panic!("seeded bug {name:?} was NOT found: the broken twin passes\n{told}"),
        _ => {
            panic!("seeded bug {name:?}: the child neither panicked nor aborted ({})\n{told}", output.status)
        }
    }
    assert!(told.contains(expected), "seeded bug {name:?}: failed, but without saying {expected:?}\n{told}");
    let said = told.lines().find_map(execution_in);
    Found {
        name: name.into(),
        by: said.map_or("a run", |(_, checker)| checker).into(),
        after_executions: said.map(|(number, _)| number),
        output: told.into(),
    }
}

/// Reads `... in execution 12 (loom) ...`.
fn execution_in(line: &str) -> Option<(u64, &str)> {
    let (_, rest) = line.split_once("in execution ")?;
    let (number, rest) = rest.split_once(" (")?;
    Some((number.parse().ok()?, rest.split_once(')')?.0))
}

/// The test's name, which is that of the thread the harness runs it on.
fn calling_test() -> String {
    let name = thread::current().name().map(str::to_owned);
    name.expect("called on the test's own thread, which has a name")
}
