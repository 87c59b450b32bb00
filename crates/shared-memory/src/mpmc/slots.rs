//! The queue's algorithm: a slot is taken together with the name of who takes it, by one atomic step.
//!
//! In Vyukov's bounded queue ("Bounded MPMC queue", 1024cores.net) a producer takes a *position*, then fills its slot. One
//! that is killed in between leaves a slot that nobody fills, and nobody knows whose it was: all consumers wait for ever.
//! Here the *slot* is taken first, by an exchange of its word, which then says position, state and process:
//!
//! ```text
//! word:   | position, 24 bits | state, 2 bits | who, 38 bits |
//! FREE(p) -> WRITING(p, who) -> FULL(p) -> READING(p, who) -> FREE(p + slots)
//!               who died: v                   who died: another reads it, READING(p, other)
//!             FREE(p + slots)
//! ```
//! The two counters only say where to look. Whoever finds that a slot has got further than its counter moves the counter
//! on, so that it does not matter where another was killed.
//!
//! Nothing here knows of memory that is mapped: `tests/mpmc_model.rs` runs it through the model checkers.

use model::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

use crate::{
    ring::{Corrupt, Points},
    shared,
    who::Who,
};

shared! {
    /// A counter on lines of its own.
    #[repr(align(128))]
    #[derive(Debug, Default)]
    pub struct Counter {
        /// Grows, and wraps around.
        pub position: AtomicU32,
    }
}

shared! {
    /// Where to look.
    #[derive(Debug, Default)]
    pub struct Counters {
        /// The next position to be written; perhaps a little behind.
        pub tail: Counter,
        /// The next to be read; perhaps a little behind.
        pub head: Counter,
    }
}

/// What a slot's word says besides position and process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be written at this position.
    Free = 0,
    /// A process writes, or was killed while it did.
    Writing = 1,
    /// To be read.
    Full = 2,
    /// A process reads, or was killed while it did.
    Reading = 3,
}

/// Positions in words wrap around here.
const POSITIONS: u32 = 1 << 24;
/// So that positions that are some laps apart differ.
pub const MOST_SLOTS: u32 = POSITIONS / 16;

const fn word(position: u32, state: State, who: Who) -> u64 {
    (position as u64 % POSITIONS as u64) << 40 | (state as u64) << Who::BITS | who.bits()
}

/// The word of a slot that was never used.
pub const fn free(position: u32) -> u64 {
    word(position, State::Free, Who::NOBODY)
}

fn state(word: u64) -> State {
    match word >> Who::BITS & 3 {
        0 => State::Free,
        1 => State::Writing,
        2 => State::Full,
        _ => State::Reading,
    }
}

/// How far the word's position is ahead of `position`, modulo [`POSITIONS`].
const fn ahead(word: u64, position: u32) -> u32 {
    ((word >> 40) as u32).wrapping_sub(position) % POSITIONS
}

/// What there is at the head of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// The message at this position is the caller's, until it calls [`done`](Slots::done).
    Taken(u32),
    /// Nothing.
    Empty,
    /// Somebody writes the message at this position, or died.
    Writing(u32),
}

/// The slots and the counters, wherever they are.
pub trait Slots {
    /// The counters.
    fn counters(&self) -> &Counters;
    /// How many slots: a power of two, at least 2, at most [`MOST_SLOTS`].
    fn lap(&self) -> u32;
    /// The word of a slot below [`lap`](Self::lap).
    fn word(&self, index: usize) -> &AtomicU64;

    /// The slot of this position.
    fn index(&self, position: u32) -> usize {
        (position & (self.lap() - 1)) as usize
    }

    // ANCHOR: reserve
    /// A slot to be written by `me`: its position; `None` if the queue is full.
    ///
    /// # Errors
    /// When a word says what it cannot.
    fn reserve(&self, me: Who, points: &impl Points) -> Result<Option<u32>, Corrupt> {
        loop {
            // Acquire: pairs with the Release in `advance`: no slot is seen as it was before the counter passed it.
            let position = self.counters().tail.position.load(Acquire);
            let slot = self.word(self.index(position));
            // Acquire: pairs with the Release in `done`: the last message was read before this one is written.
            let seen = slot.load(Acquire);
            let (lap, behind) = (self.lap(), POSITIONS - self.lap());
            match (ahead(seen, position), state(seen)) {
                (0, State::Free) => {
                    let mine = word(position, State::Writing, me);
                    // Relaxed: `seen` was acquired, and an exchange passes on was released with what stood there.
                    if slot.compare_exchange(seen, mine, Relaxed, Relaxed).is_ok() {
                        points.at("reserved");
                        advance(&self.counters().tail, position);
                        return Ok(Some(position));
                    }
                }
                // Somebody has got it, and was killed before the counter moved, or is slower than we are.
                (0, _) => advance(&self.counters().tail, position),
                (ahead, _) if ahead == lap => advance(&self.counters().tail, position),
                (ahead, _) if self.counters().tail.position.load(Relaxed) == position => {
                    return if ahead == behind { Ok(None) } else { Err(Corrupt("a slot from another lap")) };
                }
                _ => {}
            }
        }
    }
    // ANCHOR_END: reserve

    /// The message at `position` is written, and everybody may read it.
    ///
    /// # Errors
    /// When somebody took this process for dead.
    fn publish(&self, position: u32, me: Who) -> Result<(), Corrupt> {
        let (mine, full) = (word(position, State::Writing, me), word(position, State::Full, Who::NOBODY));
        self.step(position, mine, full)
    }

