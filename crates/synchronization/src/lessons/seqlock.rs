//! How can readers copy what may be overwritten at that moment?
//!
//! By looking whether it was. A writer makes a number odd, writes, and makes it even again; a reader copies and keeps the
//! copy only if the number was the same even one before and after. So a reader never holds up a writer, and never
//! writes to shared memory at all, which is why any number of them read at full speed.
//!
//! It serves for small plain data (`Copy`: the copy may be torn until it is judged, so nothing in it may be followed),
//! and where writes are seldom: under a writer that never rests, readers may try for ever. Python has nothing like it.

use std::{hint::black_box, sync::RwLock, thread};

use lesson::{
    Bound, Lesson, Story,
    measure::{in_turn, ratio},
};

use crate::SeqLock;

/// How can readers copy what may be overwritten at that moment?
pub(super) const LESSON: Lesson = Lesson {
    name: "seqlock",
    question: "How can readers copy what may be overwritten at that moment?",
    python: &[],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("Without a lock: a reader has copied the first of two words when a writer replaces both.");
    let mut shared = [1, 1];
    let first = shared[0];
    shared = [2, 2];
    let torn = [first, shared[1]];
    story.equal("the copy is one that never was", ([1, 2], false), (torn, torn == [1, 1] || torn == [2, 2]));

    let lock = SeqLock::new([1, 1]);
    let mut while_writing = Some([0, 0]);
    lock.update(|_| {
        while_writing = lock.try_read();
        [2, 2]
    });
    story.equal("in the middle of a write a reader is told that there is no copy", None, while_writing);
    story.equal("after it there is", Some([2, 2]), lock.try_read());

    story.say(
        "Two writers add 1 to all of six words, 20,000 times each, while a reader copies without a stop.",
    );
    const UPDATES: u64 = 20_000;
    let lock = SeqLock::new([0_u64; 6]);
    let (copies, torn) = thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..UPDATES).for_each(|_| lock.update(|words| words.map(|word| word + 1))));
        }
        let (mut copies, mut torn) = (0, 0);
        loop {
            let words = lock.read();
            copies += 1;
            torn += usize::from(words != [words[0]; 6]);
            if words[0] == 2 * UPDATES {
                return (copies, torn);
            }
        }
    });
    story.say(format!("The reader made {copies} copies."));
    story.equal("torn copies", 0, torn);
    story.equal("no update is lost", 2 * UPDATES, lock.read()[0]);

    let (plain, locked) = (SeqLock::new([1_u64; 4]), RwLock::new([1_u64; 4]));
    story.timed(
        "two threads that read: a RwLock, to which each reader writes, against a seqlock",
        Bound::AtLeast(1.5),
        2,
        || {
            const READS: usize = 200_000;
            let on_two = |read: &(dyn Fn() -> [u64; 4] + Sync)| {
                thread::scope(|scope| {
                    for _ in 0..2 {
                        scope.spawn(|| (0..READS).for_each(|_| _ = black_box(read())));
                    }
                });
            };
            let mut seqlock = || on_two(&|| plain.read());
            let mut rwlock = || on_two(&|| locked.read().map_or([0; 4], |words| *words));
            let [slow, fast] = in_turn(5, [&mut rwlock, &mut seqlock]);
            ratio(&slow, &fast)
        },
    );
    Ok(())
}
