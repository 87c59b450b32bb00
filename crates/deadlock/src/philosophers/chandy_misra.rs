//! Forks are dirty or clean, and whoever has eaten must give: nobody deadlocks *and* nobody starves (Chandy and Misra,
//! "The drinking philosophers problem", TOPLAS 1984).
//!
//! A fork always belongs to one of the two it lies between. It gets dirty by eating. Whoever wants it asks; a dirty fork
//! that is not in use is cleaned and given at once, a clean one is kept until its owner has eaten, and then given. At
//! first all are dirty and belong to the lower neighbour, so "gives way to" has no circle, and no meal can make one:
//! whoever has eaten gives way to both neighbours.
//!
//! In the paper each philosopher is a process and a request is a message. Here the table is a monitor; the rule is the
//! same, and what a table may become can be enumerated.

use std::fmt;

use super::{Monitor, Strategy, World, left_and_right};

/// A fork on its way between two neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Fork {
    owner: usize,
    /// Used since it was given: its owner must give it to who asks.
    is_dirty: bool,
    /// The other neighbour has asked for it.
    is_wanted: bool,
}

/// What a philosopher does.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Thinks,
    IsHungry,
    Eats,
}

/// All forks and all philosophers.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Table {
    forks: Vec<Fork>,
    phases: Vec<Phase>,
}

impl Table {
    /// Everybody thinks; each fork is dirty and belongs to the lower of the two it lies between.
    pub fn new(seats: usize) -> Self {
        assert!(seats >= 2, "a philosopher alone has one fork twice");
        let mut forks = vec![Fork { owner: seats, is_dirty: true, is_wanted: false }; seats];
        for who in (0..seats).rev() {
            let (left, right) = left_and_right(who, seats);
            (forks[left].owner, forks[right].owner) = (who, who);
        }
        Self { forks, phases: vec![Phase::Thinks; seats] }
    }

    // ANCHOR: rules
    /// Philosopher `who` is hungry and asks for each fork that he has not. Returns whether he has both.
    pub fn ask(&mut self, who: usize) -> bool {
        self.phases[who] = Phase::IsHungry;
        for fork in self.forks_of(who) {
            let Fork { owner, is_dirty, .. } = self.forks[fork];
            if owner == who {
                continue;
            }
            if is_dirty && self.phases[owner] != Phase::Eats {
                // A hungry owner gives it, too, but wants it back.
                let is_wanted = self.phases[owner] == Phase::IsHungry;
                self.forks[fork] = Fork { owner: who, is_dirty: false, is_wanted };
            } else {
                self.forks[fork].is_wanted = true;
            }
        }
        self.forks_of(who).iter().all(|&fork| self.forks[fork].owner == who)
    }

    /// Philosopher `who`, who has both forks, begins to eat.
    pub fn eat(&mut self, who: usize) {
        self.phases[who] = Phase::Eats;
    }

    /// Philosopher `who` has eaten: both forks are dirty, and what was asked for he gives.
    pub fn think(&mut self, who: usize) {
        self.phases[who] = Phase::Thinks;
        for (fork, neighbour) in self.forks_of(who).into_iter().zip(self.neighbours(who)) {
            self.forks[fork] = match self.forks[fork].is_wanted {
                true => Fork { owner: neighbour, is_dirty: false, is_wanted: false },
                false => Fork { owner: who, is_dirty: true, is_wanted: false },
            };
        }
    }
    // ANCHOR_END: rules

    /// Whether philosopher `who` waits for a fork.
    pub fn is_hungry(&self, who: usize) -> bool {
        self.phases[who] == Phase::IsHungry
    }

    /// Whether philosopher `who` eats.
    pub fn eats(&self, who: usize) -> bool {
        self.phases[who] == Phase::Eats
    }

    fn forks_of(&self, who: usize) -> [usize; 2] {
        left_and_right(who, self.forks.len()).into()
    }

    /// On the left and on the right.
    fn neighbours(&self, who: usize) -> [usize; 2] {
        let seats = self.forks.len();
        [(who + seats - 1) % seats, (who + 1) % seats]
    }
}

/// Short, for drawings: who has each fork, and `*` if it is dirty.
impl fmt::Debug for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.forks.iter().try_for_each(|fork| {
            let Fork { owner, is_dirty, .. } = fork;
            write!(out, "{owner}{}", if *is_dirty { "*" } else { "" })
        })
    }
}

/// Asks for the forks, and gives them when it has eaten.
pub struct ChandyMisra<W: World> {
    table: W::Monitor<Table>,
}

impl<W: World> Strategy<W> for ChandyMisra<W> {
    fn new(seats: usize) -> Self {
        Self { table: W::Monitor::new("table", Table::new(seats)) }
    }

    // ANCHOR: dine
    fn dine(&self, who: usize, eat: impl FnOnce()) {
        // Asks again whenever something has changed: a dirty fork may have been taken meanwhile.
        self.table.when(|table| table.ask(who), |table| table.eat(who));
        eat();
        self.table.change(|table| table.think(who));
    }
    // ANCHOR_END: dine
}
