//! What does one more worker cost to start: a thread, a fork, a vfork, a posix_spawn, a Python?
//!
//! A thread needs a stack and an entry in the scheduler. fork needs page tables like the caller's: copying those is
//! what costs, and it grows with the caller's memory, though no page itself is copied. vfork and posix_spawn copy nothing,
//! so they cost the same from any caller; then a program has to be loaded, linked and begun, which for Python means
//! its library as well. `Command` is one of those two, unless it is asked for code between fork and exec.
//!
//! Look at the columns side by side; all were measured in turn just now, start to end of wait.
//!
//! In Python: `fork` of a process with much memory is where `ProcessPoolExecutor` is slow to start, and starts of
//! `spawn` cost an interpreter each.

use std::{
    io,
    process::{self, Command, ExitStatus, Stdio},
    thread,
};

use lesson::{
    Bound, Lesson, Story,
    measure::{Samples, in_turn, ratio},
};

use rustix::param::page_size;

use super::again::{Said, THIS, again, nobody_left, until_input_ends};
use crate::{
    pages::Pages,
    proc::{self, memory},
    start::{Image, Started, fork, posix_spawn, vfork},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "cost",
    question: "What does a process cost to start, in time and in memory?",
    python: &["Process.start", "os.fork", "os.posix_spawn", "subprocess.Popen"],
    run,
    scenes: &[
        ("nothing", || {}),
        ("ready", || {
            println!("ready");
            until_input_ends();
        }),
    ],
};

/// Much memory: 256 MiB, in bytes.
const LARGE: usize = 256 << 20;

fn run(story: &mut Story) -> lesson::Result {
    space(story)?;
    if story.is_timed() {
        time(story)?;
    } else {
        story.skip("what starts cost", "see the claims", "time is not judged under --untimed");
    }
    nobody_left(story);
    Ok(())
}

fn fine(status: io::Result<ExitStatus>) {
    // A start that fails would be faster than it is.
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{status:?}");
}

fn by_fork() {
    fine(fork(|| 0).map_err(io::Error::other).and_then(Started::wait));
}

fn time(story: &mut Story) -> lesson::Result {
    const ROUNDS: usize = 7;
    let this = Image::new(THIS, ["--scene", "cost/nothing"])?;
    // Small: ends as soon as it has begun, so that the calls are compared and not what the program does.
    let small = ["/bin/true", "/usr/bin/true"].into_iter().find(|path| std::path::Path::new(path).exists());
    let small = small.map(|path| Image::new(path, [""; 0])).transpose()?;
    let small = small.as_ref().unwrap_or(&this);
    let mut threads = || drop(thread::spawn(|| ()).join());
    let mut vforked = || fine(vfork(small).and_then(Started::wait));
    let mut spawned = || fine(posix_spawn(small).and_then(Started::wait));
    let mut rust = || fine(posix_spawn(&this).and_then(Started::wait));
    // fork not right after a thread, for whose last traces it would wait.
    let [thread, vfork, spawn, forked, exec] =
        in_turn(ROUNDS, [&mut threads, &mut vforked, &mut spawned, &mut by_fork, &mut rust]);
    let large = Pages::touched(LARGE / page_size())?;
    let [large_fork, large_spawn] = in_turn(ROUNDS, [&mut by_fork, &mut spawned]);
    let tables = proc::status(process::id(), "VmPTE")?;
    drop(large);
    let mut rows = vec![format!("{:<44}{:>10}", "from start to end of wait, median", "us")];
    let mut row =
        |what: &str, samples: &Samples| rows.push(format!("{what:<44}{:>10.0}", samples.median() * 1e6));
    row("a thread", &thread);
    row("fork, caller small", &forked);
    row("fork, caller with 256 MiB", &large_fork);
    row("vfork and exec of a small program", &vfork);
    row("posix_spawn of the same", &spawn);
    row("posix_spawn, caller with 256 MiB", &large_spawn);
    row("posix_spawn of this program", &exec);
    let python = python_start();
    if let Ok((python, _)) = &python {
        row("posix_spawn of Python", python);
    }
    story.show(rows.join("\n"));
    story.say(format!(
        "(A forked child has page tables like its parent's: {} KiB of them with those 256 MiB.)",
        tables >> 10
    ));
    judge(story, &this, small)?;
    const CLAIM: &str = "a Python costs many times as much as a Rust program";
    match python {
        Ok(measured) => {
            // It takes so long that the measurement above serves for the first try, too.
            let mut measured = Some(measured);
            story.timed(CLAIM, Bound::AtLeast(3.0), 1, || {
                let again = measured.take().map_or_else(python_start, Ok);
                again.map_or(f64::NAN, |(python, rust)| ratio(&python, &rust))
            });
        }
        Err(why) => story.skip(CLAIM, "at least 3x", why),
    }
    Ok(())
}

