//! A dinner that never ends, as a graph of states: what can happen to one who is hungry, however long it goes on.

use super::{Table, both_free, left_and_right};
use crate::states::{Move, States};

/// All that a table of Chandy and Misra can become when everybody gets hungry again and again; with how often each
/// neighbour of philosopher 0 has begun to eat since 0 got hungry.
pub fn chandy_misra(seats: usize) -> States<(Table, Vec<u8>)> {
    States::explore((Table::new(seats), vec![0; seats]), |(table, overtook)| {
        (0..seats).filter_map(|who| next(table, overtook, who)).collect()
    })
}

fn next(table: &Table, overtook: &[u8], who: usize) -> Option<Move<(Table, Vec<u8>)>> {
    let (mut after, mut overtook) = (table.clone(), overtook.to_vec());
    let mut what = "asks";
    if table.eats(who) {
        what = "thinks";
        after.think(who);
    } else if after.ask(who) {
        what = "eats";
        after.eat(who);
        let beside = [1, overtook.len() - 1].contains(&who);
        match who {
            0 => overtook.fill(0),
            _ if beside && table.is_hungry(0) => overtook[who] += 1,
            _ => {}
        }
    }
    // Who asked in vain before waits: that is no step.
    (after != *table).then_some(Move { who, what, to: (after, overtook) })
}

/// All that can lie on the table when philosopher 0 is hungry from the start and does not get his turn, and those of
/// his neighbours who are `there` eat whenever the waiter lets them. The state is what lies on the table.
pub fn waiter(seats: usize, there: &[usize]) -> States<Vec<bool>> {
    States::explore(vec![true; seats], |forks| {
        let neighbour = |who: usize| {
            let (left, right) = left_and_right(who, seats);
            let is_free = both_free(forks, who);
            // Only one of those that share a fork with 0 can have taken it.
            if !is_free && (forks[left] || forks[right]) {
                return None;
            }
            let mut to = forks.clone();
            (to[left], to[right]) = (!is_free, !is_free);
            Some(Move { who, what: if is_free { "eats" } else { "thinks" }, to })
        };
        there.iter().copied().filter_map(neighbour).collect()
    })
}

/// How far a philosopher is who takes one fork after the other. The side is the one he begins with: 0 left, 1 right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum At {
    /// Not at the table.
    Away,
    /// Sits, and waits for his first fork.
    Sits(usize),
    /// Has it, and would take the other one.
    HasOne(usize),
    /// Has it, did not get the other one, and will give back.
    HasFailed(usize),
    /// Has both.
    Eats,
}

/// All that can be at a table with so many chairs, where everybody takes left and then right ([`Seats`](super::Seats)).
pub fn seats(philosophers: usize, chairs: usize) -> States<Vec<At>> {
    walks(philosophers, move |at, who| match at[who] {
        At::Away => {
            let seated = at.iter().filter(|at| **at != At::Away).count();
            (seated < chairs).then_some(("sits", At::Sits(0)))
        }
        At::Sits(_) => is_free(at, who, 0).then_some(("takes left", At::HasOne(0))),
        At::HasOne(_) | At::HasFailed(_) => is_free(at, who, 1).then_some(("takes right", At::Eats)),
        At::Eats => Some(("goes", At::Away)),
    })
}

/// All that can be at a table where everybody backs off ([`BackOff`](super::BackOff)).
pub fn back_off(philosophers: usize) -> States<Vec<At>> {
    walks(philosophers, |at, who| match at[who] {
        At::Away => Some(("sits", At::Sits(0))),
        At::Sits(side) => is_free(at, who, side).then_some(("takes one", At::HasOne(side))),
        At::HasOne(side) if is_free(at, who, 1 - side) => Some(("takes both", At::Eats)),
        At::HasOne(side) => Some(("fails", At::HasFailed(side))),
        At::HasFailed(side) => Some(("gives back", At::Sits(1 - side))),
        At::Eats => Some(("goes", At::Away)),
    })
}

fn walks(philosophers: usize, next: impl Fn(&[At], usize) -> Option<(&'static str, At)>) -> States<Vec<At>> {
    States::explore(vec![At::Away; philosophers], |at| {
        let steps = (0..philosophers).filter_map(|who| {
            let (what, step) = next(at, who)?;
            let mut to = at.clone();
            to[who] = step;
            Some(Move { who, what, to })
        });
        steps.collect()
    })
}

/// Whether nobody has the fork on that side of `who`.
fn is_free(at: &[At], who: usize, side: usize) -> bool {
    let fork_at = |who: usize, side: usize| (who + side) % at.len();
    let fork = fork_at(who, side);
    (0..at.len()).all(|other| match at[other] {
        At::HasOne(side) | At::HasFailed(side) => fork_at(other, side) != fork,
        At::Eats => ![0, 1].map(|side| fork_at(other, side)).contains(&fork),
        At::Away | At::Sits(_) => true,
    })
}
