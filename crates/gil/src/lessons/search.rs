//! How a lesson shows a search: the broken form's schedule is drawn, the fixed form's are counted.

use lesson::Story;
use model::schedule::{Bounds, Outcome, Program, explore};

/// Columns of a drawing.
const WIDTH: usize = 94;

/// Claims that `what` goes wrong in some schedule, and draws the smallest one that does.
///
/// # Errors
/// When the picture that `--svg` asks for cannot be written.
pub(super) fn broken(
    story: &mut Story,
    name: &str,
    what: &str,
    build: impl Fn(&mut Program),
) -> lesson::Result {
    let expected = "a schedule that fails";
    match explore(&Bounds::all(), story.seed(), build) {
        Outcome::Found { schedule, failing, searched, .. } => {
            story.show(schedule.draw(WIDTH));
            story.picture(name, || schedule.svg(what))?;
            let observed = format!("{}; {failing} of {searched} fail", schedule.verdict());
            story.claim(what, expected, observed, true);
        }
        Outcome::None(searched) => {
            story.claim(what, expected, format!("{searched}, none fails"), false);
        }
    }
    Ok(())
}

/// Claims that `what` goes wrong in no schedule, and says how many there are: all of them.
pub(super) fn fixed(story: &mut Story, what: &str, build: impl Fn(&mut Program)) {
    let outcome = explore(&Bounds::all(), story.seed(), build);
    let searched = outcome.searched();
    let observed = match outcome.schedule() {
        None => format!("{searched}, none fails"),
        Some(schedule) => {
            story.show(schedule.draw(WIDTH));
            format!("one fails: {}", schedule.verdict())
        }
    };
    let all = searched.reach == model::schedule::Reach::All;
    story.claim(what, "no schedule of all fails", observed, all && outcome.schedule().is_none());
}
