//! How do threads share by communicating, instead of communicating by sharing?
//!
//! A channel *moves* a value from one thread to another: the sender cannot touch it any more, so nothing needs a lock,
//! and the compiler knows it. It ends by itself: when all senders are gone, a receiver gets what was sent and then an
//! error; when the receiver is gone, a sender gets its value back.
//!
//! `std::sync::mpsc` has many senders and one receiver. crossbeam's channels have many of both, and `select!`, which
//! waits for the first of several. A channel is unbounded (memory is its limit), bounded (a sender waits when it is
//! full), or has no room at all: a *rendezvous*, where a send returns when the value is in another hand.
//!
//! In Python: `queue.Queue` between threads, and `SimpleQueue`. There both sides keep a reference to what was put, and
//! nobody notices when the other side is gone.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use crossbeam_channel::{RecvTimeoutError, TrySendError, bounded, never, select, select_biased, unbounded};
use lesson::{Lesson, Story};

pub(super) const LESSON: Lesson = Lesson {
    name: "channel",
    question: "How do threads share by communicating?",
    python: &["queue.SimpleQueue", "queue.Queue"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    moved(story)?;
    ends(story)?;
    room(story)?;
    fan(story)?;
    first_of_several(story)
}

fn moved(story: &mut Story) -> lesson::Result {
    story.say("A vector is sent to another thread and back. Its elements are never copied, and nobody holds a lock.");
    let (there, arrives) = mpsc::channel::<Vec<u32>>();
    let (back, returns) = mpsc::channel();
    let other = thread::spawn(move || {
        for mut numbers in arrives {
            numbers[0] = 7;
            let _ = back.send(numbers);
        }
    });
    let numbers = vec![1, 2, 3];
    let place = numbers.as_ptr() as usize;
    there.send(numbers)?;
    let numbers = returns.recv()?;
    let same_place = numbers.as_ptr() as usize == place;
    story.equal(
        "changed over there, and still in the same place",
        (vec![7, 2, 3], true),
        (numbers, same_place),
    );
    drop(there);
    story.equal("the thread ends as its channel has", true, other.join().is_ok());
    Ok(())
}

// ANCHOR: ends
fn ends(story: &mut Story) -> lesson::Result {
    story.say("Two senders send a number each and go; then the receiver asks three times.");
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for number in [1, 2] {
            let sender = sender.clone();
            scope.spawn(move || sender.send(number));
        }
    });
    drop(sender); // the original counts too: forget this, and the receiver waits for ever
    let mut got: Vec<_> = receiver.iter().collect();
    got.sort_unstable();
    story.equal(
        "what was sent is received; then the channel has ended",
        (vec![1, 2], Err(mpsc::RecvError)),
        (got, receiver.recv()),
    );
    let (sender, receiver) = mpsc::channel();
    drop(receiver);
    story.equal(
        "with no receiver the value comes back",
        Err(mpsc::SendError("a letter")),
        sender.send("a letter"),
    );
    Ok(())
}
// ANCHOR_END: ends

fn room(story: &mut Story) -> lesson::Result {
    story.say("A channel with room for two, one without any room, and one without a limit.");
    let (sender, receiver) = bounded(2);
    let sent = [1, 2, 3].map(|number| sender.try_send(number));
    story.equal(
        "bounded: the third has to wait, or comes back",
        [Ok(()), Ok(()), Err(TrySendError::Full(3))],
        sent,
    );
    story.equal("in the order in which they were sent", (Ok(1), Ok(2)), (receiver.recv(), receiver.recv()));

    let (sender, receiver) = bounded(0);
    story.equal("rendezvous: nothing can be left there", Err(TrySendError::Full(1)), sender.try_send(1));
    let taken = thread::scope(|scope| {
        let other = scope.spawn(move || receiver.recv());
        let sent = sender.send(2); // returns when it is in the other hand
        (sent.is_ok(), other.join().ok())
    });
    story.equal("it is handed over when both are there", (true, Some(Ok(2))), taken);

    let (sender, receiver) = unbounded();
    (0..10_000).try_for_each(|number| sender.send(number))?;
    story.equal("unbounded: nobody waits, and memory fills", 10_000, receiver.len());
    Ok(())
}

fn fan(story: &mut Story) -> lesson::Result {
    story.say(
        "One thread hands out 1,000 numbers, three square them, one adds them up: fan-out, then fan-in.",
    );
    let (hand_out, numbers) = bounded(8);
    let (hand_in, squares) = bounded(8);
    let sum: u64 = thread::scope(|scope| {
        scope.spawn(move || (1..=1_000_u64).try_for_each(|number| hand_out.send(number)));
        for _ in 0..3 {
            // A receiver's clone receives from the same channel: each number goes to one of the three.
            let (numbers, hand_in) = (numbers.clone(), hand_in.clone());
            scope.spawn(move || numbers.iter().try_for_each(|number| hand_in.send(number * number)));
        }
        drop((numbers, hand_in)); // only the clones are left: the last of them ends the sum
        squares.iter().sum()
    });
    story.equal("each number is squared once", (1..=1_000_u64).map(|n| n * n).sum(), sum);

    story.say("To tell all of many, each needs a channel of its own; what is sent can be shared.");
    let news = Arc::new("read by all, written by nobody".to_owned());
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..3).map(|_| mpsc::channel()).unzip();
    senders.iter().try_for_each(|sender| sender.send(Arc::clone(&news)))?;
    let heard = receivers
        .iter()
        .filter(|receiver| receiver.recv().is_ok_and(|heard| Arc::ptr_eq(&heard, &news)))
        .count();
    story.equal("broadcast: all hear the same, and it is there once", 3, heard);
    Ok(())
}

fn first_of_several(story: &mut Story) -> lesson::Result {
    story.say("A worker waits for work, for a word to stop, or for nothing to have come for an hour.");
    let ((give, work), (stop, stopped)) = (unbounded(), unbounded::<()>());
    let worker = thread::spawn(move || {
        let mut done = 0;
        loop {
            select! {
                recv(work) -> task => match task {
                    Ok(task) => done += task,
                    Err(_) => return (done, "no more work can come"),
                },
                recv(stopped) -> _ => return (done, "stopped"),
                default(Duration::from_secs(3_600)) => return (done, "an hour of nothing"),
            }
        }
    });
    (1..=10).try_for_each(|task| give.send(task))?;
    drop(give);
    story.equal(
        "all work is done before it learns that no more comes",
        Some((55, "no more work can come")),
        worker.join().ok(),
    );
    drop(stop);

    let ((give, work), (stop, stopped)) = (unbounded(), unbounded());
    give.send("work")?;
    stop.send("stop")?;
    let urgent_first = (0..100).all(|_| {
        let first = select_biased! { recv(stopped) -> word => word, recv(work) -> task => task };
        let again = stop.send("stop");
        first == Ok("stop") && again.is_ok()
    });
    story.equal("select takes any that is ready; select_biased the first in the list", true, urgent_first);
    let nothing = never::<()>().recv_timeout(Duration::from_millis(1));
    story.equal(
        "a channel that never is ready takes part without a special case",
        Err(RecvTimeoutError::Timeout),
        nothing,
    );
    Ok(())
}
