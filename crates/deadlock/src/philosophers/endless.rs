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

/// All that can lie on the table when philosopher 0 is hungry from the start, does not get his turn, and his two
/// neighbours eat whenever the waiter lets them. The state is what lies on the table.
pub fn waiter(seats: usize) -> States<Vec<bool>> {
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
        [1, seats - 1].into_iter().filter_map(neighbour).collect()
    })
}
