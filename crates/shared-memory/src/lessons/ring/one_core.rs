//! What a wait costs if both ends have one core between them, and an end that answers.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd},
    process,
};

use lesson::{
    Bound, Story,
    measure::{in_turn, ratio},
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{CAPACITY, LIMIT};
use crate::{
    Memfd,
    peer::{self, Cast, Peer},
    ring::{self, Consumer, Producer, RingError, Wait},
};

/// What a wait costs, where both ends have one core: there a wake-up is measured and not the machine's way of sleeping.
pub(super) fn waiting(story: &mut Story) -> lesson::Result {
    story.say("A question and its answer, 64 bytes each, both processes on one core.");
    let ways = [Wait::Adaptive, Wait::Sleep];
    let [mut adaptive, mut sleep] = [Line::open(ways[0])?, Line::open(ways[1])?];
    // Each way does what it should, whatever time it takes.
    story.equal(
        "answers that are right, by yielding and by sleeping",
        (50, 50),
        (adaptive.ask(50)?, sleep.ask(50)?),
    );
    let here = sched_getaffinity(None)?;
    sched_setaffinity(None, &first_core()?)?;
    story.timed("looks, then yields, then sleeps: against sleeping at once", Bound::AtMost(0.95), 1, || {
        let [adaptive, sleep] = in_turn(
            7,
            [
                &mut || {
                    let _ = adaptive.ask(2_000);
                },
                &mut || {
                    let _ = sleep.ask(2_000);
                },
            ],
        );
        ratio(&adaptive, &sleep)
    });
    sched_setaffinity(None, &here)?;
    Ok(())
}

/// Two rings, and a process that answers.
struct Line {
    there: Producer,
    back: Consumer,
    _peer: Peer,
}

impl Line {
    fn open(way: Wait) -> Result<Self, Box<dyn std::error::Error>> {
        let [there, back] = [(); 2].map(|()| Memfd::create("ring", ring::size(CAPACITY)));
        let (there, back) = (there?, back?);
        ring::create(&there)?;
        ring::create(&back)?;
        let way_word = if way == Wait::Sleep { "sleep" } else { "adaptive" };
        // The second ring's memory by its path: this process's descriptor, as its child sees it.
        let path = format!("/proc/{}/fd/{}", process::id(), back.as_fd().as_raw_fd());
        let cast = Cast::scene("ring", "echo").with_memory(&there)?.with_word(way_word).with_word(path);
        let mut peer = cast.start()?;
        let (mut there, mut back_end) = (Producer::attach(&there)?, Consumer::attach(&back)?);
        there.expect(peer.id());
        back_end.expect(peer.id());
        there.set_wait(way);
        back_end.set_wait(way);
        // It has opened the second ring.
        peer.line(LIMIT)?;
        Ok(Self { there, back: back_end, _peer: peer })
    }

    /// Asks so often; how many answers were right.
    fn ask(&mut self, times: usize) -> Result<usize, RingError> {
        let mut right = 0;
        for number in 0..times {
            let mut question = self.there.reserve(64)?;
            question.fill(number as u8);
            question.commit();
            let answer = self.back.peek()?;
            right += usize::from(answer[..] == [number as u8; 64]);
            answer.release();
        }
        Ok(right)
    }
}

fn first_core() -> Result<CpuSet, rustix::io::Errno> {
    let allowed = sched_getaffinity(None)?;
    let mut one = CpuSet::new();
    if let Some(core) = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)) {
        one.set(core);
    }
    Ok(one)
}

/// Answers each message with the same bytes, on the core that the first one is on.
pub(super) fn echo() {
    let way = if peer::word(0).as_deref() == Some("sleep") { Wait::Sleep } else { Wait::Adaptive };
    let back = File::options().read(true).write(true).open(peer::word(1).expect("a path"));
    let memory = peer::memory().expect("given");
    let mut questions = Consumer::attach(&memory).expect("a ring");
    let mut answers = Producer::attach(back.expect("our parent's memory")).expect("a ring");
    questions.set_wait(way);
    answers.set_wait(way);
    // Refused in some sandboxes: then the claim is about what it is about.
    let _ = first_core().and_then(|core| sched_setaffinity(None, &core));
    peer::say("ready");
    while let Ok(question) = questions.peek() {
        let Ok(mut answer) = answers.reserve(question.len()) else { return };
        answer.copy_from_slice(&question);
        answer.commit();
        question.release();
    }
}
