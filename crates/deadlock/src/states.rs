//! Every state that a small system can reach, and what is wrong among them: a state that nobody can leave, a circle on
//! which somebody waits for ever.
//!
//! [`model::schedule`] runs a program under every schedule and forgets the states. Here the system *is* its state, a
//! value that can be compared, so even one that never ends has finitely many states, and a proof over all of them is a
//! proof over all runs of any length (Clarke, Emerson and Sistla, "Automatic verification of finite-state concurrent
//! systems", TOPLAS 1986).

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// One step: who takes it, what it is called, and the state after it.
#[derive(Clone, Debug)]
pub struct Move<S> {
    /// Whose step it is.
    pub who: usize,
    /// What it is called in a drawing.
    pub what: &'static str,
    /// Where it leads.
    pub to: S,
}

/// A step of a walk: who, and what.
pub type Step = (usize, &'static str);

/// All states that can be reached, and the steps between them.
#[derive(Debug)]
pub struct States<S> {
    states: Vec<S>,
    /// For each state: who, what, and the index of the state after.
    moves: Vec<Vec<(usize, &'static str, usize)>>,
}

/// A walk that can be gone again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// How one comes to it.
    pub to: Vec<Step>,
    /// From there, once around.
    pub around: Vec<Step>,
}

impl<S: Clone + Eq + Hash> States<S> {
    /// All that can be reached from `start`. `moves` says which steps there are from a state.
    pub fn explore(start: S, moves: impl Fn(&S) -> Vec<Move<S>>) -> Self {
        let mut index = HashMap::from([(start.clone(), 0)]);
        let mut found = Self { states: vec![start], moves: Vec::new() };
        while let Some(state) = found.states.get(found.moves.len()) {
            let mut onward = Vec::new();
            for Move { who, what, to } in moves(state) {
                let next = *index.entry(to.clone()).or_insert(found.states.len());
                if next == found.states.len() {
                    found.states.push(to);
                }
                onward.push((who, what, next));
            }
            found.moves.push(onward);
        }
        found
    }

    /// Each state once.
    pub fn all(&self) -> &[S] {
        &self.states
    }

    /// The shortest way into a state from which no step leads on.
    pub fn stuck(&self) -> Option<Vec<Step>> {
        self.walk((0, 0), |(at, _)| self.moves[at].is_empty(), |_, _| true, &[])
    }

    /// A circle through states that are all `so`, on which each of `actors` takes a step: a run in which they all go
    /// on for ever and it stays so. `None` proves that there is no such run.
    pub fn circle(&self, actors: &[usize], so: impl Fn(&S) -> bool) -> Option<Circle> {
        let all = (1 << actors.len()) - 1;
        let stays = |_: usize, to: usize| so(&self.states[to]);
        (0..self.states.len()).filter(|&start| so(&self.states[start])).find_map(|start| {
            let around = self.walk((start, 0), |end| end == (start, all), stays, actors)?;
            let to = self.walk((0, 0), |(at, _)| at == start, |_, _| true, &[])?;
            Some(Circle { to, around })
        })
    }

    /// Breadth first, so the shortest.
    fn walk(
        &self,
        start: Place,
        is_end: impl Fn(Place) -> bool,
        may: impl Fn(usize, usize) -> bool,
        actors: &[usize],
    ) -> Option<Vec<Step>> {
        let mut came = Came::new();
        let mut open = VecDeque::from([start]);
        while let Some(place) = open.pop_front() {
            if is_end(place) {
                return Some(way(&came, start, place));
            }
            let (at, moved) = place;
            for &(who, what, to) in &self.moves[at] {
                let bit = actors.iter().position(|&actor| actor == who).map_or(0, |actor| 1 << actor);
                let next = (to, moved | bit);
                if next != start && may(at, to) && !came.contains_key(&next) {
                    came.insert(next, (place, (who, what)));
                    open.push_back(next);
                }
            }
        }
        None
    }
}

/// A state, and the set of actors that have moved until there.
type Place = (usize, usize);

/// How each place was come to: from where, by which step.
type Came = HashMap<Place, (Place, Step)>;

fn way(came: &Came, start: Place, end: Place) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut place = end;
    while place != start {
        let Some((before, step)) = came.get(&place) else { break };
        steps.push(*step);
        place = *before;
    }
    steps.reverse();
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A counter from 0 to 3 that 0 raises and, between 1 and 2, 1 lowers.
    fn counter() -> States<u32> {
        States::explore(0, |&at| {
            let up = (at < 3).then_some(Move { who: 0, what: "up", to: at + 1 });
            let down = (at == 2).then_some(Move { who: 1, what: "down", to: 1 });
            up.into_iter().chain(down).collect()
        })
    }

    #[test]
    fn the_shortest_way_into_a_dead_end() {
        assert_eq!(counter().all(), [0, 1, 2, 3]);
        assert_eq!(counter().stuck(), Some(vec![(0, "up"); 3]));
    }

    #[test]
    fn a_circle_on_which_both_move_and_none_where_one_cannot() {
        let circle = counter().circle(&[0, 1], |_| true).unwrap();
        assert_eq!(circle.to, [(0, "up")]);
        assert_eq!(circle.around, [(0, "up"), (1, "down")]);
        assert_eq!(counter().circle(&[0, 1], |&at| at != 2), None);
    }
}
