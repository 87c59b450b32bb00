//! The queue itself: what is in it, who has something of it, and who waits.

use std::{collections::VecDeque, mem, sync::Arc};

use crate::server::Turn;

#[derive(Debug)]
pub(super) struct Item {
    pub(super) bytes: Vec<u8>,
    /// How often it has been given out.
    pub(super) attempts: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    items: VecDeque<Item>,
    /// Given out and not done.
    held: usize,
    capacity: Option<usize>,
    is_closed: bool,
    /// Whoever waits for an item or the end.
    getters: VecDeque<Arc<Turn>>,
    /// Whoever waits for room or the end.
    putters: VecDeque<Arc<Turn>>,
    /// Whoever waits until all is done.
    joiners: VecDeque<Arc<Turn>>,
}

/// What somebody gets who asks now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Now<T> {
    Yes(T),
    /// It may come.
    Wait,
    /// It never will.
    Closed,
}

impl State {
    pub(super) fn new(capacity: Option<usize>) -> Self {
        Self { capacity, ..Self::default() }
    }

    /// Items in it and given out: all that are not done.
    pub(super) fn unfinished(&self) -> usize {
        self.items.len() + self.held
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Now<()> {
        if self.is_closed {
            return Now::Closed;
        }
        if self.capacity.is_some_and(|capacity| self.items.len() >= capacity) {
            return Now::Wait;
        }
        self.items.push_back(Item { bytes: bytes.into(), attempts: 0 });
        wake_one(&mut self.getters);
        Now::Yes(())
    }

    // ANCHOR: get
    pub(super) fn get(&mut self) -> Now<Item> {
        match self.items.pop_front() {
            Some(mut item) => {
                item.attempts += 1;
                self.held += 1;
                wake_one(&mut self.putters);
                Now::Yes(item)
            }
            // One that somebody else has may come back, if he dies.
            None if self.is_closed && self.held == 0 => Now::Closed,
            None => Now::Wait,
        }
    }

    /// Who had it is done.
    pub(super) fn done(&mut self) {
        self.held -= 1;
        if self.unfinished() == 0 {
            wake_all(&mut self.joiners);
            if self.is_closed {
                wake_all(&mut self.getters);
            }
        }
    }

    /// Who had it has gone: in front of all others, since it was before them.
    pub(super) fn give_back(&mut self, item: Item) {
        self.held -= 1;
        self.items.push_front(item);
        wake_one(&mut self.getters);
    }
    // ANCHOR_END: get

    pub(super) fn is_done(&self) -> Now<()> {
        if self.unfinished() == 0 { Now::Yes(()) } else { Now::Wait }
    }

    pub(super) fn close(&mut self) {
        self.is_closed = true;
        wake_all(&mut self.getters);
        wake_all(&mut self.putters);
    }

    pub(super) fn line(&mut self, of: Line) -> &mut VecDeque<Arc<Turn>> {
        match of {
            Line::Getters => &mut self.getters,
            Line::Putters => &mut self.putters,
            Line::Joiners => &mut self.joiners,
        }
    }

    /// Takes `turn` out of its line. If it was given one and did not use it (its time was over, its client had gone), the
    /// next one gets it: else an item would lie there while somebody waits for it.
    pub(super) fn leave(&mut self, of: Line, turn: &Arc<Turn>) {
        let line = self.line(of);
        line.retain(|other| !Arc::ptr_eq(other, turn));
        if turn.take() {
            wake_one(line);
        }
    }
}

/// What one waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    Getters,
    Putters,
    Joiners,
}

fn wake_one(line: &mut VecDeque<Arc<Turn>>) {
    if let Some(turn) = line.pop_front() {
        turn.give();
    }
}

fn wake_all(line: &mut VecDeque<Arc<Turn>>) {
    for turn in mem::take(line) {
        turn.give();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two wait for an item; `turn` says who is in the line first.
    fn two_wait(state: &mut State) -> [Arc<Turn>; 2] {
        [(); 2].map(|()| {
            let turn = Arc::new(Turn::new().expect("a descriptor"));
            assert!(matches!(state.get(), Now::Wait));
            state.line(Line::Getters).push_back(Arc::clone(&turn));
            turn
        })
    }

    #[test]
    fn a_turn_that_comes_when_time_is_over_is_given_on() {
        let mut state = State::new(None);
        let [first, second] = two_wait(&mut state);
        assert!(matches!(state.put(b"item"), Now::Yes(())));
        // The first one was woken, and at this moment its time is over, or its client has gone.
        state.leave(Line::Getters, &first);
        assert!(second.take(), "an item lies there, and nobody is told");
    }

    #[test]
    fn who_leaves_without_a_turn_takes_none_away() {
        let mut state = State::new(None);
        let [first, second] = two_wait(&mut state);
        state.leave(Line::Getters, &first);
        assert!(!second.take(), "nothing has come");
        assert!(matches!(state.put(b"item"), Now::Yes(())));
        assert!(second.take() && !first.take());
    }

    #[test]
    fn the_end_and_what_comes_back_wake_those_who_wait() {
        let mut state = State::new(None);
        assert!(matches!(state.put(b"item"), Now::Yes(())));
        let Now::Yes(item) = state.get() else { panic!("it is there") };
        let [first, second] = two_wait(&mut state);
        state.close();
        assert!(first.take() && second.take(), "they look again");
        assert!(matches!(state.get(), Now::Wait), "one is held");
        state.line(Line::Getters).extend([Arc::clone(&first), Arc::clone(&second)]);
        state.give_back(item);
        assert!(first.take() && !second.take(), "one item, one turn");
        let Now::Yes(item) = state.get() else { panic!("it has come back") };
        assert_eq!(item.attempts, 2);
        state.done();
        assert!(second.take() && matches!(state.get(), Now::Closed));
    }

    #[test]
    fn the_end_wakes_those_who_wait_for_room() {
        let mut state = State::new(Some(1));
        let turn = Arc::new(Turn::new().expect("a descriptor"));
        assert!(matches!(state.put(b"item"), Now::Yes(())) && matches!(state.put(b"more"), Now::Wait));
        state.line(Line::Putters).push_back(Arc::clone(&turn));
        state.close();
        assert!(turn.take() && matches!(state.put(b"more"), Now::Closed));
    }
}
