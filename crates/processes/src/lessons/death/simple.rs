//! The same in the two mechanisms, the simple forms of the pool: a death costs a new worker, a failure the run.
//!
//! An error and a panic come back as messages with the piece's number, from a worker that lives; they are the answer
//! of the run, and all workers are ended. A worker that dies says nothing: what the caller sees is the end of its
//! pipe, and from waitid(2) how it ended. Another takes its place and what it owed (`post.rs`); three deaths without an
//! answer in between are poison, and an error.

use std::{
    collections::BTreeSet,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use lesson::Story;
use workload::{RunError, Timeline, Workers};

use super::super::{
    again::THIS,
    deeds::{DOOMED, Deed, Deeds, Seen},
};
use crate::{
    Program, mechanisms,
    process_dynamic::{self, Chunks},
    process_static,
};

pub(super) fn tell(story: &mut Story) -> lesson::Result {
    one_death(story)?;
    one_bad_piece(story)
}

/// One of the workers is killed at its first piece.
fn one_death(story: &mut Story) -> lesson::Result {
    story.say(
        "The mechanisms are simple forms of the pool. Ten pieces for two workers, of which the first one started is \
         killed by SIGKILL at its first piece.",
    );
    let deeds = Deeds(vec![Deed::DieIfDoomed; 10]);
    let (two, off) = (Workers::new(2)?, Timeline::off());
    for mechanism in mechanisms::<Deeds>() {
        let started = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&started);
        let program = Program::new(move || {
            let mut command = Command::new(THIS);
            if count.fetch_add(1, Ordering::Relaxed) == 0 {
                command.env(DOOMED, "yes");
            }
            command
        });
        let seen: Vec<Seen> = match mechanism.name {
            "process-static" => process_static::with_program(&program, &deeds, two, &off)?,
            _ => process_dynamic::with_program(&program, Chunks::Measured, &deeds, two, &off)?,
        };
        let answered: BTreeSet<u32> = seen.iter().map(|seen| seen.pid).collect();
        let name = mechanism.name;
        story.equal(format!("{name}: all ten pieces are done"), 10, seen.len());
        story.equal(format!("{name}: a third worker was started"), 3, started.load(Ordering::Relaxed));
        story.equal(format!("{name}: no more than two have answered"), true, answered.len() <= 2);
    }
    Ok(())
}

/// One of the pieces fails, or ends whoever does it.
fn one_bad_piece(story: &mut Story) -> lesson::Result {
    story.say(
        "Again ten pieces. Nine only look around; the one with number 7 does something worse, each time.",
    );
    for mechanism in mechanisms::<Deeds>() {
        for (deed, what, expected) in [
            (Deed::Fail, "an error comes back with its piece", "piece 7: no such thing"),
            (Deed::Panic, "so does a panic, which its worker outlives", "piece 7 panicked: what now?"),
            (Deed::Exit(3), "a piece that exits is poison after three workers", "exited with code 3"),
            (Deed::Die, "so is one that is killed", "was killed by signal 9"),
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
                Err(RunError::Poison { pieces, deaths, .. }) => {
                    matches!(deed, Deed::Exit(_) | Deed::Die) && pieces.contains(&7) && deaths.len() == 3
                }
                _ => false,
            };
            let holds = kind && text.contains(expected);
            story.claim(format!("{}: {what}", mechanism.name), expected, text, holds);
        }
    }
    Ok(())
}
