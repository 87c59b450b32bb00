//! How do threads that share nothing but channels wait for each other in a circle?
//!
//! A channel is a lock in disguise wherever one can wait for it: a **bounded** one when it is full, any when it is empty.
//! Three forms. Two stages that send to each other through bounded channels: both are full, both wait for room, so nobody
//! receives. A **rendezvous** (capacity 0) on which both wait: each wants to hand over before it takes. And the one that
//! everybody meets: `for item in receiver` ends when all senders are gone, and one of them is still there, in the very
//! thread that waits.
//!
//! The cures. Where messages go in a circle, give a channel room for *all that can be under way at once*, or never wait
//! while sending (`try_send`, or an unbounded channel with a bound elsewhere). Let one of two partners take first. Drop
//! the sender before you receive to the end. Look at the report: who waits to send into what, and who should receive.
//!
//! In Python: `queue.Queue(maxsize)`, whose `put` waits in the same way; `queue.Queue.shutdown` (3.13) in the place of the
//! last sender's drop.

use std::sync::Arc;

use lesson::search::{broken, fixed};
use lesson::{Lesson, Story};
use model::schedule::{Bounds, Program};

use super::{
    miniature::Channel,
    stage::{Actor, found, play},
};
use crate::detector::{Receiver, RecvError, Report, SendError, Sender};

pub(super) const LESSON: Lesson = Lesson {
    name: "channels",
    question: "How do threads that share nothing but channels wait for each other in a circle?",
    python: &["queue.Queue", "queue.Queue.shutdown"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    cycle(story)?;
    rendezvous(story)?;
    own_sender(story)
}

/// How an actor ended: with so many messages received, or in a deadlock.
type End = Result<u32, Arc<Report>>;

// ANCHOR: exchange
/// Sends two messages and then receives two.
fn exchange(to: &Sender<u32>, from: &Receiver<u32>) -> End {
    for message in 0..2 {
        send(to, message)?;
    }
    (0..2).map(|_| receive(from)).sum()
}
// ANCHOR_END: exchange

fn send(to: &Sender<u32>, message: u32) -> Result<(), Arc<Report>> {
    match to.send(message) {
        Ok(()) | Err(SendError::Disconnected(_)) => Ok(()),
        Err(SendError::WouldDeadlock(_, report)) => Err(report),
    }
}

/// 1 if there was a message, 0 if there will be no more.
fn receive(from: &Receiver<u32>) -> End {
    match from.recv() {
        Ok(_) => Ok(1),
        Err(RecvError::Disconnected) => Ok(0),
        Err(RecvError::WouldDeadlock(report)) => Err(report),
    }
}

/// Two threads and a channel of `capacity` in each direction. The ends are bound to their threads (`here`), so that the
/// detector knows who should receive.
fn partners(
    capacity: usize,
    a: impl FnOnce(&Sender<u32>, &Receiver<u32>) -> End + Send + 'static,
    b: impl FnOnce(&Sender<u32>, &Receiver<u32>) -> End + Send + 'static,
) -> Result<Vec<End>, String> {
    play(move |detector| {
        let (to_b, at_b) = detector.channel("letters for B", capacity);
        let (to_a, at_a) = detector.channel("letters for A", capacity);
        let a: Actor<End> = Box::new(move || a(&to_b.here(), &at_a.here()));
        let b: Actor<End> = Box::new(move || b(&to_a.here(), &at_b.here()));
        vec![("A", a), ("B", b)]
    })
}

fn report(ends: &[End]) -> Option<&Arc<Report>> {
    ends.iter().find_map(|end| end.as_ref().err())
}

fn received(ends: Vec<End>) -> u32 {
    ends.into_iter().flatten().sum()
}

fn cycle(story: &mut Story) -> lesson::Result {
    story.say(
        "A and B each send two messages to the other and then receive two. The channels have room for one:",
    );
    let ends = partners(1, exchange, exchange)?;
    found(story, "cycle", "both wait for room, nobody receives", &["A", "B"], report(&ends))?;
    let small = |capacity: usize| {
        move |program: &mut Program| {
            let (ab, ba) = (Channel::new("ab", capacity), Channel::new("ba", capacity));
            for (name, to, from) in [("A", ab.clone(), ba.clone()), ("B", ba, ab)] {
                program.thread(name, move || {
                    (0..2).for_each(|message| to.send(message));
                    (0..2).for_each(|message| assert_eq!(from.receive(), message));
                });
            }
        }
    };
    broken(story, "full", "room for one: a deadlock, without any preemption", 0, &few(), small(1))?;
    story.say("Cured: room for all that can be under way at once.");
    fixed(story, "room for two: none", &few(), small(2));
    let ends = partners(2, exchange, exchange)?;
    story.equal("and on real threads all four messages arrive", 4, received(ends));
    Ok(())
}

fn rendezvous(story: &mut Story) -> lesson::Result {
    story.say("A rendezvous has no room at all: who sends waits for who takes. Both send first:");
    let hand_over_first = |to: &Sender<u32>, from: &Receiver<u32>| {
        send(to, 7)?;
        receive(from)
    };
    let ends = partners(0, hand_over_first, hand_over_first)?;
    found(story, "rendezvous", "both hand over, nobody takes", &["A", "B"], report(&ends))?;
    let small = |takes_first: bool| {
        move |program: &mut Program| {
            let (ab, ba) = (Channel::new("ab", 0), Channel::new("ba", 0));
            for (name, to, from, takes) in [("A", ab.clone(), ba.clone(), false), ("B", ba, ab, takes_first)]
            {
                program.thread(name, move || {
                    let taken = if takes { Some(from.receive()) } else { None };
                    to.send(7);
                    assert_eq!(taken.unwrap_or_else(|| from.receive()), 7);
                });
            }
        }
    };
    broken(story, "meet", "both send first: a deadlock", 0, &Bounds::all(), small(false))?;
    story.say("Cured: of the two, one takes first.");
    fixed(story, "B takes first: none", &Bounds::all(), small(true));
    let take_first = |to: &Sender<u32>, from: &Receiver<u32>| {
        let taken = receive(from)?;
        send(to, 7).map(|()| taken)
    };
    let ends = partners(0, hand_over_first, take_first)?;
    story.equal("and on real threads both messages arrive", 2, received(ends));
    Ok(())
}

/// How far the scheduler looks: all schedules would be millions.
fn few() -> Bounds {
    Bounds::preemptions(2)
}

// ANCHOR: own_sender
fn own_sender(story: &mut Story) -> lesson::Result {
    let collect = |drop_own: bool| {
        play(move |detector| {
            let (sender, receiver) = detector.channel("results", 4);
            let theirs = sender.clone();
            let worker: Actor<End> = Box::new(move || (0..3).try_for_each(|n| send(&theirs, n)).map(|()| 0));
            let collector: Actor<End> = Box::new(move || {
                let own = (!drop_own).then_some(sender);
                let mut count = 0;
                loop {
                    match receive(&receiver)? {
                        0 => break,
                        one => count += one,
                    }
                }
                drop(own);
                Ok(count)
            });
            vec![("worker", worker), ("collector", collector)]
        })
    };
    // ANCHOR_END: own_sender
    story.say(
        "A collector receives until all senders are gone; the one that it cloned for its worker is its own.",
    );
    let ends = collect(false)?;
    found(story, "own-sender", "it waits for itself to send", &["collector"], report(&ends))?;
    story.say("Cured: it drops its own sender before it begins.");
    story.equal("three results, and then the end", 3, received(collect(true)?));
    Ok(())
}
