//! Two bare lines of the cache between this process and another, without any queue: nothing is faster.

use std::{
    hint::spin_loop,
    sync::atomic::{
        AtomicU32,
        Ordering::{Acquire, Release},
    },
};

use shared_memory::{
    Memfd, PlainCell, Shared, futex,
    peer::{self, Peer},
    shared,
};

use crate::{LIMIT, SMALL, other_end::cast};

shared! {
    /// A word and 64 bytes, on lines of their own.
    #[repr(align(128))]
    pub(crate) struct Line { word: AtomicU32, bytes: PlainCell<[u8; SMALL]> }
}

/// Two lines, one for each direction, without any queue.
pub(crate) struct Words {
    shared: Shared<[Line; 2]>,
    turn: u32,
    _peer: Peer,
}

impl Words {
    pub(crate) fn open(core: usize) -> Self {
        let memory = Memfd::create("bench", Shared::<[Line; 2]>::size(0)).expect("memory");
        let first = |lines: &mut [Line; 2], _: &mut [()]| {
            lines.iter_mut().for_each(|line| *line.word.get_mut() = 1);
        };
        let shared = Shared::<[Line; 2]>::create(&memory, first).expect("new");
        let mut peer =
            cast("lines", core).with_memory(&memory).expect("a descriptor").start().expect("started");
        peer.line(LIMIT).expect("ready");
        Self { shared, turn: 1, _peer: peer }
    }

    pub(crate) fn trips(&mut self, trips: u32) {
        let [there, back] = &*self.shared;
        for _ in 0..trips {
            let last = self.turn;
            // The next even one. Behind an odd one the other sleeps.
            self.turn = if last % 2 == 1 { last + 1 } else { last + 2 };
            say(there, self.turn, last % 2 == 1);
            hear(back, last, false);
        }
        // Odd: rest, until an even one comes.
        let last = self.turn;
        self.turn += 1;
        say(there, self.turn, true);
        hear(back, last, false);
    }
}

fn say(line: &Line, turn: u32, wakes: bool) {
    line.word.store(turn, Release);
    if wakes {
        futex::wake_shared(&line.word, 1);
    }
}

fn hear(line: &Line, last: u32, sleeps: bool) -> u32 {
    loop {
        match line.word.load(Acquire) {
            turn if turn != last => return turn,
            _ if sleeps => {
                futex::wait_shared(&line.word, last, None);
            }
            _ => spin_loop(),
        }
    }
}

pub(crate) fn echo(lines: &Shared<[Line; 2]>) {
    let [there, back] = &**lines;
    peer::say("ready");
    let (mut last, mut rests) = (1, true);
    loop {
        last = hear(there, last, rests);
        say(back, last, false);
        rests = last % 2 == 1;
    }
}
