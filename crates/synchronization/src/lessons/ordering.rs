//! When does one thread see what another has written *before*?
//!
//! Each core may keep its stores to itself for a while, and the compiler may swap what one thread alone cannot tell. So
//! a flag that says "the data is there" must be stored with `Release` (all before it comes first) and loaded with
//! `Acquire` (all after it comes later). Only the pair orders: one half does nothing. `Relaxed` orders nothing but
//! the one word. `SeqCst` adds one order of all SeqCst operations that everybody agrees on; it is needed where two
//! threads each write and then look at what the other wrote, and hardly ever else.
//!
//! A machine will not show the mistake: x86 keeps stores in order, so a publish without Release works there until the
//! compiler or an ARM core has other ideas. So here the *rules* are asked: every outcome that Rust allows is
//! computed. That the checker finds the same in real code, and that each ordering of this crate's own types is needed,
//! is what the tests `*_model` prove.
//!
//! In Python the GIL orders everything; free-threaded builds promise it for single operations on built-in types.

use std::{
    cell::UnsafeCell,
    sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Relaxed, Release, SeqCst},
    },
    thread,
};

use lesson::{Lesson, Story};

use crate::litmus::{self, Program, message_passing, store_buffering};

/// When does one thread see what another has written before?
pub(super) const LESSON: Lesson = Lesson {
    name: "ordering",
    question: "When does one thread see what another has written before?",
    python: &["sys._is_gil_enabled"],
    run,
    scenes: &[],
};

fn run(story: &mut Story) -> lesson::Result {
    story.say(
        "One thread writes data and then sets a flag. The other, when it sees the flag, reads the data. \
         May it see the flag and yet old data?",
    );
    judge(story, &message_passing("both Relaxed", Relaxed, Relaxed, None), true);
    judge(story, &message_passing("only the store Release", Release, Relaxed, None), true);
    judge(story, &message_passing("only the load Acquire", Relaxed, Acquire, None), true);
    judge(story, &message_passing("Release and Acquire", Release, Acquire, None), false);
    let fences = Some([Release, Acquire]);
    judge(story, &message_passing("Relaxed, with fences between", Relaxed, Relaxed, fences), false);
    story.say(
        "A fence orders all that is before it with all that is after it: dearer to think about, but one fence serves \
         many words, and it can stand in the rare branch only (see `seqlock`).",
    );

    story.say("Two threads each set a flag and then look at the other's. May both see none?");
    judge(story, &store_buffering("Relaxed: each looks before its flag is out", Relaxed, None), true);
    judge(story, &store_buffering("SeqCst", SeqCst, None), false);
    judge(story, &store_buffering("Relaxed, with SeqCst fences between", Relaxed, Some(SeqCst)), false);

    story.say("And the right form, run: 200 messages from one thread to another, in plain memory.");
    story.equal("messages that arrived whole", 200, (0..200).filter(|&number| pass_on(number)).count());
    Ok(())
}

fn judge(story: &mut Story, program: &Program, expected: bool) {
    let outcomes = litmus::allowed(program);
    let say = |allowed| if allowed { "allowed" } else { "forbidden" };
    let seen = outcomes.contains(&program.telling);
    story.claim(
        format!("{}: loads that return {:?}", program.name, program.telling),
        say(expected),
        format!("{}, of {} outcomes in all", say(seen), outcomes.len()),
        seen == expected,
    );
}

/// Data that is published by a flag.
struct Message {
    data: UnsafeCell<[u64; 4]>,
    ready: AtomicBool,
}

// SAFETY: the data is written before `ready` is set with Release, and read after it was seen set with Acquire.
unsafe impl Sync for Message {}

impl Message {
    /// Called once.
    fn send(&self, number: u64) {
        // SAFETY: `ready` is not set, so nobody reads.
        unsafe { *self.data.get() = [number; 4] };
        self.ready.store(true, Release); // pairs with the Acquire below
    }

    fn receive(&self) -> [u64; 4] {
        while !self.ready.load(Acquire) {
            thread::yield_now();
        }
        // SAFETY: it was set, so the write is over and visible.
        unsafe { *self.data.get() }
    }
}

// ANCHOR: pass_on
fn pass_on(number: u64) -> bool {
    let message = Message { data: UnsafeCell::new([0; 4]), ready: AtomicBool::new(false) };
    thread::scope(|scope| {
        scope.spawn(|| message.send(number));
        message.receive() == [number; 4]
    })
}
// ANCHOR_END: pass_on
