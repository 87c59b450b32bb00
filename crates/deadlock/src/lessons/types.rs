//! Can the compiler keep the order of locks?
//!
//! Yes, if the order is made of types. `levels!(Accounts < Journal < Log)` makes a type for each level, and a trait
//! `Before` for each pair that is in order. To lock, a thread needs its key; the lock borrows the key while the guard
//! lives and gives another key, with which only later levels can be locked. What is out of order does not compile:
//! there is no run to wait for, and nothing to pay when it runs. Read `src/levels.rs`, which has all of it.
//!
//! Others do it, too; each draws the line elsewhere:
//!
//! | crate | how | differs |
//! |---|---|---|
//! | `lock_tree` 0.1 (Fuchsia's network stack), `lock_ordering` 0.2 | the same borrow, of what is locked so far; `LockAfter<A> for B` | you write each relation, so the order may be a tree; `lock_tree` wants all locks in one struct |
//! | `surelock` 0.1 | a key that a lock consumes and gives back one level on | levels are numbers; locks of one level are taken as a set, in the order of their ids; no lock can fail |
//! | `happylock` 0.5 | a key, no levels | all that is needed is taken at once, or nothing (hold and wait is what it breaks) |
//! | `tracing-mutex` 0.3 | no types: orders that were seen, while it runs | finds what ran, as the detector here |
//!
//! `surelock` beside it, in order:
//!
//! ```
//! use surelock::{key::lock_scope, level::Level, mutex::Mutex};
//!
//! let accounts: Mutex<i32> = Mutex::new(100);
//! let log: Mutex<Vec<&str>, Level<1>> = Mutex::new_higher(Vec::new(), &accounts);
//! lock_scope(|key| {
//!     let (mut balance, key) = key.lock(&accounts);
//!     let (mut lines, _key) = key.lock(&log);
//!     *balance -= 5;
//!     lines.push("5 out");
//! });
//! ```
//!
//! The other way round it is the same error as ours (`E0277`):
//!
//! ```compile_fail,E0277
//! # use surelock::{key::lock_scope, level::Level, mutex::Mutex};
//! # let accounts: Mutex<i32> = Mutex::new(100);
//! # let log: Mutex<Vec<&str>, Level<1>> = Mutex::new_higher(Vec::new(), &accounts);
//! lock_scope(|key| {
//!     let (mut lines, key) = key.lock(&log);
//!     let (mut balance, _key) = key.lock(&accounts);
//! });
//! ```
//!
//! Ours lends the key and has it back when the guard is gone; theirs is consumed by the lock, and a `subscope` lends it.
//!
//! What no type sees: which of two accounts comes first (that is for `lock_all`), and waits that are no locks.
//!
//! In Python there is nothing to compile; a lint that knows the order would have to follow every call.

use std::{
    env, fs,
    io::{self, Write},
    process::{self, Command, Stdio},
};

use lesson::{Lesson, Story};

use crate::{Key, LevelError, Leveled, levels};

pub(super) const LESSON: Lesson = Lesson {
    name: "types",
    question: "Can the compiler keep the order of locks?",
    python: &[],
    run,
    scenes: &[],
};

levels!(Accounts < Journal < Log);

fn run(story: &mut Story) -> lesson::Result {
    story.say("Three levels: Accounts < Journal < Log. In order it compiles, and runs:");
    story.equal("two locks in the order of their levels", Ok((95, 1)), in_order());
    story.equal("a key has no size: nothing is paid for the check", 0, size_of::<Key<'static, Log>>());

    story.say("Three programs for the compiler, made just now of the very source of the levels:");
    compiled(
        story,
        "in order",
        None,
        &["let (_a, mut key) = accounts.lock(&mut key)?;", "let (_l, _) = log.lock(&mut key)?;"],
    )?;
    compiled(
        story,
        "level 1 while level 3 is held",
        Some("`Accounts` may not be locked while `Log` is held"),
        &["let (_l, mut key) = log.lock(&mut key)?;", "let (_a, _) = accounts.lock(&mut key)?;"],
    )?;
    compiled(
        story,
        "with the old key, while the guard lives",
        Some("cannot borrow `key` as mutable more than once"),
        &["let (lines, _) = log.lock(&mut key)?;", "let (_a, _) = accounts.lock(&mut key)?;", "drop(lines);"],
    )?;
    Ok(())
}

// ANCHOR: in_order
/// The balance after, and how many lines were written.
fn in_order() -> Result<(i32, usize), LevelError> {
    let accounts = Leveled::<Accounts, _>::new(100);
    let log = Leveled::<Log, _>::new(Vec::new());
    let mut key = Key::of_this_thread()?;
    let (mut balance, mut key) = accounts.lock(&mut key)?;
    let (mut lines, _) = log.lock(&mut key)?;
    *balance -= 5;
    lines.push("5 out");
    Ok((*balance, lines.len()))
}
// ANCHOR_END: in_order

/// Claims that `lines` compile, or that the compiler says `error`, and shows what it says.
fn compiled(story: &mut Story, what: &str, error: Option<&str>, lines: &[&str]) -> io::Result<()> {
    let expected = error.unwrap_or("it compiles");
    match compile(lines) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            story.skip(what, expected, "there is no rustc here");
        }
        Err(why) => return Err(why),
        Ok(said) => {
            // What follows are hints.
            let first: Vec<&str> =
                said.lines().take_while(|line| !line.is_empty() && !line.starts_with("help:")).collect();
            if error.is_some() {
                story.show(first.join("\n"));
            }
            let observed = first.first().copied().unwrap_or("it compiles");
            let holds = error.map_or(said.is_empty(), |error| observed.contains(error));
            story.claim(what, expected, observed, holds);
        }
    }
    Ok(())
}

/// What rustc says to a function of these lines; nothing if it compiles.
fn compile(lines: &[&str]) -> io::Result<String> {
    // The file as it is, with std's types where it has the ones that can be checked.
    const LEVELS: &str = include_str!("../levels.rs");
    const AROUND: &str = "
        #[allow(unused_imports)]
        mod model { pub use std::{sync, thread_local}; }
        levels!(Accounts < Journal < Log);
    ";
    let source = format!(
        "{LEVELS}{AROUND}\npub fn example(accounts: &Leveled<Accounts, i32>, log: &Leveled<Log, i32>) -> \
         Result<(), LevelError> {{\nlet mut key = Key::of_this_thread()?;\n{}\nOk(())\n}}\n",
        lines.join("\n")
    );
    let folder = env::temp_dir().join(format!("levels-{}", process::id()));
    fs::create_dir_all(&folder)?;
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--crate-type=lib", "--crate-name=levels", "--emit=metadata"]);
    rustc.args(["--color=never", "-Awarnings", "--out-dir"]).arg(&folder).arg("-");
    rustc.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let said = rustc.spawn().and_then(|mut child| {
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(source.as_bytes())?;
        }
        child.wait_with_output()
    });
    fs::remove_dir_all(&folder)?;
    Ok(String::from_utf8_lossy(&said?.stderr).into_owned())
}
