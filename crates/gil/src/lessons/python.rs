//! Is the real CPython as the model says?
//!
//! Each experiment of the other lessons, once more, with the CPythons on this machine: scripts run as children under a
//! time limit, and beside them the model's figure, taken in the same run. Look at the two columns: the model was written
//! from the description of the lock and knows nothing of CPython's speed, yet where the *lock* decides (no speed-up, a
//! median of one interval, updates lost at a switch) the figures agree. Where the interpreter's own speed decides
//! (requests a second without a lock) they need not.
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
    if !one.gil {
        let speedup = real.get(figures::CPU).unwrap_or(f64::NAN);
        let text = format!("{name}: two CPU-bound threads without the GIL: speed-up");
        story.timed(text, Bound::AtLeast(1.4), 2, || speedup);
        return;
    }
    let claims = [
        (
            format!("{name}: a request beside one busy thread takes as long as in the model, up to"),
            Bound::AtMost(1.5),
        ),
        (format!("{name}: two CPU-bound threads gain what they do in the model, up to"), Bound::AtMost(1.1)),
        (format!("{name}: `x = x + f()` loses as many as in the model, up to"), Bound::AtMost(1.5)),
    ];
    let spread = real.spread().max(model.spread());
    if spread.is_nan() || spread > 1.15 {
        let why = format!("machine not quiet: rounds of the same work differ by a factor of {spread:.2}");
        return claims.into_iter().for_each(|(text, bound)| story.skip(text, bound.to_string(), &why));
    }
    let gaps = |model: &Column, real: &Column| {
        [figures::CONVOY, figures::CPU, figures::LOST].map(|row| match (model.get(row), real.get(row)) {
            (Some(model), Some(real)) => (model / real).max(real / model),
            _ => f64::NAN,
        })
    };
    let mut first = Some(gaps(model, real));
    story.timed_all(claims, 2, || {
        first.take().unwrap_or_else(|| gaps(&figures::model(true), &figures::reality(one)))
    });
}
