//! A rank for each lock so that every order seen goes up, kept while orders are added: a cycle shows as one that cannot.
//!
//! Most new orders go up already and cost nothing. Else only the locks between the two ranks are looked at (Pearce and
//! Kelly, "A dynamic topological sort algorithm for directed acyclic graphs", ACM JEA 11, 2006).

use std::collections::{BTreeMap, BTreeSet};

/// The locks in an order in which they could always be taken, as far as there is one.
#[derive(Default)]
pub(super) struct Topology {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Orders that close a cycle: they go down.
    down: BTreeSet<(u64, u64)>,
}

#[derive(Default)]
struct Node {
    rank: u64,
    after: BTreeSet<u64>,
    before: BTreeSet<u64>,
}

impl Topology {
    /// Adds that `to` is taken after `from`.
    pub(super) fn add(&mut self, from: u64, to: u64) {
        for lock in [from, to] {
            let next = &mut self.next;
            self.nodes.entry(lock).or_insert_with(|| {
                *next += 1;
                Node { rank: *next, ..Node::default() }
            });
        }
        if self.nodes[&from].after.contains(&to) || self.down.contains(&(from, to)) {
            return;
        }
        let (upper, lower) = (self.nodes[&from].rank, self.nodes[&to].rank);
        if upper > lower {
            let above = self.reach(to, |node| &node.after, |rank| rank <= upper);
            if above.contains(&from) {
                self.down.insert((from, to));
                return;
            }
            let below = self.reach(from, |node| &node.before, |rank| rank >= lower);
            self.lift(&below, &above);
        }
        self.node(from).after.insert(to);
        self.node(to).before.insert(from);
    }

    /// Whether any order seen closes a cycle.
    pub(super) fn has_cycle(&self) -> bool {
        !self.down.is_empty()
    }

    /// The lock is gone.
    pub(super) fn forget(&mut self, lock: u64) {
        let Some(gone) = self.nodes.remove(&lock) else { return };
        for after in gone.after {
            self.node(after).before.remove(&lock);
        }
        for before in gone.before {
            self.node(before).after.remove(&lock);
        }
        // What went down because of a way through this lock may go up now.
        let freed: Vec<(u64, u64)> = std::mem::take(&mut self.down).into_iter().collect();
        for (from, to) in freed.into_iter().filter(|(from, to)| *from != lock && *to != lock) {
            self.add(from, to);
        }
    }

    fn node(&mut self, lock: u64) -> &mut Node {
        self.nodes.get_mut(&lock).expect("both ends of an order are entered together")
    }

    /// All that are reached from `lock` without leaving the ranks that `within` allows.
    fn reach(
        &self,
        lock: u64,
        next: impl Fn(&Node) -> &BTreeSet<u64>,
        within: impl Fn(u64) -> bool,
    ) -> BTreeSet<u64> {
        let (mut reached, mut open) = (BTreeSet::from([lock]), vec![lock]);
        while let Some(lock) = open.pop() {
            for other in next(&self.nodes[&lock]) {
                if within(self.nodes[other].rank) && reached.insert(*other) {
                    open.push(*other);
                }
            }
        }
        reached
    }

    /// Gives the ranks of both sets to `below` first, then to `above`, each in the order it had.
    fn lift(&mut self, below: &BTreeSet<u64>, above: &BTreeSet<u64>) {
        let in_order = |set: &BTreeSet<u64>| {
            let mut locks: Vec<u64> = set.iter().copied().collect();
            locks.sort_unstable_by_key(|lock| self.nodes[lock].rank);
            locks
        };
        let locks: Vec<u64> = in_order(below).into_iter().chain(in_order(above)).collect();
        let mut ranks: Vec<u64> = locks.iter().map(|lock| self.nodes[lock].rank).collect();
        ranks.sort_unstable();
        for (lock, rank) in locks.into_iter().zip(ranks) {
            self.node(lock).rank = rank;
        }
    }
}
