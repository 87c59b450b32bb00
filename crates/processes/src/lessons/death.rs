//! What a parent sees when a child exits, is killed, crashes or hangs; and what a pool makes of each.
//!
//! An exit leaves a code of 0 to 255, a signal its number (`exitcode` -N in Python); a hung child leaves nothing, and
//! only a limit tells it from a slow one. A pool sees the same of a worker, and knows what it had: that goes to another
//! worker. A piece that ends each worker that tries it is poison. The mechanisms do the same in few lines
//! (`death/simple.rs`), but that their first failure ends them.
//!
//! In Python, `Pool.map` waits for ever for a piece whose worker was killed (cpython#96062).

mod simple;

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use lesson::{Lesson, Story};

use super::{
    again::nobody_left,
    errands::{ERRANDS, Ending, Errand},
};
use crate::{
    child::{Child, active_children},
    pool::{Pool, Why},
};

pub(super) const LESSON: Lesson = Lesson {
    name: "death",
    question: "A worker exits, is killed, crashes, hangs: what does the parent see, and what becomes of its work?",
    python: &[
        "Process.exitcode",
        "Process.join",
        "Process.sentinel",
        "Process.terminate",
        "BrokenProcessPool",
        "Pool.map",
    ],
    run,
    scenes: &[
        ("exit", || Ending::Exit(3).come()),
        ("kill", || Ending::Kill.come()),
        ("crash", || Ending::Crash.come()),
        ("hang", || Ending::Hang.come()),
    ],
};

const SCENES: [(&str, Ending, Option<i32>); 4] = [
    ("exit", Ending::Exit(3), Some(3)),
    ("kill", Ending::Kill, Some(-9)),
    ("crash", Ending::Crash, Some(-11)),
    ("hang", Ending::Hang, None),
];

fn run(story: &mut Story) -> lesson::Result {
    seen(story)?;
    recovered(story)?;
    poison(story)?;
    simple::tell(story)?;
    nobody_left(story);
    Ok(())
}

/// The parent's view of a child.
fn seen(story: &mut Story) -> lesson::Result {
    story.say("This program starts itself as four children. Each comes to another end, or to none.");
    for (scene, _, code) in SCENES {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--scene", &format!("death/{scene}")]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = Child::spawn(&mut command)?;
        // A limit that means "never", but for the one that is meant never to end.
        let limit = Duration::from_secs(if code.is_some() { 60 } else { 0 });
        let end = child.join_within(limit);
        let text = end.map_or_else(|| "still there".to_owned(), |end| end.to_string());
        story.show(format!("{scene:<6} {text}"));
        story.equal(format!("{scene}: what the parent sees, as Python counts it"), code, child.exitcode());
        if code.is_none() {
            story.equal("one that hangs is a child like any other", [child.pid()], {
                let pids: Vec<u32> = active_children().iter().map(|child| child.pid()).collect();
                pids.try_into().unwrap_or([0])
            });
            child.kill()?;
            story.equal("SIGKILL ends also that", Some(-9), child.join().exitcode());
            let again = child.terminate().err().and_then(|error| error.raw_os_error());
            story.equal("a signal to it is refused now, even if its number is used again", Some(3), again);
        }
    }
    Ok(())
}

/// A pool's view: the worker is gone, its piece is not.
fn recovered(story: &mut Story) -> lesson::Result {
    story.say(
        "Now a pool of one worker, with a limit of 100 ms for a piece. A piece ends its first worker in each of these \
         ways; the next worker does it.",
    );
    for (scene, ending, _) in SCENES {
        let pool = Pool::of(&ERRANDS).workers(1).limit(Duration::from_millis(100)).start()?;
        let first = pool.submit(Errand::Who).wait()?;
        let second = pool.submit(Errand::End(ending, u32::try_from(first).ok())).wait()?;
        let report = pool.report();
        story.claim(
            format!("{scene}: another worker answers"),
            format!("not {first}"),
            second.to_string(),
            second != first,
        );
        story.claim(
            format!("{scene}: the pool has noticed"),
            "at least one died",
            format!("{} died", report.died),
            report.died >= 1 && (ending != Ending::Hang || report.late >= 1),
        );
    }
    Ok(())
}

/// A piece that no worker survives.
fn poison(story: &mut Story) -> lesson::Result {
    let pool = Pool::of(&ERRANDS).workers(2).tries(2).limit(Duration::from_millis(100)).start()?;
    let mut errands: Vec<Errand> = (0..40).map(Errand::Square).collect();
    for ((_, ending, _), place) in SCENES.into_iter().zip([5, 15, 25, 35]) {
        errands[place] = Errand::End(ending, None);
    }
    story.say("At last 40 pieces, of which four end each worker that tries them. Each gets two tries.");
    let answers: Vec<_> = pool.map(errands).collect();
    let poisons: Vec<(usize, &Vec<String>)> = answers
        .iter()
        .enumerate()
        .filter_map(|(place, answer)| match answer.as_ref().err().map(|failed| &failed.why) {
            Some(Why::Poison { deaths }) => Some((place, deaths)),
            _ => None,
        })
        .collect();
    let rows = poisons.iter().map(|(place, deaths)| format!("piece {place:<3} {}", deaths.join("; ")));
    story.show(rows.collect::<Vec<_>>().join("\n"));
    story.equal("36 pieces are done", 36, answers.iter().filter(|answer| answer.is_ok()).count());
    let places: Vec<usize> = poisons.iter().map(|(place, _)| *place).collect();
    story.equal("the four are reported, and no other", vec![5, 15, 25, 35], places);
    let tries = poisons.iter().all(|(_, deaths)| deaths.len() == 2);
    story.equal("each with its two deaths", true, tries);
    Ok(())
}
