//! The other end of rings and lines: this program again.

use std::{env, process::Command};

use shared_memory::{
    Shared,
    peer::{self, Cast},
    ring::Producer,
};

use crate::{
    cores::{self, pin},
    lines::echo,
    one_way::source,
    rings::answer,
};

/// This program as the other end, on the first or second of our cores. (A child starts with the one that we are on.)
pub(crate) fn cast(role: &str, core: usize) -> Cast {
    Cast::program(Command::new(env::current_exe().expect("this program")), &["peer"])
        .with_word(role)
        .with_word(cores::core(core))
}

/// The other end.
pub(crate) fn play() {
    let word = |index| peer::word(index).expect("given");
    let number = |index| word(index).parse::<u64>().expect("a number");
    pin(&[number(1) as usize]);
    let memory = peer::memory().expect("given");
    match word(0).as_str() {
        "rings" => answer(&memory, &word(2), &word(3)),
        "source" => {
            let mut producer = Producer::attach(&memory).expect("a ring");
            source(&mut producer, number(2) as usize, number(3), number(4));
        }
        _ => echo(&Shared::attach(&memory).expect("two lines")),
    }
}
