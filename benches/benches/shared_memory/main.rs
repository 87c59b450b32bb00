//! How fast do messages go from process to process through shared memory? Ratios within a round: of two cores to the journey
//! of two bare cache lines between them, of one core to a loop on a futex in C, of large messages to one core's memcpy and to
//! two processes in C that copy and do nothing else; and CPython and iceoryx2, if they are here.
//!
//! The other end is this program again, in a process of its own. iceoryx2 is a program by itself, which `just peers` builds: it
//! is some 70 crates.
//!
//! Takes 12 s, with iceoryx2 19 s; with `--quick` 3 s and 5 s.

mod cores;
mod iceoryx2;
mod lines;
mod one_way;
mod other_end;
mod outside;
mod python;
mod rings;
mod round_trips;

use std::{env, time::Duration};

use benches::peers::Peer;
use lesson::measure::{self, gain};

const LIMIT: Duration = Duration::from_secs(20);
const SMALL: usize = 64;

fn main() {
    if let Some("peer") = env::args().nth(1).as_deref() {
        return other_end::play();
    }
    let quick = env::args().any(|argument| argument == "--quick");
    let (rounds, trips) = if quick { (7, 20_000) } else { (21, 100_000) };
    // Before this thread is pinned: those that it starts would be so too.
    println!("{} cores; a pure kernel gains {:.2}x on 2 threads", measure::cores(), gain(2));
    cores::pin(&[cores::core(0)]);
    round_trips::across(rounds, trips);
    let c = Peer::c("shared_memory");
    if let Err(why) = &c {
        println!("C: skipped, {why}");
    }
    round_trips::one_core(rounds, trips / 20, c.as_ref().ok());
    one_way::one_way(rounds, u64::from(trips), c.as_ref().ok());
    python::python(rounds.min(7), trips);
    iceoryx2::iceoryx2(rounds.min(7), trips);
}
