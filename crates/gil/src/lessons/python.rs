//! Is the real CPython as the model says?
//!
//! Each experiment of the other lessons, once more, with the CPythons on this machine: scripts run as children under a
//! time limit, and beside them the model's figure, taken in the same run. Look at the two columns: the model was written
//! from the description of the lock and knows nothing of CPython's speed, yet where the *lock* decides (no speed-up, a
//! median of one interval) the figures agree. Where the interpreter's own speed decides (updates lost, requests a second
//! without a lock) they need not.
//!
//! And one interpreter is loaded into this very process, so that **Rust** threads take Python's lock: a Python loop in two
//! of them is no faster than in one, a Rust kernel that keeps the lock neither, and one that lets it go is.
//!
//! Asked are the newest interpreter with the GIL and the newest without; with `GIL_PYTHONS=all` all that `PATH` leads to.
//! Where there is none, all of it is skipped.

mod embedded;
mod figures;

use lesson::{Bound, Lesson, Story};

use crate::cpython::{self, Interpreter, Script};
use figures::{Column, LIMIT};

pub(super) const LESSON: Lesson = Lesson {
    name: "python",
    question: "Is the real CPython as the model says?",
    python: &["python3 -VV", "sys._is_gil_enabled", "sys.setswitchinterval", "PyGILState_Ensure"],
    run,
    scenes: &[("embedded", embedded::answers), ("embedded-times", embedded::times)],
};

fn run(story: &mut Story) -> lesson::Result {
    let found = cpython::interpreters();
    if found.is_empty() {
        story.skip(
            "CPython is as the model says",
            "the model's figures",
            "PATH leads to no CPython from 3.9 on",
        );
        return Ok(());
    }
    story.say("On this machine:");
    let line = |one: &Interpreter| {
        format!("{:6} GIL {:3}  {}", one.name(), if one.gil { "on" } else { "off" }, one.full_version)
    };
    story.show(found.iter().map(line).collect::<Vec<_>>().join("\n"));
    let asked = cpython::pick();
    for one in &asked {
        lost_updates(story, one);
    }
    embedded::tell(story)?;
    if story.is_timed() {
        let mut columns = Vec::new();
        for one in asked {
            let (model, real) = (figures::model(one.gil), figures::reality(one));
            compare(story, one, &model, &real);
            columns.extend([model, real]);
        }
        story.say("Each pair of columns was taken one right after the other:");
        story.show(figures::table(&columns));
    }
    Ok(())
}

fn lost_updates(story: &mut Story, one: &Interpreter) {
    let plain = format!("{}: `x += 1` loses nothing", one.name());
    let call = format!("{}: `x = x + f()` loses updates", one.name());
    if !one.gil || one.version < (3, 10) {
        let why = if one.gil { "before 3.10 there were more checkpoints" } else { "its GIL is off" };
        return story.skip(plain, "0 lost", why);
    }
    match Script::RACE.run(one, LIMIT).and_then(|lost| Ok((lost.get("plain")?, lost.get("call")?))) {
        Ok((none, some)) => {
            let share = |lost: f64| format!("{:.1} % lost", 100.0 * lost);
            story.claim(plain, "0.0 % lost", share(none), none == 0.0);
            story.claim(call, "more than 0.0 % lost", share(some), some > 0.0);
        }
        Err(why) => story.skip(plain, "0.0 % lost", why),
    }
}

/// Claims how close the two are, if this machine lets it be judged: rounds that differ among themselves say nothing.
fn compare(story: &mut Story, one: &Interpreter, model: &Column, real: &Column) {
    let name = one.name();
    let convoy = "a request beside one busy thread: model and CPython differ by a factor of";
    let cpu = "speed-up of two CPU-bound threads: model and CPython differ by a factor of";
    let spread = real.spread().max(model.spread());
    let gaps = [("convoy", convoy, figures::CONVOY, 1.5), ("cpu", cpu, figures::CPU, 1.1)];
    for (_, text, row, most) in gaps.into_iter().filter(|gap| one.gil || gap.0 == "cpu") {
        let (text, bound) = (format!("{name}: {text}"), Bound::AtMost(most));
        let gap = |model: &Column, real: &Column| match (model.get(row), real.get(row)) {
            (Some(model), Some(real)) => (model / real).max(real / model),
            _ => f64::NAN,
        };
        if spread > 1.15 {
            let why = format!("machine not quiet: rounds of the same work differ by a factor of {spread:.2}");
            story.skip(text, bound.to_string(), why);
            continue;
        }
        let mut first = Some(gap(model, real));
        story.timed(text, bound, 2, || {
            first.take().unwrap_or_else(|| gap(&figures::model(one.gil), &figures::reality(one)))
        });
    }
}