fn judge(story: &mut Story, this: &Image, small: &Image) -> lesson::Result {
    let mut threads = || (0..10).for_each(|_| drop(thread::spawn(|| ()).join()));
    let mut rust = || fine(posix_spawn(this).and_then(Started::wait));
    story.timed("a process costs many times as much as a thread", Bound::AtLeast(4.0), 1, || {
        let [rust, threads] = in_turn(9, [&mut rust, &mut threads]);
        10.0 * ratio(&rust, &threads)
    });
    let mut spawned = || fine(posix_spawn(small).and_then(Started::wait));
    let mut failed = None;
    let claims = [
        ("fork costs many times as much from a caller with 256 MiB".to_owned(), Bound::AtLeast(3.0)),
        ("posix_spawn costs the same from both".to_owned(), Bound::AtMost(2.0)),
    ];
    story.timed_all(claims, 1, || {
        // In turn with and without: each round makes the memory and gives it back.
        let [mut forks, mut spawns] =
            [[Samples::default(), Samples::default()], [Samples::default(), Samples::default()]];
        for _ in 0..5 {
            for large in [false, true] {
                let held = match Pages::touched(if large { LARGE / page_size() } else { 1 }) {
                    Ok(held) => held,
                    Err(error) => {
                        failed = Some(error);
                        return [f64::NAN; 2];
                    }
                };
                let [fork, spawn] = in_turn(3, [&mut by_fork, &mut spawned]);
                forks[usize::from(large)].push(fork.median());
                spawns[usize::from(large)].push(spawn.median());
                drop(held);
            }
        }
        [&forks, &spawns].map(|[small, large]| ratio(large, small))
    });
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// What a Python takes that does nothing, in turn with this program.
fn python_start() -> Result<(Samples, Samples), String> {
    let python = || Command::new("python3").args(["-I", "-c", "pass"]).stdin(Stdio::null()).status();
    match python() {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("python3 ended with {status}")),
        Err(error) => return Err(format!("python3 cannot be run here: {error}")),
    }
    let mut rust = || fine(again("cost/nothing").stdin(Stdio::null()).status());
    let [python, rust] = in_turn(5, [&mut || fine(python()), &mut rust]);
    Ok((python, rust))
}

fn space(story: &mut Story) -> lesson::Result {
    let mut rust = again("cost/ready");
    let mut python = Command::new("python3");
    python.args(["-I", "-c", "import sys; print('ready', flush=True); sys.stdin.read()"]);
    let rust = resting(&mut rust)?;
    let mut rows =
        vec![format!("{:<24}{:>10}{:>10}", "at rest, KiB", "RSS", "own"), row("this program", rust)];
    const CLAIM: &str = "a Python at rest has more memory of its own than a Rust program";
    match resting(&mut python) {
        Ok(python) => {
            rows.push(row("Python", python));
            story.show(rows.join("\n"));
            let factor = python.uss as f64 / rust.uss as f64;
            story.claim(CLAIM, "at least 2 times", format!("{factor:.1} times"), factor >= 2.0);
        }
        Err(error) => {
            story.show(rows.join("\n"));
            story.skip(CLAIM, "at least 2 times", format!("python3 cannot be run here: {error}"));
        }
    }
    Ok(())
}

fn row(what: &str, taken: proc::Memory) -> String {
    format!("{what:<24}{:>10}{:>10}", taken.rss >> 10, taken.uss >> 10)
}

/// The memory of a program that has said its first line and waits for the end of its input.
fn resting(command: &mut Command) -> io::Result<proc::Memory> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    Said::by(&mut child.stdout)?.line()?;
    let taken = memory(child.id());
    drop(child.stdin.take());
    child.wait()?;
    taken
}
