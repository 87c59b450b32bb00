//! Two rings between this process and another, one for each direction.

use std::{
    fs::File,
    os::fd::{AsFd, AsRawFd},
    process,
};

use shared_memory::{
    Memfd,
    peer::{self, Peer},
    ring::{self, Consumer, Producer, Wait},
};

use crate::{LIMIT, SMALL, other_end::cast};

/// Two rings and who answers.
pub(crate) struct Rings {
    there: Producer,
    back: Consumer,
    _peer: Peer,
}

impl Rings {
    pub(crate) fn open(way: Wait, core: usize) -> Self {
        let [there, back] = [(); 2].map(|()| Memfd::create("bench", ring::size(4096)).expect("memory"));
        ring::create(&there).expect("new");
        ring::create(&back).expect("new");
        let path = format!("/proc/{}/fd/{}", process::id(), back.as_fd().as_raw_fd());
        let start = cast("rings", core).with_memory(&there).expect("a descriptor");
        let mut peer = start.with_word(format!("{way:?}")).with_word(path).start().expect("started");
        let (mut there, mut back_end) =
            (Producer::attach(&there).expect("a ring"), Consumer::attach(&back).expect("a ring"));
        there.set_wait(way);
        back_end.set_wait(way);
        there.expect(peer.id());
        back_end.expect(peer.id());
        peer.line(LIMIT).expect("ready");
        let mut rings = Self { there, back: back_end, _peer: peer };
        rings.rest();
        rings
    }

    pub(crate) fn trips(&mut self, trips: u32) {
        for trip in 0..trips {
            let mut question = self.there.reserve(SMALL).expect("the other lives");
            question.fill(trip as u8);
            question.commit();
            let answer = self.back.peek().expect("the other lives");
            assert_eq!(answer[SMALL - 1], trip as u8);
            answer.release();
        }
        // It need not spin while others are measured.
        self.rest();
    }

    /// Lets a spinning peer wait asleep: it is told to by an empty message.
    fn rest(&mut self) {
        self.there.reserve(0).expect("the other lives").commit();
    }
}

pub(crate) fn answer(memory: &Memfd, way: &str, back: &str) {
    let way = match way {
        "Spin" => Wait::Spin,
        "Sleep" => Wait::Sleep,
        _ => Wait::Adaptive,
    };
    let back = File::options().read(true).write(true).open(back).expect("our parent's memory");
    let (mut questions, mut answers) =
        (Consumer::attach(memory).expect("a ring"), Producer::attach(back).expect("a ring"));
    answers.set_wait(way);
    questions.set_wait(way);
    peer::say("ready");
    while let Ok(question) = questions.peek() {
        let rest = question.is_empty();
        if !rest {
            let mut answer = answers.reserve(question.len()).expect("the other lives");
            answer.copy_from_slice(&question);
            answer.commit();
        }
        question.release();
        questions.set_wait(if rest { Wait::Sleep } else { way });
    }
}
