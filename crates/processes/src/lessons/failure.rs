//! A piece may fail, panic, or take its whole process with it: the caller gets an error that says which, and
//! nothing stays behind.
//!
//! An error and a panic come back as messages with the piece's number, from a worker that lives. A worker that
//! dies says nothing: what the caller sees is the end of its pipe, and from wait(2) how it ended. In each case
//! the run is over: all other workers are killed and waited for (`Drop` of `Crew`).
//!
//! In Python a pool loses the piece of a killed worker and waits for ever (`Pool`), or is broken for good
//! (`ProcessPoolExecutor`: `BrokenProcessPool`).

use lesson::{Lesson, Story};
use rustix::process::{WaitOptions, wait};
use workload::{RunError, Timeline, Workers};

use super::deeds::{Deed, Deeds};
use crate::mechanisms;

pub(super) const LESSON: Lesson = Lesson {
    name: "failure",
    question: "What does the caller see when a piece fails, panics, or kills its worker?",
    python: &["BrokenProcessPool", "Process.exitcode", "Pool.map"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "Ten pieces for two workers. Nine only look around; the one with number 7 does something worse.",
    );
    for mechanism in mechanisms::<Deeds>() {
        for (deed, what, expected) in [
            (Deed::Fail, "an error comes back with its piece", "piece 7: no such thing"),
            (Deed::Panic, "so does a panic, which its worker outlives", "piece 7 panicked: what now?"),
            (Deed::Exit(3), "a worker that exits is named with its code", "exited with code 3"),
            (Deed::Die, "a worker that is killed is named with its signal", "was killed by signal 9"),
        ] {
            let mut deeds = vec![Deed::Look; 10];
            deeds[7] = deed;
            let outcome = (mechanism.run)(&Deeds(deeds), Workers::new(2)?, &Timeline::off());
            let text = match &outcome {
                Ok(_) => "an answer".to_owned(),
                Err(error) => error.to_string(),
            };
            let kind = match outcome {
                Err(RunError::Piece { piece: 7, .. }) => deed == Deed::Fail,
                Err(RunError::Panicked { piece: 7, .. }) => deed == Deed::Panic,
                Err(RunError::WorkerDied { .. }) => matches!(deed, Deed::Exit(_) | Deed::Die),
                _ => false,
            };
            let holds = kind && text.contains(expected);
            story.claim(format!("{}: {what}", mechanism.name), expected, text, holds);
        }
    }
    // wait(2) fails with ECHILD when this process has no child at all, neither living nor zombie.
    let left = match wait(WaitOptions::NOHANG) {
        Err(rustix::io::Errno::CHILD) => "none".to_owned(),
        other => format!("{other:?}"),
    };
    story.equal("no worker is left, not even as a zombie", "none", &left);
    Ok(())
}
