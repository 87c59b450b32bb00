//! How a lesson shows a search: the broken form's schedule is drawn, the fixed form's are counted.

use model::schedule::{Bounds, Failure, Outcome, Program, Reach, Schedule, Searched, explore};

use crate::Story;

/// Columns of a drawing.
const WIDTH: usize = 94;

/// Claims that `what` fails in some schedule with exactly `preemptions`, and draws the smallest that does.
/// Under `--explain` each of its steps is explained, under `--svg` it is written to `LESSON-NAME.svg`.
///
/// Returns how far it searched.
///
/// # Errors
/// When the picture cannot be written.
pub fn broken(
    story: &mut Story,
    name: &str,
    what: &str,
    preemptions: usize,
    bounds: &Bounds,
    build: impl Fn(&mut Program),
) -> Result<Searched, Box<dyn std::error::Error>> {
    let outcome = explore(bounds, story.seed(), build);
    let plural = if preemptions == 1 { "" } else { "s" };
    let expected = format!("a schedule with {preemptions} preemption{plural}");
    match outcome {
        Outcome::Found { schedule, failing, searched, .. } => {
            story.show(schedule.draw(WIDTH));
            if story.explains() {
                story.show(schedule.explain());
            }
            story.picture(name, || schedule.svg(what))?;
            let seen = schedule.preemptions;
            let often = match searched.schedules {
                1 => "in its only schedule".to_owned(),
                _ => format!("{failing} of {searched} fail"),
            };
            let observed = format!("one with {seen}: {}; {often}", end(&schedule));
            story.claim(what, expected, observed, seen == preemptions);
            Ok(searched)
        }
        Outcome::None(searched) => {
            story.claim(what, expected, format!("{searched}, none fails"), false);
            Ok(searched)
        }
    }
}

/// Claims that `what` fails in no schedule within `bounds`, and says how many there were. A search that was ended before it
/// had seen all of them proves nothing, and the claim does not hold.
pub fn fixed(story: &mut Story, what: &str, bounds: &Bounds, build: impl Fn(&mut Program)) {
    let outcome = explore(bounds, story.seed(), build);
    let searched = outcome.searched();
    let observed = match outcome.schedule() {
        None => format!("{searched}, none fails"),
        Some(schedule) => {
            story.show(schedule.draw(WIDTH));
            format!("one fails: {}", end(schedule))
        }
    };
    let proven = outcome.schedule().is_none() && searched.reach != Reach::Some;
    story.claim(what, "no schedule fails", observed, proven);
}

/// How the schedule ended; of a deadlock, who waits for what.
fn end(schedule: &Schedule) -> String {
    let Failure::Deadlock { waiting } = &schedule.failure else { return schedule.verdict() };
    let each = waiting.iter().map(|(thread, _, why)| format!("{}: {why}", schedule.threads[*thread]));
    format!("deadlock ({})", each.collect::<Vec<_>>().join("; "))
}
