//! A producer that is faster than its workers fills the memory, unless something makes it wait.
//!
//! `submit` takes whatever comes: the queue is as long as the producer is ahead. `map` reads its input only when an
//! answer has been taken, and at most `ahead` of them are on the way: inputs waiting, pieces being done and answers not
//! yet taken together. So memory is bounded, the input may be endless, and whoever reads slowly slows down all that is
//! before it. Too short a way leaves workers without work: it needs a few pieces for each.
//!
//! In Python: `Pool.imap` reads all of its input at once (2,000 of 2,000 after the first answer); a semaphore around
//! `apply_async`, or `Executor.map` with `buffersize` (3.14), is the cure.

use std::cell::Cell;

use lesson::{Bound, Lesson, Story, measure};

use super::errands::{ERRANDS, Errand};
use crate::pool::Pool;

pub(super) const LESSON: Lesson = Lesson {
    name: "backpressure",
    question: "How far ahead of its workers may a producer run?",
    python: &["Pool.imap", "Executor.map", "BoundedSemaphore", "Queue(maxsize)"],
    run,
    scenes: &[],
};

const AHEAD: usize = 16;

fn run(story: &mut Story) -> lesson::Result {
    story.say(format!(
        "A producer of 2,000 pieces counts how many were taken from it. First each is submitted, then a `map` is allowed \
         to run {AHEAD} ahead."
    ));
    let produced = Cell::new(0);
    let errands = || (0..2_000).inspect(|_| produced.set(produced.get() + 1)).map(Errand::Square);
    let pool = Pool::of(&ERRANDS).workers(2).ahead(AHEAD).start()?;
    let mut pending = errands().map(|errand| pool.submit(errand)).collect::<Vec<_>>().into_iter();
    pending.next().ok_or("no piece")?.wait()?;
    story.equal("submitted: all are produced when the first answer is taken", 2_000, produced.get());
    pending.try_for_each(|pending| pending.wait().map(drop))?;

    // ANCHOR: bounded
    produced.set(0);
    let mut answers = pool.map(errands());
    answers.next().ok_or("no piece")??;
    let after_the_first = produced.get();
    // ANCHOR_END: bounded
    story.claim(
        "mapped: after the first answer, no more than the bound is on the way",
        format!("at most {}", AHEAD + 1),
        after_the_first.to_string(),
        after_the_first <= AHEAD + 1,
    );
    // Counted by the producer, before each answer: what was produced and not given out.
    let (mut given, mut peak) = (1, 0);
    for answer in answers.by_ref() {
        answer?;
        peak = peak.max(produced.get() - given);
        given += 1;
    }
    story.equal("all are done in the end", (2_000, 2_000), (given, produced.get()));
    story.equal("and never more were on the way", (AHEAD, AHEAD), (answers.peak(), peak));
    drop(answers);

    let first: Vec<u64> = pool.map((0..).map(Errand::Square)).take(100).collect::<Result<_, _>>()?;
    story.equal("so the input may have no end", Some(&(99 * 99)), first.last());

    story.say(
        "The other side: a `map` that may run one ahead has one piece on the way, so that one of two workers waits.",
    );
    let short = Pool::of(&ERRANDS).workers(2).ahead(1).start()?;
    let through = |pool: &Pool<Errand, u64>| {
        pool.map(std::iter::repeat_n(Errand::Compute(300), 100)).filter(Result::is_ok).count()
    };
    let both = [&short, &pool].map(through);
    story.equal("both do all pieces", [100, 100], both);
    story.timed("a bound of one costs the gain of the second worker", Bound::AtLeast(1.3), 2, || {
        let [one, some] = measure::in_turn(5, [&mut || _ = through(&short), &mut || _ = through(&pool)]);
        measure::ratio(&one, &some)
    });
    Ok(())
}
