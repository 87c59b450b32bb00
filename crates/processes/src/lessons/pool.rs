//! A pool of processes in which every piece has an owner: whatever happens to a worker, each piece is answered once.
//!
//! `Pool::of(&TASK)` starts workers, which are this program again; `map` gives answers in order, `map_unordered` as they
//! come, `submit` a future. Look at `pool/ledger.rs`: a piece is a value that is moved from the queue to a worker's
//! order and from there to its answer. So it is always in one place, and when a worker dies it is known what it had.
//! The two mechanisms are its simple forms: `pool/shares.rs` compares who gets which piece in them.
//!
//! In Python: `Pool` and `ProcessPoolExecutor`. The first loses the pieces of a killed worker and waits for ever, the
//! second gives up all pieces with `BrokenProcessPool`.

mod shares;

use std::collections::BTreeSet;

use lesson::{Bound, Lesson, Story, measure};

use super::{
    again::nobody_left,
    errands::{COUNTER, ERRANDS, Ending, Errand},
};
use crate::pool::{Failed, Pool, Why};

pub(super) const LESSON: Lesson = Lesson {
    name: "pool",
    question: "How does a pool of processes lose nothing?",
    python: &[
        "Pool",
        "Pool.imap",
        "Pool.imap_unordered",
        "Pool.apply_async",
        "AsyncResult",
        "Pool.close",
        "Pool.terminate",
        "Pool.map",
        "ProcessPoolExecutor",
    ],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    orders(story)?;
    owners(story)?;
    failures(story)?;
    lives(story)?;
    chunks(story)?;
    shares::tell(story)?;
    nobody_left(story);
    Ok(())
}

/// The ways to give pieces and take answers.
fn orders(story: &mut Story) -> lesson::Result {
    // ANCHOR: orders
    let pool = Pool::of(&ERRANDS).workers(2).start()?;
    let squares: Vec<u64> = pool.map((0..1_000).map(Errand::Square)).collect::<Result<_, _>>()?;
    let places: BTreeSet<usize> =
        pool.map_unordered((0..1_000).map(Errand::Square)).map(|(place, _)| place).collect();
    let later = pool.submit(Errand::Square(12));
    // ANCHOR_END: orders
    story.say("Two workers, 1,000 squares: in order, as they come, and one by a future.");
    let right = (0..1_000).map(|x| x * x).collect::<Vec<u64>>() == squares;
    story.equal("`map` gives the answers in the order of the inputs", true, right);
    story.equal("`map_unordered` gives each once, with its place", 1_000, places.len());
    story.equal("`submit` gives a future, to be waited for later", 144, later.wait()?);
    let report = pool.close();
    story.equal("the same two workers did all of it", (2, 2_001), (report.started, report.answered));
    Ok(())
}

/// A piece outlives its worker.
fn owners(story: &mut Story) -> lesson::Result {
    // ANCHOR: owners
    let pool = Pool::of(&ERRANDS).workers(1).start()?;
    let victim = u32::try_from(pool.submit(Errand::Who).wait()?)?;
    let errands = (0..1_000).map(|x| match x {
        500 => Errand::End(Ending::Kill, Some(victim)),
        x => Errand::Square(x),
    });
    let answers: Vec<u64> = pool.map(errands).collect::<Result<_, _>>()?;
    // ANCHOR_END: owners
    story.say(format!(
        "Now one worker, process {victim}. Piece 500 of 1,000 kills it by SIGKILL, and does no harm to any other."
    ));
    let report = pool.report();
    story.equal("the worker has died", 1, report.died);
    story.equal("all pieces have an answer none the less", 1_000, answers.len());
    story.claim(
        "piece 500 was done again, by a new worker",
        format!("not {victim}"),
        answers[500].to_string(),
        answers[500] != u64::from(victim),
    );
    story.equal("which stands in the place of the dead one", (2, 1), (report.started, pool.workers().len()));
    Ok(())
}

/// What becomes of a piece that cannot be done.
fn failures(story: &mut Story) -> lesson::Result {
    let pool = Pool::of(&ERRANDS).workers(2).tries(2).start()?;
    let mut errands: Vec<Errand> = (0..100).map(Errand::Square).collect();
    (errands[20], errands[50], errands[80]) =
        (Errand::Fail, Errand::Panic, Errand::End(Ending::Exit(3), None));
    let answers: Vec<_> = pool.map(errands).collect();
    let failed: Vec<&Failed<Errand>> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
    story.say("Of 100 pieces one fails, one panics, and one ends every worker that tries it.");
    story.show(failed.iter().map(|failed| format!("{failed}")).collect::<Vec<_>>().join("\n"));
    story.equal("97 are done", 97, answers.len() - failed.len());
    let [error, panic, poison] = failed[..] else { return Err("three should fail".into()) };
    story.equal(
        "an error comes back in its own words",
        "invalid digit found in string",
        &error.why.to_string(),
    );
    story.equal("so does a panic", "panicked: what now?", &panic.why.to_string());
    let stacks = [error, panic]
        .map(|failed| failed.why.backtrace().is_some_and(|stack| stack.contains("processes::pool::serve")));
    story.equal("with both comes the stack of the worker", [true, true], stacks);
    let deaths = match &poison.why {
        Why::Poison { deaths } => deaths.len(),
        _ => 0,
    };
    story.equal("a piece that ends its workers is given up after so many tries: poison", 2, deaths);
    story.equal(
        "each failure brings its input back",
        Errand::End(Ending::Exit(3), None),
        poison.input.clone(),
    );
    Ok(())
}

/// A worker's life: one start, so many pieces.
fn lives(story: &mut Story) -> lesson::Result {
    let pool = Pool::with(&COUNTER, &100).workers(2).pieces_per_worker(10).start()?;
    let answers: Vec<(u32, u64)> = pool.map(std::iter::repeat_n((), 60)).collect::<Result<_, _>>()?;
    let workers: BTreeSet<u32> = answers.iter().map(|(pid, _)| *pid).collect();
    let most = answers.iter().map(|(_, count)| *count).max();
    story.say("A task with a state: each worker begins with the argument of the pool, here 100, and counts its pieces.");
    story.equal("no worker counts beyond ten pieces: then it is replaced", Some(110), most);
    story.claim(
        "so 60 pieces need at least six workers",
        "6 or more",
        workers.len().to_string(),
        workers.len() >= 6,
    );
    let report = pool.close();
    story.equal("none of them died: they were let go", 0, report.died);
    Ok(())
}

/// What it costs to hand out a piece.
fn chunks(story: &mut Story) -> lesson::Result {
    let single = Pool::with(&COUNTER, &0).workers(2).chunk(1).start()?;
    let measured = Pool::with(&COUNTER, &0).workers(2).start()?;
    let count = if story.is_timed() { 20_000 } else { 100 };
    let through =
        |pool: &Pool<(), (u32, u64)>| pool.map(std::iter::repeat_n((), count)).filter(Result::is_ok).count();
    story.equal(
        "with one piece an order, or as many as the clock says, all are done",
        [count; 2],
        [through(&single), through(&measured)],
    );
    story.timed(
        "pieces of no work go through several times as fast in chunks",
        Bound::AtLeast(2.0),
        2,
        || {
            let [single, measured] =
                measure::in_turn(5, [&mut || _ = through(&single), &mut || _ = through(&measured)]);
            measure::ratio(&single, &measured)
        },
    );
    Ok(())
}
