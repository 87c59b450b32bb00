//! What is a lock made of? On Linux, of a futex; this system has calls of its own, which are not shown here.

use lesson::{Lesson, Story};

pub(super) const LESSON: Lesson = Lesson {
    name: "futex",
    question: "What is a lock made of?",
    python: &["threading.Lock", "threading.Condition", "threading.Semaphore"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.skip("a lock is an atomic word and a futex", "Linux", "the futex call is Linux's");
    Ok(())
}
