//! Which problems has everybody in this field met, and how are they solved?
//!
//! Seven of them, each in a file of its own (`src/classics/`), after Downey's "Little Book of Semaphores": what the
//! problem stands for, its invariant, a solution. Each `run` checks its invariant while it runs. Here all run on real
//! threads; `tests/classics_model` runs them under thousands of schedules, in which the solutions that everybody finds
//! first fail: a mutex taken before waiting, a look before a sleep, a missing barrier.
//!
//! Python has the same semaphores, and no way to check that a solution is right but to wait.

use std::{thread, time::Duration};

use lesson::{Lesson, Story};

use crate::classics::{
    barber, bathroom, bounded_buffer,
    readers_writers::{Priority, Role, Room},
    santa::{self, Deed, Groups},
    smokers::{self, Table},
    water,
};

pub(super) const LESSON: Lesson = Lesson {
    name: "classics",
    question: "Which problems has everybody in this field met, and how are they solved?",
    python: &["threading.Semaphore", "threading.Barrier", "threading.Condition"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say("Bounded buffer: 3 put 200 numbers each, 3 take them, there is room for 4.");
    let taken = bounded_buffer::run(3, 200, 4);
    story.equal("each number is taken once", true, taken.into_iter().eq(0..600));

    readers_and_writers(story)?;

    story.say("Sleeping barber: 50 customers, 5 chairs.");
    let (served, sent_away) = barber::run(50, 5);
    story.claim(
        "who found a chair was served, one at a time; nobody waits for ever",
        "50 in all, some of them served",
        format!("{served} served, {sent_away} sent away"),
        served + sent_away == 50 && served > 0,
    );

    cigarette_smokers(story)?;

    story.say("H2O: 60 threads are atoms.");
    story.equal("every three in a row are one molecule", 20, water::run(20));

    story.say("Unisex bathroom: 6 of each sex go 20 times.");
    story.equal("never both, never more than three inside; all get their turn", 240, bathroom::run(6, 20));

    story.say("Santa Claus: 9 reindeer come once, 3 elves at a time 10 times.");
    let deeds = santa::run(Groups { reindeer: 9, elves: 3 }, 10);
    let sleighs = deeds.iter().filter(|deed| **deed == Deed::Sleigh).count();
    story.equal(
        "one sleigh, and ten times help for exactly three",
        (1, 10),
        (sleighs, deeds.len() - sleighs),
    );
    Ok(())
}

/// A reader is inside and a writer waits, when a second reader comes.
fn readers_and_writers(story: &mut Story) -> lesson::Result {
    story.say("Readers and writers: a reader is inside, a writer waits. May a second reader go in?");
    for (priority, may, price) in [
        (Priority::Readers, true, "a stream of readers keeps writers out for ever"),
        (Priority::Writers, false, "a stream of writers keeps readers out for ever"),
        (Priority::Arrival, false, "nobody starves, and readers wait that need not"),
    ] {
        let room = Room::new(priority);
        let went_in = thread::scope(|scope| {
            room.enter(Role::Reader, || {
                scope.spawn(|| room.enter(Role::Writer, || ()));
                while room.waiting() == 0 {
                    thread::yield_now();
                }
                room.try_enter(Role::Reader, || ()).is_some()
            })
        });
        story.equal(format!("{priority:?} first ({price})"), may, went_in);
    }
    Ok(())
}

// ANCHOR: cigarette_smokers
fn cigarette_smokers(story: &mut Story) -> lesson::Result {
    story.say("Cigarette smokers, the naive way: tobacco and paper lie there, for the one who has matches. But who lacks tobacco and matches is quicker, and takes the tobacco.");
    let table = Table::new();
    let [tobacco, paper, matches] = smokers::THINGS;
    let moment = Duration::from_millis(10);
    table.put_all_but(matches);
    let quick = (table.take_within(tobacco, moment), table.take_within(matches, moment));
    let right = (table.take_within(paper, moment), table.take_within(tobacco, moment));
    story.equal("each holds one thing and waits for another: deadlock", [(true, false); 2], [quick, right]);
    let rounds: Vec<_> = (0..100).map(|round| round * 7 / 3 % 3).collect();
    let smoked = smokers::run(&rounds);
    story.equal("with pushers the right one smokes in each of 100 rounds", true, smoked == rounds);
    Ok(())
}
// ANCHOR_END: cigarette_smokers