    /// Takes the message at the head for `me`.
    ///
    /// # Errors
    /// When a word says what it cannot.
    fn take(&self, me: Who, points: &impl Points) -> Result<Head, Corrupt> {
        loop {
            // Acquire: as in `reserve`.
            let position = self.counters().head.position.load(Acquire);
            let slot = self.word(self.index(position));
            // Acquire: pairs with the Release in `publish`: the message was written before it is read.
            let seen = slot.load(Acquire);
            let (lap, behind) = (self.lap(), POSITIONS - self.lap());
            match (ahead(seen, position), state(seen)) {
                (0, State::Full) => {
                    let mine = word(position, State::Reading, me);
                    // Relaxed: as in `reserve`.
                    if slot.compare_exchange(seen, mine, Relaxed, Relaxed).is_ok() {
                        points.at("taken");
                        advance(&self.counters().head, position);
                        return Ok(Head::Taken(position));
                    }
                }
                (0, State::Reading) => advance(&self.counters().head, position),
                (ahead, _) if ahead == lap => advance(&self.counters().head, position),
                (ahead, state) if self.counters().head.position.load(Relaxed) == position => {
                    return match (ahead, state) {
                        (0, State::Free) => Ok(Head::Empty),
                        // Nobody could write here yet: the message of the last lap is being read.
                        (ahead, State::Reading) if ahead == behind => Ok(Head::Empty),
                        (0, State::Writing) => Ok(Head::Writing(position)),
                        _ => Err(Corrupt("a slot from another lap")),
                    };
                }
                _ => {}
            }
        }
    }

    /// The message at `position` was read: its slot is free.
    ///
    /// # Errors
    /// When somebody took this process for dead.
    fn done(&self, position: u32, me: Who) -> Result<(), Corrupt> {
        let mine = word(position, State::Reading, me);
        self.step(position, mine, free(position.wrapping_add(self.lap())))
    }

    /// The message at `position` is not read by `me` after all: whoever looks for what the dead have left gets it.
    ///
    /// # Errors
    /// When somebody took this process for dead.
    fn abandon(&self, position: u32, me: Who) -> Result<(), Corrupt> {
        let mine = word(position, State::Reading, me);
        self.step(position, mine, word(position, State::Reading, Who::NOBODY))
    }

    // ANCHOR: recover
    /// Looks for what the dead have left: a message that one had taken and not read is now `me`'s. A slot that one had
    /// reserved at the head is free, if it was not published: nobody was told that this message is accepted.
    ///
    /// `is_alive` is asked after the look at the slot: who is dead then will not change it any more.
    ///
    /// # Errors
    /// When a word says what it cannot.
    fn recover(&self, me: Who, is_alive: impl Fn(Who) -> bool) -> Result<Option<u32>, Corrupt> {
        let is_dead = |seen: u64| !is_alive(Who::from_bits(seen));
        let head = self.counters().head.position.load(Relaxed);
        for position in (0..self.lap()).map(|step| head.wrapping_add(step)) {
            let slot = self.word(self.index(position));
            // Relaxed: nothing of what a dead one has written is looked at.
            let seen = slot.load(Relaxed);
            if ahead(seen, position) != 0 || state(seen) != State::Writing || !is_dead(seen) {
                break;
            }
            // Whoever is first; the counter is moved by the next `take`. Relaxed: as in `reserve`.
            let _ = slot.compare_exchange(seen, free(position.wrapping_add(self.lap())), Relaxed, Relaxed);
        }
        for index in 0..self.lap() {
            let slot = self.word(index as usize);
            // Acquire: pairs with the Release in `publish`, which the exchange to READING has passed on.
            let seen = slot.load(Acquire);
            if state(seen) == State::Reading && is_dead(seen) {
                // What the word means: below the head, or at it, if its taker was killed before the counter moved.
                let lap_ago = head.wrapping_sub(self.lap());
                let position = lap_ago.wrapping_add(ahead(seen, lap_ago));
                if self.index(position) != index as usize {
                    return Err(Corrupt("a slot from another lap"));
                }
                let mine = word(position, State::Reading, me);
                if slot.compare_exchange(seen, mine, Relaxed, Relaxed).is_ok() {
                    // It may have been killed before it did so; the slot must not get a lap ahead of the counter.
                    advance(&self.counters().head, position);
                    return Ok(Some(position));
                }
            }
        }
        Ok(None)
    }
    // ANCHOR_END: recover

    /// From what this process has written to what it says next.
    ///
    /// # Errors
    /// When it is no longer there.
    fn step(&self, position: u32, from: u64, to: u64) -> Result<(), Corrupt> {
        let slot = self.word(self.index(position));
        // Release: the message was written, or read, before this is seen.
        match slot.compare_exchange(from, to, Release, Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Corrupt("a slot was taken away from a living process")),
        }
    }
}

/// Moves a counter on, if nobody has.
fn advance(counter: &Counter, position: u32) {
    // Release: pairs with the Acquire of who begins at the counter: the slot was seen as it is now, or the counter would
    // not move. Else that one could see the slot a lap ago, and call it damaged.
    let _ = counter.position.compare_exchange(position, position.wrapping_add(1), Release, Relaxed);
}
